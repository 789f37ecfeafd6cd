"""``arborank train --label-texts`` makes the model that ``TextRanker.fit`` makes of the same."""

import json

import numpy as np
import pytest
import scipy.sparse as sp
from click.testing import CliRunner

import arborank
from arborank import TextRanker, XRLinear
from arborank.cli import main

TEXTS = ["red apple", "fast car", "green apple", "slow car", "red car"] * 4
LABELS = [["apple"], ["car"], ["apple"], ["car"], ["car"]] * 4
ABOUT = {"pear": "a green apple of a kind", "apple": "red or green"}


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("data.jsonl", TEXTS, LABELS)
    write("about.jsonl", ABOUT.values(), [[name] for name in ABOUT])
    return tmp_path


def write(path, texts, labels):
    with open(path, "w") as file:
        file.writelines(
            json.dumps({"text": t, "labels": rows}) + "\n" for t, rows in zip(texts, labels, strict=True)
        )


def train(*options, data="data.jsonl"):
    return CliRunner().invoke(main, ["train", data, "--model", "model", *options])


def test_labels_that_no_text_has(place):
    done = train("--label-texts", "about.jsonl")
    assert done.exit_code == 0, done.output
    model = arborank.load("model")
    assert set(model.labels_) == {"apple", "car", "pear"}
    right = TextRanker().fit(TEXTS, LABELS, label_texts=ABOUT)
    queries = ["green apple", "a kind", "car"]
    assert model.rank_batch(queries, 3) == right.rank_batch(queries, 3)


def test_several_texts_about_a_label(place):
    write("about.jsonl", ["a kind", "green apple"], [["pear"], ["pear"]])
    assert train("--label-texts", "about.jsonl").exit_code == 0
    right = TextRanker().fit(TEXTS, LABELS, label_texts={"pear": ["a kind", "green apple"]})
    assert arborank.load("model").rank_batch(["a kind", "green"], 3) == right.rank_batch(
        ["a kind", "green"], 3
    )


def test_names_of_labels(place):
    for option, learned in (("--label-names", True), ("--no-label-names", False)):
        assert train(option, "--force").exit_code == 0
        model = arborank.load("model")
        assert model.label_names_ is learned
        right = TextRanker(label_names=learned).fit(TEXTS, LABELS)
        assert model.rank_batch(["apple", "car"], 2) == right.rank_batch(["apple", "car"], 2)


def test_texts_that_only_group_labels(place):
    (place / "settings.json").write_text('{"model": {"representation": "pifa-concat"}}')
    model = XRLinear(representation="pifa-concat")
    about = {"apple": ABOUT["apple"]}
    write("about.jsonl", about.values(), [[name] for name in about])
    done = train("--label-texts", "about.jsonl", "--no-learn-label-texts", "--config", "settings.json")
    assert done.exit_code == 0, done.output
    right = TextRanker(model=model).fit(TEXTS, LABELS, label_texts=about, learn_label_texts=False)
    assert arborank.load("model").rank_batch(TEXTS, 2) == right.rank_batch(TEXTS, 2)


def test_a_directory_that_training_goes_on_in(place):
    options = ("--label-texts", "about.jsonl", "--work-dir", "work")
    assert train(*options).exit_code == 0
    first = arborank.load("model").rank_batch(TEXTS, 3)
    assert train(*options, "--force").exit_code == 0
    assert arborank.load("model").rank_batch(TEXTS, 3) == first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--no-learn-label-texts",), "--no-learn-label-texts goes with --label-texts FILE"),
        (
            ("--label-texts", "about.jsonl", "--no-learn-label-texts"),
            "about 'pear', which no text has as a label",
        ),
        (("--label-texts", "none.jsonl"), "does not exist"),
    ],
)
def test_what_does_not_go_together(place, options, message):
    done = train(*options)
    assert done.exit_code != 0
    assert message in " ".join(done.output.split())
    assert not (place / "model").exists()


def test_matrices_have_no_label_texts(place):
    sp.save_npz("X.npz", sp.csr_array(np.eye(4, dtype=np.float32)))
    sp.save_npz("Y.npz", sp.csr_array(np.eye(4, dtype=np.float32)))
    done = train("--labels", "Y.npz", "--label-texts", "about.jsonl", data="X.npz")
    assert done.exit_code == 2
    assert "--label-texts and --label-names do not apply" in " ".join(done.output.split())
