"""Training and scoring from shards on the command line, and single tasks as jobs."""

import json

import pytest
from click.testing import CliRunner

from arborank import NgramTfidf, TextRanker, XRLinear, load
from arborank.cli import main
from arborank.distributed import SerialExecutor, StageError, evaluate, fit
from arborank.metrics import evaluate as evaluate_answers
from arborank.storage import read_records
from support.shards import made_up, state_of, write_shards

pytest.importorskip("pyarrow")


def run(*args, code=0):
    result = CliRunner().invoke(main, [*map(str, args)])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(scope="module")
def data():
    return made_up(600, 150)


def evaluated(model, texts, labels, ks):
    """The report of one process."""
    truth, ids = model.encode_labels(labels, "extend"), model.predict_topk(texts, max(ks))[0]
    counts = [*model.model_.label_counts_, *[0] * (truth.shape[1] - len(model.labels_))]
    n_train = model.model_.n_instances_
    return evaluate_answers(truth, ids, ks, train_counts=counts, n_train=n_train)


def test_a_model_is_evaluated_on_shards(tmp_path, data):
    texts, labels = made_up(300, 150, seed=1)
    labels = [
        [*row, f"new {i % 7}"] if i % 3 else row for i, row in enumerate(labels)
    ]  # of no row of training
    model = TextRanker(n_jobs=1).fit(*data)
    model.save(tmp_path / "model")
    for n_shards in (1, 3):
        shards = write_shards(tmp_path / f"{n_shards}", texts, labels, n_shards)
        options = {"work_dir": tmp_path / "work", "executor": SerialExecutor(1), "ks": (1, 3)}
        assert evaluate(shards, tmp_path / "model", **options) == evaluated(model, texts, labels, (1, 3))
    (tmp_path / "3" / "part-900.jsonl").write_text('{"text": "a", "labels": 1}\n')
    with pytest.raises(StageError, match=r'part-900.jsonl:1: "labels" must be'):
        evaluate(shards, tmp_path / "model", **options)
    (tmp_path / "3" / "part-900.jsonl").write_text("")
    with pytest.raises(StageError, match=r"part-900.jsonl holds no row"):
        evaluate(shards, tmp_path / "model", **options)
    shards = write_shards(tmp_path / "few", *made_up(50, 20), 1)
    few = TextRanker(NgramTfidf(min_df=1), n_jobs=1).fit(
        ["a pear", "a bus"], [["fruit"], ["vehicle"]]
    )  # fewer labels than are asked for
    few.save(tmp_path / "small")
    assert evaluate(shards, tmp_path / "small", **options).metrics["precision@1"] == 0
    with pytest.raises(ValueError, match="no row to score"):
        evaluate(write_shards(tmp_path / "none", ["a"], [[]], 1), tmp_path / "small", **options)


def test_train_and_predict(tmp_path, data):
    pq = pytest.importorskip("pyarrow.parquet")
    shards = write_shards(tmp_path / "shards", *data, 2, "parquet")
    options = ["--branching", 4, "--max-leaf-size", 8, "--max-sample", 60, "--max-rows", 200, "-j", 1]
    told = run("train", "--shards", shards, "--model", tmp_path / "model", "--dry-run", *options)
    assert "600 rows in 2 shards, about " in told
    assert "of memory for the largest task" in told
    assert not (tmp_path / "model").exists()
    told = run(
        *("train", "--shards", shards, "--model", tmp_path / "model", "--work-dir", tmp_path / "work"),
        *("--workers", 1, "--memory", 0.1, "--test", shards, "-k", "1,2", *options),
    )
    model = XRLinear(branching=4, max_leaf_size=8, max_sample=60, max_rows=200)
    expected = TextRanker(model=model, n_jobs=1).fit(*data)
    found = load(tmp_path / "model")
    assert state_of(found) == state_of(expected)
    report = evaluated(expected, *data, (1, 2))
    assert str(report) in told
    assert "## Evaluation" in (tmp_path / "model" / "README.md").read_text()
    (record,) = read_records(tmp_path / "model")
    assert record.data == "*.parquet"
    assert record.tables["metric"]["precision"]["@2"] == report.metrics["precision@2"]
    answers = tmp_path / "answers"
    run("predict", tmp_path / "model", "--shards", shards, "--output", answers, "-k", 2, "--workers", 1)
    labels = [
        row for file in sorted(answers.glob("*.parquet")) for row in pq.read_table(file)["labels"].to_pylist()
    ]
    assert labels == [[name for name, _ in row] for row in expected.rank_batch(data[0], k=2)]


def test_options_that_do_not_go_together(tmp_path, data):
    shards = write_shards(tmp_path / "shards", *data, 1)
    train = ["train", "--model", tmp_path / "model"]
    assert "--engine goes with --shards" in run(*train, shards, "--engine", "local", code=2)
    assert "--holdout does not go with --shards" in run(*train, "--shards", shards, "--holdout", 0.1, code=2)
    assert "--shards need --work-dir" in run(*train, "--shards", shards, code=2)
    assert "Missing argument 'DATA', or --shards" in run(*train, code=2)
    assert "no file is named" in run(*train, "--shards", f"{tmp_path}/none-*", "--dry-run", code=1)
    where = ("--shards", shards, "--work-dir", tmp_path / "work", "--test", f"{tmp_path}/none-*")
    assert "no file is named" in run(*train, *where, code=1)
    assert not (tmp_path / "work").exists()  # nothing was trained


def test_a_task_as_a_job(tmp_path, data):
    shards = write_shards(tmp_path / "shards", *data, 2)

    class ByHand:
        """Writes every task to a file and lets the command run it."""

        def run(self, work, tasks, finished):
            for number, task in enumerate(tasks):
                path = tmp_path / f"task{number}.json"
                path.write_text(task.to_json())
                assert task.stage in run("stage", "run", path, "--work-dir", work.directory, "-j", 1)
                finished(task)

    ranker = TextRanker(model=XRLinear(combine="l3-hinge"), label_names=False, n_jobs=1)
    options = {"ranker": ranker, "work_dir": tmp_path / "work"}
    found = fit(shards, tmp_path / "model", executor=ByHand(), **options)
    assert state_of(found) == state_of(ranker.fit(*data))
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps({"stage": "dance", "arguments": {}}))
    assert "unknown; known are read, labels" in run("stage", "run", bad, "--work-dir", tmp_path, code=1)
    bad.write_text("{}")
    assert "a JSON object with stage and arguments" in run(
        "stage", "run", bad, "--work-dir", tmp_path, code=1
    )
