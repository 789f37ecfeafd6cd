"""`arborank compare`."""

import json

import pytest

import arborank
from arborank.datasets import TextData, read_jsonl, write_jsonl


@pytest.fixture
def other(folder):
    """Train a model on few of the texts, which knows other labels in another order."""
    data = read_jsonl(folder / "train.jsonl")
    few = data.take(slice(0, 12))
    labels = [[*row, "odd"] for row in few.labels]
    arborank.TextRanker(label_names=False).fit(few.texts, labels).save(folder / "other")
    return "other"


def test_a_model_and_itself(run):
    found = run("compare", "model", "model", "test.tsv", "-k", "1,2").stdout
    assert "50 rows scored" in found
    assert "P@1" in found
    assert "+0.00 to +0.00" in found
    assert "row " not in found
    assert "*" not in found


def test_metrics_are_those_of_evaluate(run, other):
    found = json.loads(run("compare", other, "model", "test.tsv", "-k", "1,2", "--json").stdout)
    for side, model in (("first", other), ("second", "model")):
        own = json.loads(run("evaluate", model, "test.tsv", "-k", "1,2", "--json").stdout)["metrics"]
        for name, one in found["metrics"].items():
            assert one[side] == pytest.approx(own[name]), name
            assert one["change"]["value"] == pytest.approx(one["second"] - one["first"])
            assert one["change"]["low"] <= one["change"]["value"] <= one["change"]["high"]
    assert found["n_scored"] == 50


def test_rows_where_they_differ_most(run, other, folder):
    found = json.loads(run("compare", other, "model", "test.tsv", "--rows", "3", "--json").stdout)
    changes = [row["change"] for row in found["rows"]]
    assert len(changes) == 6 or min(changes) > 0
    assert changes[:3] == sorted(changes[:3], reverse=True)
    best = found["rows"][0]
    data = read_jsonl(folder / "test.jsonl.xz")
    assert best["text"] == data.texts[best["row"]]
    assert best["labels"] == data.labels[best["row"]]
    shown = run("compare", other, "model", "test.tsv", "--rows", "1").stdout
    assert f"row {best['row']}, nDCG +{100 * best['change']:.1f}: {best['text']}" in shown
    assert f"✓ {best['labels'][0]}" in shown


def test_matrices(run):
    found = json.loads(run("compare", "linear", "linear", "test.svm", "--json").stdout)
    assert found["rows"] == []
    assert found["metrics"]["precision@1"]["change"]["value"] == 0


def test_models_that_cannot_be_compared(run, folder):
    assert (
        "holds a matrix, but the model ranks texts"
        in run("compare", "model", "model", "test.svm", code=1).stderr
    )
    assert (
        "but the model takes feature matrices" in run("compare", "model", "linear", "test.tsv", code=1).stderr
    )
    write_jsonl(folder / "bare.jsonl", TextData(["a fruit"], [[]]))
    assert "no row with a label" in run("compare", "model", "model", "bare.jsonl", code=1).stderr
    assert "there is no directory" in run("compare", "model", "modell", "test.tsv", code=2).stderr
