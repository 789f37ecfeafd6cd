"""Probabilities from the shell."""

import json

import pytest

import arborank
from arborank.datasets import write_jsonl
from cli.conftest import rows

pytestmark = pytest.mark.filterwarnings("ignore:.* rows are few to calibrate")


def test_training_and_asking(run, folder):
    run("train", "train.jsonl", "-m", "new", "--calibrate")
    model = arborank.load(folder / "new")
    assert model.calibration_.facts.n_rows == 100
    text = rows(1, 5).texts[0]
    found = json.loads(run("rank", "new", text, "--json", "--probabilities").stdout)
    expected = model.rank(text, probabilities=True)
    assert found["labels"] == [name for name, _ in expected]
    assert found["scores"] == pytest.approx([chance for _, chance in expected], rel=1e-5)
    run("predict", "new", "test.jsonl.xz", "-o", "answers.jsonl", "-k", 3, "--probabilities")
    answers = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
    expected = model.rank_batch(rows(50, 2).texts, 3, probabilities=True)
    assert [answer["labels"] for answer in answers] == [[name for name, _ in row] for row in expected]
    assert all(0 <= score <= 1 for answer in answers for score in answer["scores"])
    card = (folder / "new/README.md").read_text(encoding="utf-8")
    assert "Probabilities were learned from 100 held-out rows on 20" in card
    assert "relevant labels of a row are missing from the first place" in card


def test_held_out_rows(run, folder):
    write_jsonl(folder / "held.jsonl", rows(400, 7))
    output = run("calibrate", "model", "held.jsonl", "-o", "sure")
    assert "Probabilities were learned from 400 held-out rows" in output.stderr
    assert "Saved sure." in output.stderr
    assert arborank.load(folder / "model").calibration_ is None
    write_jsonl(folder / "there.jsonl", rows(300, 8))
    run("calibrate", "sure", "there.jsonl", "--recalibrate")
    facts = arborank.load(folder / "sure").calibration_.facts
    assert (facts.n_rows, facts.n_recalibrated) == (400, 300)
    card = (folder / "sure/README.md").read_text(encoding="utf-8")
    assert "and adapted to 300 of another domain" in card
    (folder / "gone.txt").write_text(arborank.load(folder / "sure").labels_[0] + "\n")
    run("update", "sure", "--remove", "gone.txt")
    assert "Updates of labels since: 1." in (folder / "sure/README.md").read_text(encoding="utf-8")


def test_matrices(run, folder):
    run("calibrate", "linear", "train.X.npz", "--labels", "train.Y.npz")
    run("predict", "linear", "test.X.npz", "-o", "answers.jsonl", "--probabilities")
    assert arborank.load(folder / "linear").calibration_.facts.n_rows == 200
    run("train", "train.X.npz", "--labels", "train.Y.npz", "-m", "new", "--calibrate", "--hybrid")
    assert arborank.load(folder / "new").calibration_.facts.n_rows == 200


@pytest.mark.parametrize(
    "command",
    [
        ("rank", "model", "a text", "--probabilities"),
        ("predict", "model", "test.tsv", "--probabilities"),
        ("calibrate", "model", "test.tsv", "--recalibrate"),
    ],
)
def test_a_model_without_probabilities(run, command):
    error = run(*command, code=1).stderr
    assert "model has no probabilities" in error
    assert "arborank calibrate model DATA" in error
    assert "--calibrate" in error


def test_wrong_data(run, folder):
    (folder / "bare.txt").write_text("\tone text\n\tanother text\n")
    assert "no row with a label" in run("calibrate", "model", "bare.txt", code=1).stderr
    assert (
        "holds a matrix" in run("calibrate", "model", "test.X.npz", "--labels", "test.Y.npz", code=1).stderr
    )
