"""The same update may be given twice: what is to be removed and is gone is an error only where that is wanted."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import arborank
from arborank.autocomplete import Autocompleter
from arborank.cli import main
from arborank.datasets import TextData, write_jsonl

KINDS = ["apple", "banana", "cherry", "grape"]


def corpus(names, n=40):
    texts = [f"a {names[i % len(names)]}ish thing w{i % 7}" for i in range(n)]
    return texts, [[names[i % len(names)]] for i in range(n)]


@pytest.fixture
def ranker():
    return arborank.TextRanker().fit(*corpus(KINDS))


@pytest.fixture
def completer():
    return Autocompleter().fit_pairs([()] * 6, ["new york", "naples", "nikon", "canon", "oslo", "paris"])


@pytest.fixture
def run(tmp_path, monkeypatch, ranker, completer):
    monkeypatch.chdir(tmp_path)
    ranker.save("model")
    ranker.model_.save("linear")
    completer.save("completer")
    Path("gone").write_text("banana\n")
    Path("ids").write_text("1\n")
    Path("queries").write_text("naples\n")

    def invoke(*args, code=0):
        result = CliRunner().invoke(main, [*map(str, args)])
        assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
        return result.stderr

    return invoke


def test_of_a_text_ranker(ranker):
    less = ranker.remove_labels(["banana", "kiwi"], missing="ignore")
    assert list(less.labels_) == ["apple", "cherry", "grape"]
    again = less.remove_labels(["banana", "kiwi"], missing="ignore")
    assert again.rank("a grapeish thing") == less.rank("a grapeish thing")
    for names, error in ((["kiwi"], "'kiwi', which is not a label"), (["apple", "apple"], "twice")):
        with pytest.raises(ValueError, match=error):
            less.remove_labels(names)
    with pytest.raises(ValueError, match="every label"):
        less.remove_labels([*KINDS, "kiwi"], missing="ignore")
    with pytest.raises(ValueError, match="missing must be one of 'error', 'ignore', found 'no'"):
        less.remove_labels(["kiwi"], missing="no")


@pytest.mark.parametrize("renumber", [False, True])
def test_of_a_model_of_matrices(ranker, renumber):
    model, X = ranker.model_, ranker.features_.transform(["a grapeish thing"])
    less = model.remove_labels([1, 9], renumber=renumber, missing="ignore")
    again = less.remove_labels([9], renumber=renumber, missing="ignore")
    for a, b in zip(again.predict_topk(X, 4), less.predict_topk(X, 4), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="labels holds 9, but the model has"):
        less.remove_labels([9])
    with pytest.raises(ValueError, match="every label"):
        less.remove_labels(range(9), renumber=renumber, missing="ignore")


def test_an_id_that_was_removed_before_is_missing(ranker):
    less = ranker.model_.remove_labels([1])
    with pytest.raises(ValueError, match="labels holds 1, which was removed before"):
        less.remove_labels([0, 1])
    assert set(less.remove_labels([0, 1], missing="ignore").tree_.labels.tolist()) == {2, 3}


def test_of_a_completer(completer):
    less = completer.remove(["naples", "unheard"], missing="ignore")
    assert [query for query, _ in less.complete("n")] == ["new york", "nikon"]
    assert len(less.remove(["naples"], missing="ignore").catalogue_) == 5
    with pytest.raises(ValueError, match="queries holds 'naples', which this completer does not know"):
        less.remove(["naples"])


@pytest.mark.parametrize(
    ("command", "model", "names", "found"),
    [
        ("update", "model", "gone", "--remove gone holds 'banana', which is not a label of this model"),
        ("update", "linear", "ids", "--remove ids holds 1, which was removed before"),
        ("update-completer", "completer", "queries", "--remove queries holds 'naples', which this"),
    ],
)
def test_the_same_command_twice(run, command, model, names, found):
    run(command, model, "--remove", names)
    error = run(command, model, "--remove", names, code=1)
    assert found in error
    assert "say --missing ignore to pass over it" in error
    before = Path(model, "config.json").read_bytes()
    said = run(command, model, "--remove", names, "--missing", "ignore")
    if command == "update":
        assert f"labels: 0 removed; {model} is as it was" in said
        assert Path(model, "config.json").read_bytes() == before
    run(command, model, "--remove", names, "--missing", "ignore", "-o", "other")
    assert Path("other/config.json").exists()


def test_what_is_removed_is_not_added_again(run):
    write_jsonl("recent.jsonl", TextData(*corpus([*KINDS, "thing"])))
    again = ("update", "model", "--data", "recent.jsonl", "--add", "--remove", "gone", "--missing", "ignore")
    assert "1 removed, 1 added" in run(*again)
    labels = list(arborank.load("model").labels_)
    assert sorted(labels) == ["apple", "cherry", "grape", "thing"]
    assert "0 removed, 0 added; model is as it was" in run(*again)
    assert list(arborank.load("model").labels_) == labels
    assert "1 added" in run("update", "model", "--data", "recent.jsonl", "--add")  # banana is not named now
    assert "nothing to add" in run("update", "model", "--data", "recent.jsonl", "--add", code=1)
