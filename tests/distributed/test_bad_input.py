"""Bad shards and settings: errors that name the shard, and the row where there is one."""

import json

import pytest

from arborank import PrefixTfidf, TextFeatures, TextRanker, XRLinear
from arborank.datasets import Layout
from arborank.distributed import SerialExecutor, StageError, fit
from support.shards import ranker, state_of, write_shards

pytest.importorskip("pyarrow")


def fails(tmp_path, shards, **changes):
    options = {"work_dir": tmp_path / "work", "ranker": ranker(), "executor": SerialExecutor(1)}
    fit(shards, tmp_path / "model", **options | changes)


TEXTS = [f"{thing} {place}" for place in range(4) for thing in ("a red apple", "an old car")]
LABELS = [["fruit"], ["vehicle"]] * 4


def put(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def test_shards_that_hold_no_row_or_another_schema(tmp_path):
    pattern = write_shards(tmp_path / "shards", TEXTS, LABELS, 2)
    extra = tmp_path / "shards" / "part-900.jsonl"
    extra.write_text("")
    with pytest.raises(StageError, match=r"part-900.jsonl holds no row"):
        fails(tmp_path, pattern)
    put(extra, {"text": "a pear", "labels": ["fruit"]}, {"title": "a bus", "labels": ["vehicle"]})
    with pytest.raises(StageError, match=r'part-900.jsonl:2: "text" must be a string'):
        fails(tmp_path, pattern)
    put(extra, {"text": "a pear", "labels": ["fruit"]}, {"text": "a bus", "labels": None})
    with pytest.raises(StageError, match=r'part-900.jsonl:2: "labels" must be a list'):
        fails(tmp_path, pattern)
    put(extra, {"text": "a pear", "labels": ["fruit"], "relevance": [2]})
    with pytest.raises(StageError, match=r"part-900.jsonl: row 0 has a relevance"):
        fails(tmp_path, pattern)


def test_parquet_that_is_damaged_null_or_lacks_a_column(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pattern = write_shards(tmp_path / "shards", TEXTS, LABELS, 2, "parquet")
    extra = tmp_path / "shards" / "part-900.parquet"
    pq.write_table(pa.table({"text": ["a", "b"], "labels": [["x"], None]}), extra)
    with pytest.raises(StageError, match=r'part-900.parquet: row 1: "labels" must be'):
        fails(tmp_path, pattern)
    pq.write_table(pa.table({"title": ["a", "b"], "labels": [["x"], ["y"]]}), extra)
    with pytest.raises(StageError, match=r"part-900.parquet: no column 'text'"):
        fails(tmp_path, pattern)
    extra.write_bytes(b"PAR1" + bytes(40))
    with pytest.raises(StageError, match=r"part-900.parquet: not a Parquet file"):
        fails(tmp_path, pattern)


def test_places_that_mean_nothing_or_the_same_twice(tmp_path):
    write_shards(tmp_path / "shards", TEXTS, LABELS, 2)
    first = tmp_path / "shards" / "part-000.jsonl"
    with pytest.raises(FileNotFoundError, match="no file is named"):
        fails(tmp_path, tmp_path / "shards" / "*.parquet")
    with pytest.raises(ValueError, match=r"shards mean .*part-000.jsonl twice"):
        fails(tmp_path, [first, first])
    with pytest.raises(ValueError, match="shards is empty"):
        fails(tmp_path, [])
    pytest.importorskip("fsspec")
    with pytest.raises(ValueError, match="nowhere://shards/x cannot be read"):
        fails(tmp_path, "nowhere://shards/x")


def test_addresses_of_fsspec_are_read(tmp_path):
    pytest.importorskip("fsspec")
    write_shards(tmp_path / "shards", TEXTS, LABELS, 2)
    options = {"work_dir": tmp_path / "work", "executor": SerialExecutor(1)}
    model = fit(f"file://{tmp_path}/shards/*.jsonl", tmp_path / "model", **options)
    assert model.rank("an old car", k=1)[0][0] == "vehicle"


def test_stores_that_do_not_answer_or_let_nobody_in(tmp_path, monkeypatch):
    fsspec = pytest.importorskip("fsspec")
    from fsspec.implementations.local import LocalFileSystem

    class Store(LocalFileSystem):
        protocol = "store"
        problems = ()

        def get_file(self, *args, **given):
            if self.problems:
                raise self.problems.pop()
            return super().get_file(*args, **given)

        def glob(self, path, **given):
            if "closed" in path:
                raise PermissionError("no credentials")
            return super().glob(path, **given)

    fsspec.register_implementation("store", Store, clobber=True)
    pauses = []
    monkeypatch.setattr("time.sleep", pauses.append)
    write_shards(tmp_path / "shards", TEXTS, LABELS, 2)
    with pytest.raises(
        ValueError, match=r"closed.* cannot be read .PermissionError: no credentials.*credentials right"
    ):
        fails(tmp_path, f"store://{tmp_path}/closed/*.jsonl")
    Store.problems = [TimeoutError(), ConnectionResetError()]
    options = {"work_dir": tmp_path / "work", "executor": SerialExecutor(1)}
    fit(f"store://{tmp_path}/shards/*.jsonl", tmp_path / "model", **options)
    assert len(pauses) == 2
    Store.problems = [PermissionError("who are you")]
    with pytest.raises(StageError, match=r"part-000.jsonl cannot be read .PermissionError: who are you"):
        fails(tmp_path, f"store://{tmp_path}/shards/part-000.jsonl", work_dir=tmp_path / "other")
    Store.problems = [TimeoutError()] * 4
    with pytest.raises(StageError, match=r"part-000.jsonl cannot be read .TimeoutError"):
        fails(tmp_path, f"store://{tmp_path}/shards/part-000.jsonl", work_dir=tmp_path / "other")


def test_rows_and_shards_that_are_there_twice(tmp_path):
    texts = [f"{TEXTS[number % 8]} {number}" for number in range(304)]
    pattern = write_shards(tmp_path / "shards", texts, LABELS * 38, 2)
    fails(tmp_path, pattern)  # no warning
    shards = tmp_path / "shards"
    (shards / "part-900.jsonl").write_text((shards / "part-000.jsonl").read_text())
    with pytest.warns(UserWarning, match=r"part-900.jsonl holds the same rows as .*part-000.jsonl"):
        fails(tmp_path, pattern)
    records = [{"text": "a bus", "labels": ["vehicle"]}, {"text": "a pear", "labels": ["fruit"]}]
    put(shards / "part-900.jsonl", *records, *records[:1] * 200)
    with pytest.warns(UserWarning, match=r"200 of 506 rows repeat .* such as row 2 of .*part-900.jsonl"):
        fails(tmp_path, pattern)


def test_rows_without_any_label(tmp_path):
    pattern = write_shards(tmp_path / "shards", TEXTS, [[]] * 8, 2)
    with pytest.raises(StageError, match="hold no label name at all"):
        fails(tmp_path, pattern)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (TextRanker(model=XRLinear(n_trees=3)), "n_trees is 3"),
        (TextRanker(model=XRLinear(representation="pii")), "representation is 'pii'"),
        (TextRanker(model=XRLinear(negatives="tfn+man")), r"negatives is 'tfn\+man'"),
        (TextRanker(model=XRLinear(max_rows=1)), "max_rows must be at least 2"),
        (TextRanker(calibrate=True), "calibrate is True"),
    ],
)
def test_settings_that_need_one_machine(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        fails(tmp_path, write_shards(tmp_path / "shards", TEXTS, LABELS, 1), ranker=wrong)


def test_other_arguments(tmp_path):
    pattern = write_shards(tmp_path / "shards", TEXTS, LABELS, 1)
    with pytest.raises(ValueError, match="executor must be 'local', 'ray' or an Executor, found 'slurm'"):
        fails(tmp_path, pattern, executor="slurm")
    with pytest.raises(ValueError, match="workers is 2, but goes with executor 'local'"):
        fails(tmp_path, pattern, workers=2)
    with pytest.raises(ValueError, match="memory must be at least"):
        fails(tmp_path, pattern, memory=1)
    with pytest.raises(StageError, match="no such key"):
        fails(tmp_path, pattern, layout=Layout(text_column="title"))


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_bad_rows_can_be_left_out(tmp_path, kind):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pattern = write_shards(tmp_path / "shards", TEXTS, LABELS, 2, kind)
    extra = tmp_path / "shards" / f"part-900.{kind}"
    bad = [{"text": "a bad row", "labels": None}, {"text": None, "labels": []}]
    records = [bad[0], {"text": "a red apple", "labels": ["fruit"]}, bad[1]]
    if kind == "jsonl":
        put(extra, *records)
    else:
        pq.write_table(pa.Table.from_pylist(records[1:] + records[:1]), extra)
    options = {"work_dir": tmp_path / "work", "executor": SerialExecutor(1)}
    with pytest.warns(UserWarning, match=r"2 rows cannot be read .*part-900"):
        model = fit(pattern, tmp_path / "model", skip_bad=True, **options)
    assert state_of(model) == state_of(TextRanker().fit([*TEXTS, "a red apple"], [*LABELS, ["fruit"]]))
    (tmp_path / "shards" / "part-950.csv").write_text("text,labels\na,b\n")
    with pytest.raises(StageError, match="bad rows are left out of JSON lines and Parquet only"):
        fails(tmp_path, tmp_path / "shards" / "part-950.csv", skip_bad=True)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([2, 1, 0], r"part-900.jsonl: row 2 has the weight 0"),
        ([2, None, 1], r'part-900.jsonl:2: "weight"'),
    ],
)
def test_weights_that_are_missing_or_nothing(tmp_path, weights, message):
    (tmp_path / "shards").mkdir()
    records = [{"text": f"a pear {i}", "labels": ["fruit"], "weight": one} for i, one in enumerate(weights)]
    records = [{name: value for name, value in one.items() if value is not None} for one in records]
    put(tmp_path / "shards" / "part-900.jsonl", *records)
    with pytest.raises(StageError, match=message):
        fails(tmp_path, tmp_path / "shards", layout=Layout(weight_column="weight"))


def test_functions_among_settings(tmp_path):
    pattern = write_shards(tmp_path / "shards", TEXTS, LABELS, 1)
    features = TextFeatures(parts=[PrefixTfidf(position_weight=lambda place: 1.0)])
    with pytest.raises(ValueError, match="such as a function"):
        fails(tmp_path, pattern, ranker=TextRanker(features))
