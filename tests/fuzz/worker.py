"""Runs cases from the standard input, a JSON line each, and answers a line each with what came of it.

A case ends well with an answer or with an error that a user can act on. Everything else is a find; a worker that dies
or does not answer is one, too, which `run.py` sees.
"""

import json
import resource
import shutil
import sys
import tempfile
import warnings
from functools import partial
from pathlib import Path

import mutations
import numpy as np
import seeds

import arborank
from arborank import datasets
from arborank.analysis.explain import explain
from arborank.autocomplete import read_log, read_pairs

CLEAN = (ValueError, TypeError, OSError, NotImplementedError)
ASKED = ("training needs about", "are free")  # memory that is counted before it is taken


def uses_of_completer(model):
    """Yield what users do with a completer."""
    yield lambda: model.complete("a", previous=["red"], k=3)
    yield lambda: model.complete("gre", k=20, strict=False)
    yield lambda: model.complete("", previous=["red apple", "green"], k=50)
    yield lambda: model.complete_batch(["", "r", "x"], ["red", "", "green apple"], k=2)
    yield lambda: model.remove(list(model.catalogue_.keys)[:1]).complete("g")
    yield lambda: model.update_pairs(["red", "x"], ["red apple", "new query"]).complete("n", previous=["x"])
    yield lambda: model.block(["car"]).complete("f", previous=["green"])


def uses_of_ranker(model):
    """Yield what users do with a model of texts or rows."""
    texts = hasattr(model, "rank_batch")
    X = seeds.TEXTS if texts else seeds.matrices()[0]
    names = ["fruit", "green"] if texts else [0, 1]
    ask, inner = partial(top, model), model_of(model)
    yield lambda: ask(X, k=5)
    yield lambda: ask(X[:1], k=3, beam_size=1)
    yield lambda: ask(X[:1], k=3, exclude=names)
    yield lambda: ask(X[:3], k=3, candidates=names)
    yield lambda: repr(model)
    if hasattr(inner, "prepare_filter"):
        yield lambda: ask(X[:3], k=3, label_weights={"fruit": 2.0} if texts else np.ones(model.n_labels_))
        yield lambda: ask(X[:3], k=3, label_filter=model.prepare_filter(exclude=names))
        yield lambda: ask(X, k=4, merge="mean")
    if texts and hasattr(model.features_, "get_feature_names_out"):
        yield lambda: model.features_.get_feature_names_out()
    if texts:
        yield lambda: list(model.labels_)
        yield lambda: model.rank("green apple and a car", k=3)
        yield lambda: explain(model, "green apple", "fruit")
    else:
        yield lambda: model.predict(X)
        yield lambda: model.decision_function(X)
    if texts and hasattr(inner, "add_labels"):
        new = [["new"] if i % 3 == 0 else row for i, row in enumerate(seeds.LABELS)]
        yield lambda: top(model.add_labels(["new"], seeds.TEXTS, new), X, k=2)
    if hasattr(inner, "quantize"):
        yield lambda: top(model.quantize("int8"), X, k=2)
        yield lambda: top(model.quantize("float32").quantize("float16"), X, k=2)
        yield lambda: top(model.prune(threshold=0.01, max_nonzeros=5), X, k=2)
    if hasattr(inner, "remove_labels") and getattr(model, "classes_", None) is None:
        yield lambda: top(model.remove_labels(names[:1]), X, k=4)


def top(model, X, **options):
    """Rank, and raise unless the answer is one: labels that there are, best first."""
    ids, scores = model.predict_topk(X, **options)
    held = ids >= 0
    assert ((ids >= -1) & (ids < model_of(model).n_labels_)).all(), "a label that there is not"
    assert not np.isnan(scores[held]).any(), "a score that is no number"
    assert (scores[:, 1:] <= scores[:, :-1]).all(), "scores out of order"


def model_of(model):
    """Return the part of a ranker that knows how many labels there are."""
    return model.model_ if hasattr(model, "rank_batch") else model


def uses(model):
    """Yield what users do with a model that is open."""
    yield from (uses_of_completer if hasattr(model, "complete") else uses_of_ranker)(model)
    with tempfile.TemporaryDirectory() as folder:
        yield lambda: model.save(Path(folder) / "again")


def read(path):
    """Read a file or a folder as each command would."""
    name = path.name
    if path.is_dir():
        if name == "pecos-model":
            model = arborank.XRLinear.from_pecos(path)
            top(model, np.eye(3, model.n_features_in_, dtype=np.float32), k=3)
        elif name == "pecos-data":
            datasets.read_pecos(path)
        else:
            datasets.read_lf(path)
    elif name.endswith(".npz"):
        X = datasets.read_npz(path, "X")
        arborank.XRLinear(branching=2, max_leaf_size=2).fit(X, [[i % 3] for i in range(X.shape[0])])
    elif name.endswith(".xmc"):
        data = datasets.read_xmc(path)
        if data.X is not None:
            data.X.sum()
    elif name.endswith(".sparse"):
        datasets.read_sparse(path)
    elif name.startswith("log"):
        list(read_log(path))
    elif name.startswith("pairs"):
        read_pairs(path)
    else:
        datasets.read_texts(path, labels_required=False)


def tried(call):
    """Return what a call came to: "answer", the name of a clean error, or a find."""
    try:
        call()
    except MemoryError as error:
        if any(words in str(error) for words in ASKED):
            return {"clean": "MemoryError"}
        return {"find": f"MemoryError: {error}"}
    except CLEAN as error:
        return {"clean": type(error).__name__}
    except BaseException as error:
        return {"find": f"{type(error).__name__}: {error} {where(error)}"}
    return {"answer": True}


def where(error):
    """Return the innermost line of the library that an error came from."""
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if "arborank" in code.co_filename and "fuzz" not in code.co_filename:
            place = f"({Path(code.co_filename).name}:{trace.tb_lineno} {code.co_name})"
        trace = trace.tb_next
    return place


def run(case, seeds_at):
    """Return what came of a case, as `tried` does; a model that opens is an answer, whatever it refuses then."""
    with tempfile.TemporaryDirectory() as folder:
        target, source = Path(folder) / case["target"], seeds_at / case["kind"] / case["target"]
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        try:
            mutations.apply(case["kind"], case["edits"], target)
        except (ValueError, TypeError, MemoryError) as error:  # what the file's own format cannot hold
            return {"clean": f"no such file: {error}"[:60]}
        if case["kind"] != "models":
            return tried(lambda: read(target))
        opened = []
        outcome = tried(lambda: opened.append(arborank.load(target)))
        if not opened:
            return outcome
        refused = 0
        for call in uses(opened[0]):  # one that is refused says nothing of the others
            outcome = tried(call)
            if "find" in outcome:
                return outcome
            refused += "clean" in outcome
    return {"answer": True, "refused": refused}


def main():
    """Serve cases until the input ends."""
    seeds_at, room = Path(sys.argv[1]), int(sys.argv[2])
    if room:
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line), seeds_at)), flush=True)


if __name__ == "__main__":
    main()
