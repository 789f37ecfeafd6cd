"""Training into a directory: the same model, whatever interrupts it, and nothing of another training touched."""

import contextlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp

import arborank
from arborank import LabelTree, TextRanker, XRLinear
from arborank.linear import checkpoint
from arborank.storage.lock import exclusive
from arborank.storage.manifest import checksum
from arborank.storage.runs import Run

SMALL_TREE = {"branching": 3, "max_leaf_size": 4}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(checkpoint, "_PIECE", 1 << 9)


def arrays(model):
    return [
        (level, name, array.tobytes())
        for level, part in enumerate([*model.layers_, model.tree_])
        for name, array in part.to_state().arrays.items()
    ]


def files(directory):
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def rewrite(directory, change):
    """Change what is recorded of the layers as if it had been so."""
    state = json.loads((directory / "training.json").read_text())
    change(state["progress"])
    state["checksum"] = checksum(state)
    (directory / "training.json").write_text(json.dumps(state))


def stop_after(monkeypatch, n_commits, error=KeyboardInterrupt):
    """Interrupt training after so many pieces, between the files and the record of them; count what is trained."""
    trained = []
    commit, train = Run.commit, checkpoint.train_layer

    def stopping(self, *state):
        if len(trained) > n_commits:
            raise error
        commit(self, *state)

    def counting(*problem, **options):
        trained.append(options["parents"])
        return train(*problem, **options)

    monkeypatch.setattr(Run, "commit", stopping)
    monkeypatch.setattr(checkpoint, "train_layer", counting)
    return trained


@pytest.mark.parametrize("negatives", ["tfn", "man", "tfn+man"])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_same_bytes_as_in_memory(topics, tmp_path, negatives, n_jobs):
    options = {"negatives": negatives, "n_jobs": n_jobs, **SMALL_TREE}
    expected = XRLinear(**options).fit(*topics)
    model = XRLinear(**options).fit(*topics, work_dir=tmp_path / "work")
    assert arrays(model) == arrays(expected)
    assert all(not layer.arrays["units"].flags.writeable for layer in model.layers_)
    model.save(tmp_path / "model")
    loaded = arborank.load(tmp_path / "model")
    assert arrays(loaded) == arrays(expected)
    for found, right in zip(
        loaded.predict_topk(topics[0], 5), expected.predict_topk(topics[0], 5), strict=True
    ):
        assert np.array_equal(found, right)


@pytest.mark.parametrize("negatives", ["tfn", "tfn+man"])
@pytest.mark.parametrize("n_commits", [0, 1, 4, 9])
def test_goes_on_after_an_interruption(topics, tmp_path, monkeypatch, negatives, n_commits):
    options = {"negatives": negatives, "n_jobs": 1, **SMALL_TREE}
    expected = XRLinear(**options).fit(*topics)
    with monkeypatch.context() as patched:
        trained = stop_after(patched, n_commits)
        model = XRLinear(**options)
        with pytest.raises(KeyboardInterrupt):
            model.fit(*topics, work_dir=tmp_path)
        assert len(trained) == n_commits + 1
        assert not hasattr(model, "layers_")
    with monkeypatch.context() as patched:
        rest = stop_after(patched, 10**9)
        patched.setattr("arborank.linear.fitting.grow_tree", None)  # the tree is not grown again
        model = XRLinear(**options).fit(*topics, work_dir=tmp_path)
        assert trained[-1] == rest[0]  # what was lost is one piece
        assert arrays(model) == arrays(expected)
        rest.clear()
        assert arrays(XRLinear(**options).fit(*topics, work_dir=tmp_path)) == arrays(expected)
        assert rest == []


@pytest.mark.parametrize("layer", [0, 1])
def test_layers_may_end_in_any_order(topics, tmp_path, layer):
    """The root is trained beside the layers below it, so either may be lost."""
    options = {"n_jobs": 2, **SMALL_TREE}
    expected = XRLinear(**options).fit(*topics, work_dir=tmp_path)
    rewrite(tmp_path, lambda layers: layers.pop(str(layer)))
    assert arrays(XRLinear(**options).fit(*topics, work_dir=tmp_path)) == arrays(expected)


KILLED = """
import itertools, os, signal, sys
import scipy.sparse as sp
from arborank import XRLinear
from arborank.linear import checkpoint

checkpoint._PIECE = 1 << 9
X, Y = (sp.load_npz(f"{sys.argv[1]}/{name}.npz") for name in "XY")
n_killed = 0
for step in itertools.count(50, 53):  # later every time, from where the one before came to
    executed, child = 0, os.fork()
    if child == 0:
        def trace(frame, event, argument):
            global executed
            touching_files = ("checkpoint.py", "append.py", "disk.py", "runs.py")
            if not frame.f_code.co_filename.endswith(touching_files):
                return None
            if event == "line":
                executed += 1
                if executed == step:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace
        sys.settrace(trace)
        XRLinear(n_jobs=1, branching=3, max_leaf_size=4).fit(X, Y, work_dir=f"{sys.argv[1]}/work")
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status):
        break
    n_killed += 1
assert os.waitstatus_to_exitcode(status) == 0, status
assert n_killed > 5, n_killed
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.subprocess
def test_killed_again_and_again(topics, tmp_path):
    for name, matrix in zip("XY", topics, strict=True):
        sp.save_npz(tmp_path / f"{name}.npz", matrix)
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    model = XRLinear(n_jobs=1, **SMALL_TREE).fit(*topics, work_dir=tmp_path / "work")
    assert arrays(model) == arrays(XRLinear(n_jobs=1, **SMALL_TREE).fit(*topics))


def test_refuses_another_training(topics, tmp_path):
    X, Y = topics
    XRLinear(**SMALL_TREE).fit(X, Y, work_dir=tmp_path)
    before = files(tmp_path)
    other = X.copy()
    other.data[0] += 1
    tree = LabelTree.one_vs_all(Y.shape[1])
    for model, X_given, Y_given, message in (
        (XRLinear(**SMALL_TREE), other, Y, r"holds another training; what differs: X\. Give"),
        (XRLinear(**SMALL_TREE), X, Y[:, ::-1], "differs: Y"),
        (XRLinear(**SMALL_TREE, Cp=2.0), X, Y, r"Cp \(1.0 there, 2.0 here\)"),
        (XRLinear(**SMALL_TREE, Cp=[1.0, 2.0]), X, Y, r"Cp \(1.0 there, \[1.0, 2.0\] here\)"),
        (XRLinear(**SMALL_TREE, tree=tree), X, Y, "differs: tree"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(X_given, Y_given, work_dir=tmp_path)
    with pytest.raises(ValueError, match="differs: relevance"):
        XRLinear(**SMALL_TREE).fit(X, Y, relevance=Y, work_dir=tmp_path)
    assert files(tmp_path) == before
    XRLinear(**SMALL_TREE, n_jobs=1, verbose=0).fit(
        X, Y, work_dir=tmp_path
    )  # the same result, hence the same


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_refuses_another_representation(topics, tmp_path, kind):
    X, Y = topics
    rng = np.random.default_rng(0)
    vectors, others = (rng.random((Y.shape[1], 8)).astype(np.float32) for _ in range(2))
    expected = XRLinear(representation=vectors, **SMALL_TREE).fit(X, Y)
    for _ in range(2):
        model = XRLinear(representation=kind(vectors), **SMALL_TREE).fit(X, Y, work_dir=tmp_path)
        assert arrays(model) == arrays(expected)
    before = files(tmp_path)
    with pytest.raises(ValueError, match="differs: representation"):
        XRLinear(representation=kind(others), **SMALL_TREE).fit(X, Y, work_dir=tmp_path)
    assert files(tmp_path) == before


def test_refuses_a_callable_representation(topics, tmp_path):
    model = XRLinear(representation=lambda X, Y: Y.T @ X)
    with pytest.raises(ValueError, match="give the matrix that it returns"):
        model.fit(*topics, work_dir=tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_numpy_scalars_are_the_numbers_that_they_are(topics, tmp_path):
    XRLinear(Cp=0.5, branching=3, max_leaf_size=4).fit(*topics, work_dir=tmp_path)
    before = files(tmp_path)
    options = {"Cp": np.float32(0.5), "branching": np.int64(3), "max_leaf_size": 4, "spherical": np.True_}
    XRLinear(**options).fit(*topics, work_dir=tmp_path)
    assert files(tmp_path) == before
    mixed = {"pifa": np.float32(0.5), "pii": 1}
    XRLinear(representation=mixed, Cn=[np.float64(1)]).fit(*topics, work_dir=tmp_path / "mixed")


def test_refuses_a_directory_of_something_else(topics, tmp_path):
    (tmp_path / "thesis.tex").write_text("all of it")
    with pytest.raises(FileExistsError, match=r"holds no training \(it holds 'thesis.tex'\)"):
        XRLinear().fit(*topics, work_dir=tmp_path)
    assert os.listdir(tmp_path) == ["thesis.tex"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": "arborank-training", "format_version": 2}', "{"]
)
def test_damaged_state(topics, tmp_path, text):
    XRLinear(**SMALL_TREE).fit(*topics, work_dir=tmp_path)
    (tmp_path / "training.json").write_text(text)
    with pytest.raises(ValueError, match=r"is damaged: training\.json cannot"):
        XRLinear(**SMALL_TREE).fit(*topics, work_dir=tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda layers: layers.update({"1": 3}),
        lambda layers: layers.update({"1": None}),
        lambda layers: layers.update({"one": layers["1"]}),
        lambda layers: layers["1"].pop("arrays"),
        lambda layers: layers["1"].update(parents="3"),
        lambda layers: layers["1"].update(parents=float("inf")),
        lambda layers: layers["1"].update(parents=-1),
        lambda layers: layers["1"].update(parents=10**6),
        lambda layers: layers["1"].update(arrays=[]),
        lambda layers: layers["1"]["arrays"].pop("units"),
        lambda layers: layers["1"]["arrays"].update(units=["U16", [3]]),
        lambda layers: layers["1"]["arrays"]["units"].update(dtype="U17"),
        lambda layers: layers["1"]["arrays"]["units"].update(dtype=[]),
        lambda layers: layers["1"]["arrays"]["units"].pop("crc32"),
        lambda layers: layers["1"]["arrays"]["units"].update(crc32="0"),
        lambda layers: layers["1"]["arrays"]["units"].update(shape=[]),
        lambda layers: layers["1"]["arrays"]["units"].update(shape=[-1]),
        lambda layers: layers["1"]["arrays"]["units"].update(shape=[2.5]),
        lambda layers: layers["1"]["arrays"]["units"].update(shape=[10**30]),
        lambda layers: layers["1"]["arrays"]["units"].update(shape=[0, 1 << 47, 1 << 47]),
        lambda layers: layers["1"]["arrays"]["units"].update(shape=[1 << 47, 1 << 47, 1 << 47]),
    ],
)
def test_damaged_record_of_a_layer(topics, tmp_path, change):
    XRLinear(**SMALL_TREE).fit(*topics, work_dir=tmp_path)
    rewrite(tmp_path, change)
    with pytest.raises(ValueError, match=r"work_dir .* is damaged.*remove it to begin again"):
        XRLinear(**SMALL_TREE).fit(*topics, work_dir=tmp_path)


@pytest.mark.parametrize("name", ["units", "bias", "extents", "index", "starts"])
@pytest.mark.parametrize("finished", [True, False])
def test_altered_weights(topics, tmp_path, monkeypatch, name, finished):
    options = {"n_jobs": 1, **SMALL_TREE}
    with monkeypatch.context() as patched:
        if not finished:
            stop_after(patched, 4)
        with contextlib.suppress(KeyboardInterrupt):
            XRLinear(**options).fit(*topics, work_dir=tmp_path)
    level = 0 if finished else max(int(path.name[5]) for path in tmp_path.glob("layer*.units"))
    content = bytearray((tmp_path / f"layer{level}.{name}").read_bytes())
    content[0] ^= 1
    (tmp_path / f"layer{level}.{name}").write_bytes(content)
    with pytest.raises(ValueError, match=rf"layer{level}\.{name} is altered.*remove it to begin again"):
        XRLinear(**options).fit(*topics, work_dir=tmp_path)
    assert (tmp_path / f"layer{level}.{name}").read_bytes() == content


def test_altered_record(topics, tmp_path):
    XRLinear(**SMALL_TREE).fit(*topics, work_dir=tmp_path)
    path = tmp_path / "training.json"
    text = path.read_text()
    for old, new in (('"parents": ', '"parents": 1'), ('"Cp": 1.0', '"Cp": 1.5')):
        assert old in text
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(ValueError, match=r"training\.json cannot be taken up.*checksum"):
            XRLinear(**SMALL_TREE).fit(*topics, work_dir=tmp_path)


def test_missing_weights(topics, tmp_path):
    XRLinear(**SMALL_TREE).fit(*topics, work_dir=tmp_path)
    (tmp_path / "layer1.units").unlink()
    with pytest.raises(ValueError, match=r"layer1\.units.*remove it to begin again"):
        XRLinear(**SMALL_TREE).fit(*topics, work_dir=tmp_path)


def test_truncated_weights(topics, tmp_path):
    XRLinear(**SMALL_TREE).fit(*topics, work_dir=tmp_path)
    os.truncate(tmp_path / "layer1.units", 4)
    with pytest.raises(ValueError, match=r"layer1\.units is truncated"):
        XRLinear(**SMALL_TREE).fit(*topics, work_dir=tmp_path)


def test_two_at_a_time(topics, tmp_path):
    with exclusive(tmp_path), pytest.raises(BlockingIOError, match="in use by another process"):
        XRLinear().fit(*topics, work_dir=tmp_path)


@pytest.mark.filterwarnings("ignore:threshold=1e.09 drops nearly all weights:UserWarning")
def test_no_weight_at_all(topics, tmp_path):
    X, Y = topics
    expected = XRLinear(threshold=1e9, **SMALL_TREE).fit(X, Y)
    assert all(layer.nnz == 0 for layer in expected.layers_)
    assert arrays(XRLinear(threshold=1e9, **SMALL_TREE).fit(X, Y, work_dir=tmp_path)) == arrays(expected)


@pytest.mark.filterwarnings("ignore:.*have no term:UserWarning")
def test_texts(tmp_path):
    texts, labels = (
        ["red apple", "fast car", "green pear", "slow car"],
        ["fruit", "vehicle", "fruit", "vehicle"],
    )
    ranker = TextRanker().fit(texts, labels, work_dir=tmp_path)
    assert ranker.rank("fast car")[0][0] == "vehicle"
    assert (tmp_path / "training.json").exists()
    with pytest.raises(ValueError, match="differs: X"):
        TextRanker().fit([*texts[:3], "slow apple"], labels, work_dir=tmp_path)
