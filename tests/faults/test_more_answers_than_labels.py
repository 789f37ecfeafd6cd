"""Asking for more labels than there are costs no more than asking for all of them."""

import json
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from click.testing import CliRunner

import arborank
from arborank import Ensemble, XRLinear
from arborank.cli import main
from arborank.cli.models import open_ranker
from arborank.cli.scoring import predict_all
from arborank.datasets import TextData, write_jsonl, write_xmc
from arborank.metrics import evaluate

KINDS = ["apple", "banana", "cherry", "grape"]
HUGE = 10**7


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("huge")
    texts = [f"a {KINDS[i % 4]}ish thing w{i % 7}" for i in range(400)]
    data = TextData(texts, [[KINDS[i % 4]] for i in range(400)])
    ranker = arborank.TextRanker().fit(data.texts, data.labels)
    X, Y = ranker.features_.transform(texts), ranker.encode_labels(data.labels)
    ranker.save(place / "model")
    ranker.model_.save(place / "linear")
    Ensemble([XRLinear(), XRLinear(max_leaf_size=2)], method="rank").fit(X, Y).save(place / "both")
    write_jsonl(place / "test.jsonl", data)
    write_xmc(place / "test.svm", X, Y)
    return place


@pytest.fixture
def run(folder, monkeypatch):
    monkeypatch.chdir(folder)

    def invoke(*args, stdin=None):
        tracemalloc.start()
        try:
            result = CliRunner().invoke(main, [str(arg) for arg in args], input=stdin)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
        assert peak < 2**25, f"{peak:,} bytes"
        return result.stdout

    return invoke


@pytest.mark.parametrize("args", [("model", "test.jsonl"), ("linear", "test.svm"), ("both", "test.svm")])
def test_predict(run, args):
    answers = run("predict", *args, "-k", HUGE)
    assert answers == run("predict", *args, "-k", 4)
    assert [len(json.loads(line)["labels"]) for line in answers.splitlines()] == [4] * 400


def test_predict_from_a_pipe_and_with_a_wide_beam(run):
    lines = "an appleish thing\na grapeish thing\n"
    few = run("predict", "model", "-", "-k", 4, stdin=lines)
    assert run("predict", "model", "-", "-k", HUGE, stdin=lines) == few
    assert run("predict", "model", "-", "-k", HUGE, "--beam-size", HUGE, stdin=lines) == few


@pytest.mark.parametrize("args", [("model", "test.jsonl"), ("linear", "test.svm"), ("both", "test.svm")])
def test_evaluate(run, args):
    report = json.loads(run("evaluate", *args, "--json", "-k", f"1,4,{HUGE}"))
    metrics = report["metrics"]
    assert report["ks"] == [1, 4, HUGE]
    assert metrics[f"recall@{HUGE}"] == metrics["recall@4"] == 1.0
    assert metrics[f"ndcg@{HUGE}"] == metrics["ndcg@4"]
    assert metrics[f"precision@{HUGE}"] == pytest.approx(1 / HUGE)


def test_metrics_are_those_of_padded_answers(folder, monkeypatch):
    monkeypatch.chdir(folder)
    model = arborank.load("model")
    data = [f"a {KINDS[i % 4]}ish {KINDS[i % 3]}ish thing" for i in range(40)]
    truth = model.encode_labels([[KINDS[i % 4], KINDS[i % 3], "kiwi"] for i in range(40)], unknown="extend")
    narrow = predict_all(open_ranker("model"), TextData(data, [[]] * 40), 9, None)
    assert narrow.shape == (40, 5)
    options = {"train_counts": np.array([5, 30, 200, 1, 0]), "n_train": 400}
    wide = model.predict_topk(data, 9)[0]
    for ks in ((1, 3, 9), (4, 5), (9,)):
        assert evaluate(truth, narrow, ks, **options).metrics == pytest.approx(
            evaluate(truth, wide, ks, **options).metrics, rel=1e-12
        )


def test_metrics_of_scores_take_no_columns_that_no_row_has():
    scores = sp.csr_array(np.array([[0.5, 0.25, 0], [0, 0, 1.0]], np.float32))
    report = evaluate([[0], [2]], scores, (1, HUGE))
    assert report.metrics[f"recall@{HUGE}"] == report.metrics["precision@1"] == 1.0
    ids = np.array([[0, 1], [2, 0]])
    with pytest.raises(ValueError, match=f"k is {HUGE}, but the predictions have 2 columns"):
        evaluate([[0], [2]], ids, (1, HUGE))


def test_answers_that_do_not_fit_are_refused(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr("arborank.core.memory.available_memory", lambda: 2**30)
    X = arborank.load("model").features_.transform(["an appleish thing"])
    for model, rows in (("linear", X), ("both", X), ("model", ["an appleish thing"])):
        with pytest.raises(MemoryError, match=r"k is 2,000,000,000 for 1 rows.*lower k"):
            arborank.load(model).predict_topk(rows, 2 * 10**9)


def test_members_of_an_ensemble_give_no_padding(folder, monkeypatch):
    monkeypatch.chdir(folder)
    both, X = arborank.load("both"), arborank.load("model").features_.transform(["an appleish thing"])
    few, many = both.predict_topk(X, 4), both.predict_topk(X, 1000)
    for a, b in zip(few, many, strict=True):
        np.testing.assert_array_equal(a, b[:, :4])
    assert (many[0][:, 4:] == -1).all()
    assert np.isneginf(many[1][:, 4:]).all()
