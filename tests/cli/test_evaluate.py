"""`arborank evaluate`."""

import csv
import json

import pytest
import scipy.sparse as sp

import arborank
from arborank.cli.models import open_ranker
from arborank.cli.scoring import evaluate_model
from arborank.datasets import TextData, read_jsonl, write_jsonl
from arborank.storage import save


def test_evaluate_prints_the_report(run, folder):
    data = read_jsonl(folder / "test.jsonl.xz")
    report = evaluate_model(
        open_ranker(folder / "model"), data, (1, 2), train=read_jsonl(folder / "train.jsonl")
    )
    printed = run("evaluate", "model", "test.jsonl.xz", "-k", "1,2", "--train", "train.jsonl").stdout
    assert printed.strip() == str(report)
    assert "torso" in printed
    as_json = run("evaluate", "model", "test.tsv", "-k", "1,2", "--train", "train.jsonl", "--json").stdout
    assert json.loads(as_json)["metrics"] == pytest.approx(report.metrics)


def test_evaluate_matrices_as_their_texts(run):
    of_texts = run("evaluate", "model", "test.tsv", "--train", "train.jsonl").stdout
    npz = ("test.X.npz", "--labels", "test.Y.npz", "--train", "train.X.npz", "--train-labels", "train.Y.npz")
    assert run("evaluate", "linear", *npz).stdout == of_texts
    assert run("evaluate", "linear", "test.svm", "--train", "train.svm").stdout == of_texts


def test_a_model_knows_the_frequencies_of_its_training(run):
    given = run("evaluate", "model", "test.tsv", "--train", "train.jsonl").stdout
    assert run("evaluate", "model", "test.tsv").stdout == given
    assert run("evaluate", "linear", "test.svm").stdout == given


def test_a_label_that_the_model_does_not_know_counts_as_missed(run, folder):
    write_jsonl(folder / "unknown.jsonl", TextData(["a vanish vehicle"], [["van", "spaceship"]]))
    metrics = json.loads(run("evaluate", "model", "unknown.jsonl", "-k", "1", "--json").stdout)["metrics"]
    assert metrics["precision@1"] == 1.0
    assert metrics["recall@1"] == 0.5


def test_an_ensemble_is_opened_like_any_model(run, folder):
    X, Y = sp.load_npz(folder / "train.X.npz"), sp.load_npz(folder / "train.Y.npz")
    members = [arborank.XRLinear(), arborank.XRLinear(max_leaf_size=4)]
    save(arborank.Ensemble(members).fit(X, Y), folder / "both")
    report = run("evaluate", "both", "test.svm", "-k", "1,2", "-j", "1", "--json").stdout
    assert json.loads(report)["metrics"]["precision@2"] > 0.9
    assert run("inspect", "both", "--branches").stdout.count("XRLinear(") == 2


def test_too_few_rows_for_frequencies(run, folder):
    two = TextData(["a vanish vehicle", "a grapeish fruit"], [["van"], ["grape"]])
    write_jsonl(folder / "two.jsonl", two)
    assert (
        "two.jsonl has 2 rows; frequencies of labels need at least 3"
        in run("evaluate", "model", "test.tsv", "--train", "two.jsonl", code=1).stderr
    )
    run("train", "two.jsonl", "-m", "of-two", "--min-df", "1", "--test", "two.jsonl", "-k", "1")
    assert "not known" in run("evaluate", "of-two", "test.tsv", "-k", "1").stderr


def test_labels_of_training_data_without_the_data(run):
    found = run("evaluate", "model", "test.tsv", "--train-labels", "train.Y.npz", code=2)
    assert "--train-labels goes with --train" in found.stderr


@pytest.mark.filterwarnings("always:.*of the model's:UserWarning")
@pytest.mark.parametrize(
    ("n_known", "found"),
    [(0, "no label of the data is one of"), (1, "less than 10% of the labels of the data are of"), (2, None)],
)
def test_labels_of_another_vocabulary_are_not_scored_in_silence(run, folder, n_known, found):
    labels = [["van"]] * n_known + [["Spaceship"]] * (19 - n_known)
    write_jsonl(folder / "other.jsonl", TextData(["a vanish vehicle"] * 19, labels))
    told = run("evaluate", "model", "other.jsonl").stderr
    if found is None:
        assert "of the model's" not in told
    else:
        assert f"{found} the model's, such as 'Spaceship' (data) and 'apple' (model)" in told


def test_results_a_label(run, folder):
    assert (
        "wrote labels.csv"
        in run("evaluate", "model", "test.tsv", "-k", "1,2", "--per-label", "labels.csv").stderr
    )
    with open("labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "label",
        "in training",
        "true",
        "predicted",
        "right",
        "precision",
        "recall",
        "f1",
    ]
    assert {row["label"] for row in rows} >= {"apple", "van"}
    assert [int(row["true"]) for row in rows] == sorted((int(row["true"]) for row in rows), reverse=True)
    data = read_jsonl(folder / "test.jsonl.xz")
    apple = next(row for row in rows if row["label"] == "apple")
    assert int(apple["true"]) == sum("apple" in labels for labels in data.labels)
    assert float(apple["recall"]) == pytest.approx(int(apple["right"]) / int(apple["true"]), abs=1e-4)
    run("evaluate", "linear", "test.svm", "--per-label", "labels.csv")
    for path, message in (("labels.txt", "is written as .csv"), ("test.tsv", "test.tsv")):
        assert message in run("evaluate", "model", "test.tsv", "--per-label", path, code=2).output


def test_tables_for_papers(run):
    assert "| P | " in run("evaluate", "model", "test.tsv", "-k", "1,2", "--table", "markdown").stdout
    assert r"\toprule" in run("evaluate", "model", "test.tsv", "--table", "latex").stdout
    assert "two forms" in run("evaluate", "model", "test.tsv", "--table", "latex", "--json", code=2).output


def test_constants_of_propensities(run):
    plain = run("evaluate", "model", "test.tsv").stdout
    assert "A = 0.55, B = 1.5" in plain
    other = run("evaluate", "model", "test.tsv", "-A", "0.6", "-B", "2.6").stdout
    assert "A = 0.6, B = 2.6" in other
    assert [line for line in other.splitlines() if line.startswith("PSP")] != [
        line for line in plain.splitlines() if line.startswith("PSP")
    ]
    assert "-B" in run("evaluate", "model", "test.tsv", "-B", "0", code=2).output
