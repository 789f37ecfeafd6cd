"""Labels for tables and shards: the answers of `rank_batch`, in the order of the rows, whatever engine asks."""

import pytest

from arborank import XRLinear
from arborank.datasets import Layout
from arborank.distributed import SerialExecutor, StageError, score, score_batch
from support.shards import made_up, ranker, write_shards

pa = pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def data():
    return made_up(600, 150)


@pytest.fixture(scope="module")
def model(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("scored") / "model"
    ranker(combine="l3-hinge").fit(*data).save(path)
    return path


@pytest.fixture(scope="module")
def wanted(data, model):
    from arborank import load

    return load(model).rank_batch(data[0], k=3)


def pairs(table):
    both = zip(table["labels"].to_pylist(), table["scores"].to_pylist(), strict=True)
    return [list(zip(labels, scores, strict=True)) for labels, scores in both]


def table_of(data, first=0, last=None):
    texts = data[0][first:last]
    schema = pa.schema([("id", pa.string()), ("text", pa.string()), ("labels", pa.list_(pa.string()))])
    columns = [[f"row {i}" for i in range(len(texts))], texts, data[1][first:last]]
    return pa.table(columns, schema)


def test_a_table(data, model, wanted):
    answer = score_batch(table_of(data), model, k=3)
    assert answer.schema.names == ["id", "labels", "scores"]
    assert answer["id"].to_pylist() == [f"row {i}" for i in range(600)]
    assert pairs(answer) == wanted
    batch = table_of(data, 5, 9).to_batches()[0]
    answer = score_batch(batch, model, k=3, keep_text=True, n_jobs=1)
    assert answer["text"].to_pylist() == data[0][5:9]
    assert pairs(answer) == wanted[5:9]
    empty = score_batch(table_of(data, 0, 0), model, k=3)
    assert empty.num_rows == 0
    assert empty.schema.field("labels").type == pa.list_(pa.string())


def test_tables_that_cannot_be_ranked(data, model, tmp_path):
    with pytest.raises(ValueError, match="text_column is 'title', but the table has"):
        score_batch(table_of(data), model, text_column="title")
    with pytest.raises(ValueError, match="n_jobs is 1, but goes with the path"):
        score_batch(table_of(data), ranker().fit(*data), n_jobs=1)
    with pytest.raises(ValueError, match="has no text in row 1"):
        score_batch(pa.table({"text": ["a", None]}), model)
    with pytest.raises(TypeError, match="column 'text' holds int64"):
        score_batch(pa.table({"text": [1, 2]}), model)
    XRLinear().fit([[1.0, 0.0], [0.0, 1.0]], [[0], [1]]).save(tmp_path / "numbers")
    with pytest.raises(TypeError, match="a TextRanker was expected"):
        score_batch(pa.table({"text": ["a"]}), tmp_path / "numbers")


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_shards_and_an_interruption(tmp_path, data, model, wanted, kind):
    import pyarrow.parquet as pq

    shards = write_shards(tmp_path / "shards", *data, 3, kind)

    class Once(SerialExecutor):
        def run(self, work, tasks, finished):
            super().run(work, tasks[:1], finished)
            raise KeyboardInterrupt

    options = {"k": 3, "layout": Layout() if kind == "parquet" else Layout(id_column="text")}
    with pytest.raises(KeyboardInterrupt):
        score(shards, model, tmp_path / "answers", executor=Once(1), **options)
    (done,) = (tmp_path / "answers").glob("*.parquet")
    before = done.stat().st_mtime_ns
    files = score(shards, model, tmp_path / "answers", executor=SerialExecutor(1), **options)
    assert done.stat().st_mtime_ns == before
    assert [file.name for file in files] == [f"part-{i:05}.parquet" for i in range(3)]
    assert [row for file in files for row in pairs(pq.read_table(file))] == wanted
    if kind == "jsonl":
        assert [row for file in files for row in pq.read_table(file)["id"].to_pylist()] == data[0]
    files[0].unlink()  # what is gone is made again
    assert score(shards, model, tmp_path / "answers", executor=SerialExecutor(1), **options)[0].exists()


def test_bad_shards_are_named(tmp_path, data, model):
    import pyarrow.parquet as pq

    shards = write_shards(tmp_path / "shards", *data, 2, "parquet")
    extra = tmp_path / "shards" / "part-900.parquet"
    pq.write_table(pa.table({"text": ["a", None]}), extra)
    options = {"executor": SerialExecutor(1)}
    with pytest.raises(StageError, match=r"part-900.parquet, from row 0: .*no text in row 1"):
        score(shards, model, tmp_path / "answers", **options)
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), extra)
    with pytest.raises(StageError, match=r"part-900.parquet holds no row"):
        score(shards, model, tmp_path / "answers", **options)
    extra.write_bytes(b"PAR1")
    with pytest.raises(StageError, match=r"part-900.parquet"):
        score(shards, model, tmp_path / "answers", **options)
    assert not list((tmp_path / "answers").glob("*.tmp"))


# ------------------------------------------------------------------ engines


@pytest.fixture
def texts_file(tmp_path, data):
    import pyarrow.parquet as pq

    path = tmp_path / "texts.parquet"
    pq.write_table(table_of(data).drop_columns(["labels"]), path)
    return path


def test_pandas(data, model, wanted):
    frame = table_of(data).to_pandas()
    answer = score_batch(pa.Table.from_pandas(frame[["id", "text"]]), model, k=3).to_pandas()
    assert [list(row) for row in answer["labels"]] == [[name for name, _ in row] for row in wanted]


def test_polars(texts_file, model, wanted):
    polars = pytest.importorskip("polars")
    answer = polars.from_arrow(score_batch(polars.read_parquet(texts_file).to_arrow(), model, k=3))
    assert answer["labels"].to_list() == [[name for name, _ in row] for row in wanted]


def test_duckdb(texts_file, model, wanted):
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        reader = connection.sql(f"SELECT id, text FROM '{texts_file}'").to_arrow_reader(100)
        answers = [score_batch(batch, model, k=3) for batch in reader]
        connection.register("answers", pa.concat_tables(answers))
        found = connection.execute("SELECT id, labels[1] FROM answers").fetchall()
    assert found == [(f"row {i}", row[0][0]) for i, row in enumerate(wanted)]


def test_dask(texts_file, model, wanted):
    dask = pytest.importorskip("dask")
    import pyarrow.parquet as pq

    table = pq.read_table(texts_file)
    parts = [dask.delayed(score_batch)(table.slice(first, 250), str(model), k=3) for first in (0, 250, 500)]
    answers = dask.compute(*parts, scheduler="threads")
    assert [row for answer in answers for row in pairs(answer)] == wanted
