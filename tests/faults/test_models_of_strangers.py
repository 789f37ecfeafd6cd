"""A small model folder never costs much time or memory to open or use, and never decides about the caller's threads."""

import json
import os
import resource
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

import arborank
from arborank import Autocompleter, Ensemble, NgramTfidf, PrefixTfidf, TextFeatures, TextRanker, XRLinear
from arborank.autocomplete.catalogue import Catalogue
from arborank.core.state import State
from arborank.core.strings import StringTable
from arborank.indexing import LabelTree
from arborank.linear.targets import classes_from_state
from arborank.storage import disk
from arborank.storage.manifest import FORMAT_VERSION, checksum
from arborank.storage.tensorfile import open_tensors, write_tensors

TEXTS = ["red apple", "green apple", "fast car", "old green car"]
LABELS = [["fruit"], ["fruit", "green"], ["vehicle"], ["vehicle", "green"]]


def small():
    return XRLinear(max_leaf_size=2, branching=2).fit(np.eye(4), [[0], [1], [2], [3]])


def edit(directory, change, array=None):
    """Change a model's description, and maybe the arrays of its one data file; checksums fit again."""
    path = directory / "config.json"
    document = json.loads(path.read_text("utf-8"))
    change(document["model"])
    if array is not None:
        for name in list(document["files"]):
            arrays = {key: value.copy() for key, value in open_tensors(directory / name).items()}
            array(arrays)
            (directory / name).unlink()
            document["files"][name] = write_tensors(directory / name, arrays)._asdict()
    document["checksum"] = checksum(document)
    path.write_text(json.dumps(document), "utf-8")


# ---------------------------------------------------------------- numbers that are believed


@pytest.mark.parametrize("n_models", [2, 10**12, 10**30, -1, 0, None, "2", 2.0, True])
def test_a_number_of_models(tmp_path, n_models):
    Ensemble.from_fitted([small()]).save(tmp_path)
    edit(tmp_path, lambda node: node["config"].update(n_models=n_models))
    start = time.perf_counter()
    with pytest.raises(ValueError, match=r"n_models|parts"):
        arborank.load(tmp_path)
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize("n_labels", [2**27, 2**31 - 1, 2**31, 10**12, -1])
def test_a_number_of_labels(tmp_path, n_labels):
    small().save(tmp_path)
    edit(tmp_path, lambda node: node["parts"]["fitted"]["parts"]["tree"]["config"].update(n_labels=n_labels))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=r"n_labels|label_counts"):
        arborank.load(tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kilobytes


def test_a_number_of_labels_without_counts(tmp_path):
    model = small()
    model.fitted_ = replace(
        model.fitted_, label_counts=None, n_instances=None
    )  # as of one that PECOS trained
    model.save(tmp_path)
    arborank.load(tmp_path)
    edit(tmp_path, lambda node: node["parts"]["fitted"]["parts"]["tree"]["config"].update(n_labels=2**27))
    with pytest.raises(ValueError, match=r"n_labels is 134217728, but only 4 labels have a place"):
        arborank.load(tmp_path)


def test_a_label_with_a_large_number():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tree = LabelTree((np.array([0, 2]),), np.array([0, 2**31 - 2], np.int32), 2**31 - 1)
    assert not tree.overlapping
    with pytest.raises(ValueError, match="twice"):
        LabelTree((np.array([0, 2]),), np.full(2, 2**31 - 2, np.int32), 2**31 - 1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


@pytest.mark.parametrize("depth", [2, 10**12, 2**64, 0])
def test_a_depth(tmp_path, depth):
    XRLinear(tree=LabelTree.one_vs_all(4)).fit(np.eye(4), [[0], [1], [2], [3]]).save(tmp_path)
    edit(tmp_path, lambda node: node["parts"]["fitted"]["parts"]["tree"]["config"].update(depth=depth))
    with pytest.raises(ValueError, match=r"branches_1|depth"):
        arborank.load(tmp_path)


# ---------------------------------------------------------------- nesting


def nested(levels):
    model = small()
    for _ in range(levels):
        model = Ensemble.from_fitted([model])
    return model


def test_ensembles_in_ensembles_take_no_longer_a_level(tmp_path):
    nested(40).save(tmp_path)
    start = time.perf_counter()
    model = arborank.load(tmp_path)
    assert model.n_labels_ == 4
    ids, _ = model.predict_topk(np.eye(4), 1)
    assert ids.ravel().tolist() == [0, 1, 2, 3]
    assert time.perf_counter() - start < 10


def test_parts_within_parts_have_an_end(tmp_path):
    with pytest.raises(ValueError, match="nested more than 64 deep"):
        nested(70).save(tmp_path / "deep")
    Ensemble.from_fitted([small()]).save(tmp_path / "model")

    def deepen(node):
        inner = dict(node)
        for _ in range(70):
            inner = {**node, "parts": {"model_0": inner}}
        node["parts"] = {"model_0": inner}

    edit(tmp_path / "model", deepen)
    with pytest.raises(ValueError, match="nested more than 64 deep"):
        arborank.load(tmp_path / "model")


@pytest.mark.parametrize("depth", [900, 5_000, 100_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_deep_json(tmp_path, depth, opening):
    small().save(tmp_path)
    closing = "]" if opening == "[" else "}"
    text = opening * depth + "1" + closing * depth
    (tmp_path / "config.json").write_text(
        f'{{"format": "arborank", "format_version": {FORMAT_VERSION}, "model": {text}}}'
    )
    with pytest.raises(ValueError, match=r"config\.json"):
        arborank.load(tmp_path)


def test_many_dimensions(tmp_path):
    shape = [2**62] * 200_000
    header = json.dumps({"a": {"dtype": "U8", "shape": shape, "data_offsets": [0, 0]}}).encode()
    (tmp_path / "x").write_bytes(len(header).to_bytes(8, "little") + header)
    start = time.perf_counter()
    with pytest.raises(ValueError, match="impossible shape") as caught:
        open_tensors(tmp_path / "x")
    assert len(str(caught.value)) < 500
    assert time.perf_counter() - start < 10


# ---------------------------------------------------------------- what stands in the place of a file


@pytest.mark.subprocess
@pytest.mark.parametrize("kind", ["pipe", "zero", "directory", "random"])
@pytest.mark.parametrize("name", ["config.json", "data"])
def test_no_file_in_the_place_of_one(tmp_path, kind, name):
    small().save(tmp_path)
    document = json.loads((tmp_path / "config.json").read_text())
    path = tmp_path / (name if name == "config.json" else next(iter(document["files"])))
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to({"zero": "/dev/zero", "random": "/dev/urandom"}[kind])
    program = f"import arborank; arborank.load({str(tmp_path)!r})"
    done = subprocess.run(  # which would wait, or read without end
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "a regular file was expected" in done.stderr
    with pytest.raises((ValueError, OSError), match=r"regular file|damaged"):
        small().save(tmp_path) if name == "config.json" else arborank.load(tmp_path)


def test_a_description_without_end(tmp_path):
    small().save(tmp_path)
    with (tmp_path / "config.json").open("r+b") as file:
        file.truncate(10**12)  # which takes no room on the disk
    with pytest.raises(ValueError, match=r"config\.json is longer than"):
        arborank.load(tmp_path)


def test_a_model_that_could_not_be_opened_again_is_not_saved(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "LONGEST_TEXT", 100)
    monkeypatch.setattr("arborank.storage.store.LONGEST_TEXT", 100)
    with pytest.raises(ValueError, match="the settings of the model take"):
        small().save(tmp_path / "model")
    assert not list((tmp_path / "model").iterdir())


# ---------------------------------------------------------------- threads and descriptors


def every_kind():
    features = TextFeatures(parts=[NgramTfidf(), PrefixTfidf()], n_jobs=2, verbose=0)
    ranker = TextRanker(features=features, model=XRLinear(n_jobs=3, verbose=0), n_jobs=2).fit(TEXTS, LABELS)
    completer = Autocompleter(n_jobs=2).fit_pairs(["a b", "a b", "c"], ["one", "two", "three"])
    return [ranker, completer, Ensemble.from_fitted([small().set_params(n_jobs=5)])]


@pytest.mark.parametrize("number", range(3))
def test_threads_are_the_callers_business(tmp_path, number):
    every_kind()[number].save(tmp_path)
    text = (tmp_path / "config.json").read_text()
    assert '"n_jobs"' not in text
    assert '"verbose"' not in text

    def ask(node):
        settings = node["config"].get("params", node["config"])
        if node["kind"] in (
            "XRLinear",
            "NgramTfidf",
            "PrefixTfidf",
            "TextFeatures",
            "TextRanker",
            "Autocompleter",
        ):
            settings.update(n_jobs=2 * 10**8, verbose=1)
        for part in node["parts"].values():
            ask(part)

    edit(tmp_path, ask)
    model = arborank.load(tmp_path)
    for stage in stages(model):
        assert getattr(stage, "n_jobs", None) is None
        assert not getattr(stage, "verbose", 0)


def stages(model):
    yield model
    for name in ("features_", "model_"):
        if hasattr(model, name):
            yield from stages(getattr(model, name))
    if hasattr(model, "rows_"):
        yield from (*stages(model.rows_.previous), *stages(model.rows_.prefix))
    for name in ("models_", "parts_"):
        for part in getattr(model, name, []):
            yield from stages(part)


@pytest.mark.subprocess
def test_open_models_take_no_descriptors(tmp_path):
    every_kind()[0].save(tmp_path / "model")
    program = textwrap.dedent(f"""
        import os, resource
        import arborank
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
        models = [arborank.load({str(tmp_path / "model")!r}) for _ in range(100)]
        assert all(model.rank("red apple", k=1)[0][0] == "fruit" for model in models)
        print(len(models))
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "100"), done.stderr


def test_a_training_on_disk_takes_no_descriptors(tmp_path):
    folder = f"/proc/{os.getpid()}/fd"
    if not os.path.isdir(folder):
        pytest.skip("needs /proc")
    X = sp.random_array((60, 20), density=0.3, rng=np.random.default_rng(0), format="csr")
    before = len(os.listdir(folder))
    model = XRLinear(max_leaf_size=2, branching=2).fit(
        X, [[i % 12] for i in range(60)], work_dir=tmp_path / "work"
    )
    assert len(model.layers_) > 2
    assert len(os.listdir(folder)) == before


# ---------------------------------------------------------------- tables of strings


def table(text, offsets):
    return StringTable.from_state(
        State({}, {"text": np.frombuffer(text, np.uint8), "offsets": np.array(offsets, np.int64)})
    )


@pytest.mark.parametrize(
    "offsets",
    [[0, 2**63 - 1, -(2**63), 6], [0, -(2**62), 2**62, 6], [0, 5, 1, 6], [0, 2**40, 6], [0, -1, 6]],
    ids=str,
)
def test_offsets_that_do_not_ascend(offsets):
    damaged = table(b"abcdef", offsets)
    kept = np.ones(len(damaged), bool)
    calls = [
        lambda: damaged.selected(kept),
        lambda: damaged.find("a"),
        lambda: "a" in damaged,
        damaged.lengths,
        lambda: StringTable(["x"]).extended(damaged).selected(np.ones(len(damaged) + 1, bool)),
        lambda: Catalogue(damaged, damaged, np.ones(len(damaged), np.int64)).matching("a"),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="its offsets do not ascend"):
            call()


def test_a_table_does_not_give_more_than_it_has():
    text = b"x" * 200_000
    damaged = table(text, [0, *[0, len(text)] * 20_000])
    with pytest.raises(ValueError, match="its offsets do not ascend"):
        list(damaged)


def test_removing_labels_of_a_ranker_with_such_names(tmp_path):
    TextRanker(features=NgramTfidf()).fit(TEXTS, LABELS).save(tmp_path)

    def wrap(arrays):
        for name, array in arrays.items():
            if name.endswith("offsets") and "labels" in name:
                array[1:-1] = np.array([2**63 - 1, -(2**63)])[: array.size - 2]

    edit(tmp_path, lambda node: None, wrap)
    ranker = arborank.load(tmp_path)
    with pytest.raises(ValueError, match="its offsets do not ascend"):
        ranker.remove_labels(["fruit"])


def test_class_names_that_would_take_far_more_than_they_do():
    text, n_labels = b"x" * 2**23, 2**19
    names = table(text, [*[0] * n_labels, len(text)])
    with pytest.raises(MemoryError, match=r"the names of the classes need 17\.6 TB"):
        classes_from_state(State(parts={"classes": names}), n_labels)
    with pytest.raises(ValueError, match=r"classes has shape \(524288,\), but the model has 4 labels"):
        classes_from_state(State(parts={"classes": names}), 4)
    with pytest.raises(TypeError, match="classes must be StringTable, found list"):
        classes_from_state(State(parts={"classes": ["a"]}), 1)
