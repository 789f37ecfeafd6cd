"""Rules of decision and probabilities on the command line."""

import json
import warnings

import numpy as np
import pytest

import arborank
from arborank.datasets import TextData, read_jsonl, write_jsonl
from arborank.decisions import RULES

pytestmark = pytest.mark.filterwarnings("ignore:.* rows are few to calibrate")


def few(data, seed=0):
    """Leave labels out at random, so that rows have none, one or two of them that their texts name."""
    rng = np.random.default_rng(seed)
    return TextData(data.texts, [[name for name in row if rng.random() < 0.8] for row in data.labels])


@pytest.fixture
def calibrated(folder):
    """Train a calibrated model that has no rule."""
    data = few(read_jsonl(folder / "train.jsonl"))
    more = few(read_jsonl(folder / "test.jsonl.xz"), 1)
    write_jsonl(folder / "some.jsonl", more)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = arborank.XRLinear(calibrate=True, n_jobs=1)
        arborank.TextRanker(model=model, label_names=False).fit(data.texts, data.labels).save(folder / "sure")
    return "sure"


def lines(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_predict_with_a_rule(run, calibrated):
    ranked = lines(run("predict", calibrated, "test.tsv", "-k", "8"))
    two = lines(run("predict", calibrated, "test.tsv", "--decide", "fixed-k=2"))
    assert [set(row["labels"]) for row in two] == [set(row["labels"][:2]) for row in ranked]
    chosen = lines(run("predict", calibrated, "test.tsv", "--decide", "threshold=0.5"))
    assert all(score >= 0.5 for row in chosen for score in row["scores"])
    assert all(row["scores"] == sorted(row["scores"], reverse=True) for row in chosen)
    assert {len(row["labels"]) for row in chosen} > {2}
    fruit = lines(run("predict", calibrated, "test.tsv", "--decide", "threshold"))
    assert len(fruit) == 50


def test_a_model_with_a_rule(run, folder):
    printed = run(
        "train", "train.jsonl", "-m", "new", "--decide", "threshold=0.4", "--test", "test.jsonl.xz"
    ).stdout
    assert "labels chosen by threshold (threshold 0.4)" in printed
    assert "ECE" in printed
    card = (folder / "new" / "README.md").read_text(encoding="utf-8")
    assert "ECE" in card
    assert "█" in card
    assert "| threshold |" in card
    own = lines(run("predict", "new", "test.tsv"))
    given = lines(run("predict", "new", "test.tsv", "--decide", "threshold=0.4"))
    assert own == given
    assert {len(row["labels"]) for row in lines(run("predict", "new", "test.tsv", "-k", "3"))} == {3}
    found = json.loads(run("evaluate", "new", "test.tsv", "--json").stdout)
    assert found["decision"]["rule"] == "threshold (threshold 0.4)"
    assert found["rules"].keys() == {"fixed-k=1", "fixed-k=3", "fixed-k=5", "fixed-k=10", "threshold"}
    assert found["decision"]["metrics"]["micro_f1"]["value"] == found["rules"]["threshold"]["micro-F1"]


def test_scores_need_no_calibration_for_a_fixed_number(run, folder):
    run("train", "train.jsonl", "-m", "new", "--decide", "fixed-k=2")
    assert arborank.load(folder / "new").model_.calibration_ is None
    assert {len(row["labels"]) for row in lines(run("predict", "new", "test.tsv"))} == {2}


def test_evaluate_probabilities(run, calibrated):
    printed = run("evaluate", calibrated, "some.jsonl").stdout
    for word in ("ECE", "Brier", "threshold"):
        assert word in printed
    assert "labels chosen" not in printed
    found = json.loads(run("evaluate", calibrated, "some.jsonl", "--json").stdout)["probabilities"]
    assert found["ece"].keys() == {"@1", "@5", "@10"}
    assert len(found["thresholds"]) == 9
    assert "probabilities" not in json.loads(run("evaluate", "model", "some.jsonl", "--json").stdout)


@pytest.mark.filterwarnings("ignore:no threshold has precision")
def test_evaluate_every_rule(run, calibrated):
    found = json.loads(
        run("evaluate", calibrated, "some.jsonl", "-k", "1,2", "--decide", "all", "--json").stdout
    )
    assert set(RULES) | {"fixed-k=1", "fixed-k=2"} == set(found["rules"])
    assert found["rules"]["fixed-k=2"]["precision"] == pytest.approx(found["metrics"]["precision@2"])
    printed = run("evaluate", calibrated, "some.jsonl", "--decide", "all").stdout
    assert "macro-recall" in printed


def test_pictures(run, calibrated, folder):
    pytest.importorskip("matplotlib")
    run("evaluate", calibrated, "some.jsonl", "--plot", "sure.svg")
    assert (
        "ECE@1" in (folder / "sure.svg").read_text(encoding="utf-8")
        or (folder / "sure.svg").stat().st_size > 5000
    )
    assert (
        "must end in .svg" in run("evaluate", calibrated, "some.jsonl", "--plot", "sure.txt", code=1).stderr
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("predict", "sure", "test.tsv", "--decide", "treshold"), "--decide must be one of"),
        (("predict", "sure", "test.tsv", "--decide", "treshold"), "did you mean 'threshold'"),
        (
            ("predict", "sure", "test.tsv", "--decide", "threshold=2"),
            "--decide is 'threshold=2', but threshold must be at most 1",
        ),
        (
            ("predict", "sure", "test.tsv", "--decide", "fixed-k=0"),
            "--decide is 'fixed-k=0', but k must be at least 1",
        ),
        (
            ("predict", "model", "test.tsv", "--decide", "threshold"),
            "'threshold' needs probabilities, but model has none",
        ),
        (("evaluate", "model", "test.tsv", "--decide", "expected-f1"), "needs probabilities"),
        (("evaluate", "model", "test.tsv", "--decide", "all"), "--decide all needs probabilities"),
        (("evaluate", "model", "test.tsv", "--plot", "a.svg"), "--plot needs probabilities"),
        (("train", "train.jsonl", "-m", "new", "--decide", "zebra"), "--decide must be one of"),
    ],
)
def test_mistakes(run, calibrated, args, message):
    if "--plot" in args:
        pytest.importorskip("matplotlib")
    assert message in run(*args, code=1).stderr


def test_two_ways_to_say_how_many(run, calibrated):
    found = run("predict", calibrated, "test.tsv", "-k", "3", "--decide", "threshold", code=2)
    assert "-k and --decide are two ways" in found.stderr


@pytest.mark.filterwarnings("ignore:.* rows are few to calibrate")
def test_a_hybrid_ranker_decides_by_what_it_merges(run, folder):
    run("train", "train.jsonl", "-m", "merged", "--decide", "threshold=0.4", "--hybrid")
    model = arborank.load(folder / "merged").model_
    assert (model.decide, model.ranker_.decide, model.ranker_.calibration_) == ("threshold=0.4", None, None)
    assert model.calibration_ is not None
    run("predict", "merged", "test.tsv", "-o", "chosen.jsonl")
    assert (folder / "chosen.jsonl").read_text(encoding="utf-8").count("\n") > 0
