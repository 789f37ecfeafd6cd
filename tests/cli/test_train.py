"""`arborank train`."""

import os

import numpy as np
import pytest
import scipy.sparse as sp

import arborank
from arborank.cli.models import open_ranker
from arborank.cli.scoring import evaluate_model
from arborank.datasets import TextData, read_jsonl, write_jsonl


def test_train_on_texts_saves_a_model_that_works(run, folder):
    result = run("train", "train.jsonl", "-m", "new/model", "--test", "test.jsonl.xz", "-k", "1,2", "-j", "1")
    report = evaluate_model(open_ranker(folder / "new/model"), read_jsonl(folder / "test.jsonl.xz"), (1, 2))
    assert report.metrics["precision@2"] > 0.9
    assert f"{100 * report.metrics['precision@2']:.2f}" in result.stdout
    assert "head" in result.stdout
    assert "| precision | " in (folder / "new/model/README.md").read_text()


def test_train_refuses_to_overwrite_without_force(run, folder):
    run("train", "train.jsonl", "-m", "again")
    before = (folder / "again/config.json").read_bytes()
    result = run("train", "train.jsonl", "-m", "again", code=2)
    assert "--force" in result.stderr
    assert (folder / "again/config.json").read_bytes() == before
    run("train", "train.jsonl", "-m", "again", "--force", "--threshold", "0.2")
    assert arborank.load(folder / "again").model_.threshold == 0.2


def test_several_trees(run, folder):
    run("train", "train.jsonl", "-m", "trees", "--n-trees", "2", "--max-leaf-size", "1")
    model = arborank.load(folder / "trees").model_
    assert model.n_trees == 2
    assert set(np.bincount(model.tree_.labels).tolist()) == {2}
    assert '"n_trees": 2' in run("inspect", "trees", "--json").stdout


@pytest.mark.parametrize("data", [["train.jsonl"], ["train.X.npz", "--labels", "train.Y.npz"]])
def test_train_in_a_work_dir(run, folder, data):
    place = f"work-{len(data)}"
    result = run("train", *data, "-m", f"{place}/model", "--work-dir", f"{place}/state")
    assert f"{place}/state can be removed" in result.stderr
    assert (folder / place / "state/training.json").exists()
    run("train", *data, "-m", f"{place}/again")
    names = [
        {path.name.split("-")[0] for path in (folder / place / name).iterdir()} for name in ("model", "again")
    ]
    assert names[0] == names[1]
    result = run(
        "train", *data, "-m", f"{place}/other", "--work-dir", f"{place}/state", "--threshold", "0.2", code=1
    )
    assert "threshold (0.1 there, 0.2 here)" in result.stderr
    assert not (folder / place / "other").exists()


@pytest.mark.parametrize("data", [["train.jsonl"], ["train.X.npz", "--labels", "train.Y.npz"]])
def test_train_hybrid(run, folder, data):
    run("train", *data, "-m", "merged", "--hybrid", "--beam-size", "7", "-j", "1")
    model = arborank.load(folder / "merged")
    ranker = getattr(model, "model_", model)
    assert (type(ranker).__name__, ranker.ranker_.beam_size) == ("HybridRanker", 7)
    test = ["test.jsonl.xz"] if len(data) == 1 else ["test.X.npz", "--labels", "test.Y.npz"]
    assert "precision" in run("evaluate", "merged", *test).stdout
    assert "HybridRanker" in run("inspect", "merged").stdout
    state, other = f"state-{len(data)}", f"other-{len(data)}"
    run("train", *data, "-m", other, "--hybrid", "--work-dir", state, "--beam-size", "7", "-j", "1")
    assert (folder / state / "all" / "training.json").exists()
    again = arborank.load(folder / other)
    assert len(data) == 3 or again.rank("a game", 3) == model.rank("a game", 3)


@pytest.mark.parametrize(
    ("model", "state"), [("apart", "apart"), ("apart", "apart/state"), ("apart/model", "./x/../apart")]
)
def test_train_needs_two_directories(run, folder, model, state):
    result = run("train", "train.jsonl", "-m", model, "--work-dir", state, code=2)
    assert "two directories, neither in the other" in " ".join(result.stderr.split())
    assert not (folder / "apart").exists()


def test_train_never_touches_a_folder_that_is_no_model(run, folder):
    (folder / "precious").mkdir()
    (folder / "precious/data").write_text("mine")
    run("train", "train.jsonl", "-m", "precious", "--force", code=2)
    assert os.listdir(folder / "precious") == ["data"]


@pytest.mark.filterwarnings("always:no label of the data is one of the model:UserWarning")
def test_holdout_is_scored_and_not_trained_on(run, folder):
    write_jsonl(
        folder / "unique.jsonl", TextData([f"text{i}" for i in range(20)], [[f"label{i}"] for i in range(20)])
    )
    result = run("train", "unique.jsonl", "-m", "held", "--holdout", "0.25", "--min-df", "1")
    assert "5 rows scored" in result.stdout
    assert "no label of the data is one of the model's" in result.stderr
    assert len(arborank.load(folder / "held").labels_) == 15
    assert (
        "two ways"
        in run("train", "train.jsonl", "-m", "x", "--holdout", ".1", "--test", "test.tsv", code=2).stderr
    )
    assert "leaves 20 to train" in run("train", "unique.jsonl", "-m", "x", "--holdout", ".001", code=1).stderr


@pytest.mark.parametrize(
    "data", [("train.X.npz", "--labels", "train.Y.npz"), ("train.svm",), ("train.txt", "--xmc")]
)
def test_matrices_train_the_same_model_as_their_texts(run, folder, data):
    run("train", *data, "-m", "matrix", "--force")
    model = arborank.load(folder / "matrix")
    X = sp.load_npz(folder / "test.X.npz")
    expected = arborank.load(folder / "linear").predict_topk(X, 3)
    for found, wanted in zip(model.predict_topk(X, 3), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_matrix_mistakes(run):
    assert "--labels Y.npz" in run("train", "train.X.npz", "-m", "x", code=2).stderr
    assert (
        "hold their labels"
        in run("train", "train.jsonl", "--labels", "train.Y.npz", "-m", "x", code=2).stderr
    )
    both = ("train", "train.X.npz", "--labels", "train.Y.npz", "--xmc", "-m", "x")
    assert "--xmc is for text files" in run(*both, code=2).stderr
    mixed = run("train", "train.X.npz", "--labels", "test.Y.npz", "-m", "x", code=1)
    assert "200 rows" in mixed.stderr
    assert "50" in mixed.stderr
    assert "--" in run("train", "train.svm", "-m", "x", "--min-df", "2", code=2).stderr


def test_memory_that_is_not_there_is_refused(run, monkeypatch):
    monkeypatch.setattr("arborank.core.estimates.available_memory", lambda: 1000)
    assert "max_features" in run("train", "train.jsonl", "-m", "x", code=1).stderr


def test_test_data_without_a_label_is_told_before_training(run, folder):
    (folder / "none.jsonl").write_text('{"text": "a fruit", "labels": []}\n')
    result = run("train", "train.jsonl", "-m", "no", "--test", "none.jsonl", code=1)
    assert "none.jsonl has no row with a label" in result.stderr
    assert "200 texts" not in result.stderr


def test_a_share_that_is_no_number(run):
    assert (
        "'nan' is not a number" in run("train", "train.jsonl", "-m", "no", "--holdout", "nan", code=2).stderr
    )


def test_more_features_than_there_can_be(run, folder):
    run("train", "train.jsonl", "-m", "most", "--max-features", 10**20)
    assert arborank.load(folder / "most").features_.parts_[0].max_features == 10**20


def test_a_configuration_with_a_byte_order_mark(run, folder):
    (folder / "bom.json").write_bytes(b'\xef\xbb\xbf{"model": {"Cp": 2.0}}')
    run("train", "train.jsonl", "-m", "bom", "--config", "bom.json")
    assert arborank.load(folder / "bom").model_.Cp == 2.0


def test_labels_of_test_data_without_the_data(run):
    found = run("train", "train.jsonl", "-m", "unborn", "--test-labels", "test.Y.npz", code=2)
    assert "--test-labels goes with --test" in found.stderr


def test_the_root_directory_is_no_place_for_a_model(run):
    assert (
        "/ exists and is not a saved model"
        in run("train", "train.jsonl", "-m", "/", "--force", code=2).stderr
    )
