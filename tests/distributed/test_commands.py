"""Training and scoring from shards on the command line, and single tasks as jobs."""

import json

import pytest
from click.testing import CliRunner

from arborank import TextRanker, XRLinear, load
from arborank.cli import main
from arborank.distributed import fit
from support.shards import made_up, state_of, write_shards

pytest.importorskip("pyarrow")


def run(*args, code=0):
    result = CliRunner().invoke(main, [*map(str, args)])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(scope="module")
def data():
    return made_up(600, 150)


def test_train_and_predict(tmp_path, data):
    pq = pytest.importorskip("pyarrow.parquet")
    shards = write_shards(tmp_path / "shards", *data, 2, "parquet")
    options = ["--branching", 4, "--max-leaf-size", 8, "--max-sample", 60, "--max-rows", 200, "-j", 1]
    told = run("train", "--shards", shards, "--model", tmp_path / "model", "--dry-run", *options)
    assert "600 rows in 2 shards, about " in told
    assert "of memory for the largest task" in told
    assert not (tmp_path / "model").exists()
    run(
        *("train", "--shards", shards, "--model", tmp_path / "model", "--work-dir", tmp_path / "work"),
        *("--workers", 1, "--memory", 0.1, "--test", shards, *options),
    )
    model = XRLinear(branching=4, max_leaf_size=8, max_sample=60, max_rows=200)
    expected = TextRanker(model=model, n_jobs=1).fit(*data)
    found = load(tmp_path / "model")
    assert state_of(found) == state_of(expected)
    assert "Evaluation" in (tmp_path / "model" / "README.md").read_text()
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
