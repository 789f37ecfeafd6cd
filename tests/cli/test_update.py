"""`arborank update`: what it changes, and that it is all or nothing."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from click.testing import CliRunner

import arborank
from arborank.cli import main
from arborank.datasets import TextData, write_jsonl
from arborank.storage import store

OLD = ["apple", "banana", "cherry", "grape", "melon", "peach"]
NEW = ["truck", "van"]


def rows(names, n, seed):
    """Texts that name their label, among words that say nothing."""
    rng = np.random.default_rng(seed)
    chosen = [names[i] for i in rng.integers(0, len(names), n)]
    texts = [f"a {name}ish thing w{rng.integers(20)} w{rng.integers(20)} like trucks vans" for name in chosen]
    return TextData(texts, [[name] for name in chosen])


def both(first, second):
    return TextData([*first.texts, *second.texts], [*first.labels, *second.labels])


def pair(data):
    return data.texts, data.labels


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    place = tmp_path_factory.mktemp("update")
    train = rows(OLD, 120, 1)
    words = TextData(["truckish vanish kiwiish"] * 3, [["apple"]] * 3)  # that the features know them
    ranker = arborank.TextRanker().fit(*pair(both(train, words)))
    ranker.save(place / "model")
    recent = both(rows(OLD, 60, 2), rows(NEW, 60, 3))
    write_jsonl(place / "recent.jsonl", recent)
    write_jsonl(place / "about.jsonl", TextData(["a kiwiish thing"], [["kiwi"]]))
    X = ranker.features_.transform(recent.texts)
    names = [*ranker.labels_, *NEW]
    Y = sp.csr_array(np.array([[float(name in row) for name in names] for row in recent.labels], np.float32))
    sp.save_npz(place / "X.npz", X)
    sp.save_npz(place / "Y.npz", Y)
    ranker.model_.save(place / "linear")
    (place / "gone").write_text("banana\ngrape\n")
    return place


@pytest.fixture
def run(folder, monkeypatch):
    monkeypatch.chdir(folder)

    def invoke(*args, code=0):
        result = CliRunner().invoke(main, ["update", *map(str, args)])
        assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
        assert "Traceback" not in result.output
        return result

    return invoke


def best(text):
    return arborank.load("model").rank(text, k=1)[0][0]


def test_labels_come_go_and_are_refreshed(run):
    Path("again").write_text("cherry\n")
    result = run("model", "--data", "recent.jsonl", "--add", "--refresh", "again", "--remove", "gone")
    assert "2 removed, 1 refreshed, 2 added" in result.stderr
    labels = set(arborank.load("model").labels_)
    assert labels == {*OLD, *NEW} - {"banana", "grape"}
    assert [best(f"a {name}ish thing") for name in ("truck", "cherry", "melon")] == [
        "truck",
        "cherry",
        "melon",
    ]


def test_a_label_with_a_text_only(run):
    run("model", "--data", "recent.jsonl", "--add", "--label-texts", "about.jsonl", "-o", "other")
    assert set(arborank.load("model").labels_) == set(OLD)
    assert set(arborank.load("other").labels_) == {*OLD, *NEW, "kiwi"}
    assert "Last update" in Path("other/README.md").read_text()


def test_models_of_matrices_have_numbers(run):
    model = arborank.load("linear")
    Path("ids").write_text("1\n3\n")
    run("linear", "--data", "X.npz", "--labels", "Y.npz", "--add", "--remove", "ids")
    after = arborank.load("linear")
    assert after.n_labels_ == model.n_labels_ + 2
    ids, _ = after.predict_topk(sp.load_npz("X.npz"), 3)
    assert not np.isin([1, 3], ids).any()
    assert (ids[60:, 0] >= model.n_labels_).mean() > 0.9
    Path("ids").write_text("0\n")
    run("linear", "--data", "X.npz", "--labels", "Y.npz", "--refresh", "ids", "-o", "fresh")
    assert arborank.load("fresh").n_labels_ == after.n_labels_


@pytest.mark.parametrize("fails_at", [0, 1, 2])
def test_an_update_that_fails_half_way_leaves_the_old_model(run, fails_at):
    before = arborank.load("model").rank_batch(["a grapeish thing", "a melonish thing"], 3)
    real, written = store.write_tensors, []

    def failing(path, arrays):
        written.append(path)
        if len(written) > fails_at:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        return real(path, arrays)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "write_tensors", failing)
        assert "No space left" in run("model", "--remove", "gone", code=1).stderr
    assert len(written) == fails_at + 1
    assert (
        arborank.load("model", verify=True).rank_batch(["a grapeish thing", "a melonish thing"], 3) == before
    )


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        ([], 2, "nothing to do"),
        (["--add"], 2, "need --data"),
        (["--remove", "gone", "--data", "recent.jsonl"], 2, "--data goes with"),
        (
            ["--data", "X.npz", "--labels", "Y.npz", "--add"],
            1,
            "--data holds a matrix, but the model ranks texts",
        ),
        (["--remove", "gone", "--labels", "Y.npz"], 2, "--labels goes with"),
        (["--remove", "gone", "--xmc"], 2, "--xmc goes with"),
        (["--remove", "unknown"], 1, "--remove unknown holds 'kiwi', which is not a label"),
        (["--remove", "twice"], 1, "--remove twice holds 'apple' twice"),
        (["--remove", "all"], 1, "--remove all holds every label of the model"),
        (["--data", "recent.jsonl", "--refresh", "unknown"], 1, "--refresh unknown holds 'kiwi', which"),
        (
            ["--data", "few.jsonl", "--refresh", "new"],
            1,
            "--refresh new holds 'cherry', which no text has as a label",
        ),
        (
            ["--data", "lonely.jsonl", "--add"],
            1,
            "every text has a label that is to be learned; there must also be others",
        ),
        (
            ["--data", "recent.jsonl", "--add", "--negative-share", "nan"],
            2,
            "'--negative-share': 'nan' is not a number",
        ),
        (["--remove", "empty"], 1, "empty is empty; one entry per line was expected"),
        (["--data", "old.jsonl", "--add"], 1, "nothing to add"),
    ],
)
def test_refusals(run, args, code, message):
    Path("unknown").write_text("kiwi\n")
    Path("empty").write_text("\n")
    Path("twice").write_text("apple\napple\n")
    Path("all").write_text("\n".join(OLD))
    Path("new").write_text("cherry\n")
    write_jsonl(Path("few.jsonl"), rows(OLD[:2], 10, 5))
    write_jsonl(Path("lonely.jsonl"), rows(NEW, 3, 5))
    write_jsonl(Path("old.jsonl"), rows(OLD, 30, 5))
    assert message in run("model", *args, code=code).stderr


def test_files_of_names_are_read_as_data_are(run):
    name = "fig\u2028or \x1c date"  # characters that end a line elsewhere
    arborank.load("model").add_labels([name], ["a figgish thing", "some thing"], [[name], []]).save("model")
    Path("names").write_bytes(f"\ufeff{name}\r\n\r\n".encode())
    assert "1 removed" in run("model", "--remove", "names").stderr
    assert set(arborank.load("model").labels_) == set(OLD)
    Path("names").write_bytes(b"apple\n\xff\n")
    assert "names:2: not utf-8" in run("model", "--remove", "names", code=1).stderr


def test_refusals_of_models_of_matrices(run):
    Path("name").write_text("apple\n")
    assert "not a label id" in run("linear", "--remove", "name", code=1).stderr
    Path("ids").write_text("1000\n")
    assert "--remove ids holds 1000, but the model" in run("linear", "--remove", "ids", code=1).stderr
    args = ("linear", "--data", "X.npz", "--labels", "Y.npz", "--label-texts", "about.jsonl", "--add")
    assert "models of texts" in run(*args, code=2).stderr
    given = ("linear", "--data", "X.npz", "--labels", "Y.npz")
    assert "--refresh names label 1000" in run(*given, "--refresh", "ids", code=1).stderr
    model, Y = arborank.load("linear"), sp.load_npz("Y.npz")
    Y.data[Y.indices == model.n_labels_] = 0
    Y.eliminate_zeros()
    sp.save_npz("Y.npz", Y)  # the first of the new labels has no row any more
    assert f"--data has no row with label {model.n_labels_}" in run(*given, "--add", code=1).stderr
    sp.save_npz("Y.npz", Y[:, : model.n_labels_])
    assert "there is nothing to add" in run(*given, "--add", code=1).stderr
    assert "0 added" in run(*given, "--add", "--missing", "ignore").stderr
    arborank.Ensemble.from_fitted([model, model]).save("several")
    assert "labels of Ensemble cannot be changed" in run("several", *given[1:], "--add", code=1).stderr


@pytest.mark.parametrize("fails_at", [0, 2])
@pytest.mark.parametrize("signal_name", ["SIGKILL", "SIGINT"])
def test_a_killed_update_leaves_the_old_model(run, signal_name, fails_at):
    question = ["a grapeish thing", "a melonish thing"]
    serving = arborank.load("model")
    before = serving.rank_batch(question, 3)
    program = f"""
import os, signal
from arborank.cli import main
from arborank.storage import store
real, written = store.write_tensors, []
def dying(path, arrays):
    written.append(path)
    if len(written) > {fails_at}:
        path.write_bytes(b"half")
        print("half written", flush=True)
        os.kill(os.getpid(), signal.{signal_name})
    return real(path, arrays)
store.write_tensors = dying
main(["update", "model", "--data", "recent.jsonl", "--add", "--remove", "gone"])
"""
    died = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "half written" in died.stdout
    assert died.returncode != 0
    assert "saved" not in died.stderr
    assert serving.rank_batch(question, 3) == before
    assert arborank.load("model", verify=True).rank_batch(question, 3) == before
    run(
        "model", "--data", "recent.jsonl", "--add", "--remove", "gone"
    )  # what is left over is in nobody's way
    assert set(arborank.load("model", verify=True).labels_) == {*OLD, *NEW} - {"banana", "grape"}
    assert serving.rank_batch(question, 3) == before


@pytest.mark.parametrize("model", ["model", "linear"])
def test_rows_of_labels_that_are_there_are_learned(run, model):
    data = ["--data", "recent.jsonl"] if model == "model" else ["--data", "X.npz", "--labels", "Y.npz"]
    about = ["--label-texts", "about.jsonl"]
    assert "--label-texts goes with --add" in run(model, *data, "--rows", *about, code=2).stderr
    before = getattr(arborank.load(model), "model_", arborank.load(model)).label_counts_
    assert "learned from 60 rows, 2 added" in run(model, *data, "--rows", "--add").stderr
    after = getattr(arborank.load(model), "model_", arborank.load(model)).label_counts_
    assert after.sum() == before.sum() + 120
