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
from pathlib import Path

import mutations
import seeds

import arborank
from arborank import datasets
from arborank.autocomplete import read_log, read_pairs

CLEAN = (ValueError, TypeError, OSError, NotImplementedError)


def use(model):
    """Do with a model what its users do."""
    if hasattr(model, "complete"):
        model.complete("a", previous=["red"], k=3)
        model.complete("gre", k=20, strict=False)
        model.complete_batch(["", "r", "x"], k=2)
        return
    texts = hasattr(model, "rank_batch")
    X = seeds.TEXTS if texts else seeds.matrices()[0]
    model.predict_topk(X, k=5)
    model.predict_topk(X[:1], k=3, beam_size=1)
    names = list(model.labels_[:2]) if texts else [0, 1]
    model.predict_topk(X[:1], k=3, exclude=names)
    model.predict_topk(X[:3], k=3, candidates=names)
    if texts:
        model.rank("green apple and a car", k=3)
    if hasattr(model, "quantize"):
        model.quantize("int8").predict_topk(X, k=2)
        model.prune(threshold=0.01, max_nonzeros=5).predict_topk(X, k=2)
    if hasattr(model, "remove_labels"):
        model.remove_labels(names[:1]).predict_topk(X, k=4)
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "again")


def read(path):
    """Read a file as each command would."""
    name = path.name
    if name.endswith(".npz"):
        X = datasets.read_npz(path, "X")
        arborank.XRLinear(branching=2, max_leaf_size=2).fit(X, [[i % 3] for i in range(X.shape[0])])
    elif name.endswith(".xmc"):
        data = datasets.read_xmc(path)
        if data.X is not None:
            data.X.sum()
    elif name.startswith("log"):
        list(read_log(path))
    elif name.startswith("pairs"):
        read_pairs(path)
    else:
        datasets.read_texts(path, labels_required=False)


def run(case, seeds_at):
    """Return what came of a case: "answer", the name of a clean error, or "find" with what was raised."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / case["target"]
        if case["kind"] == "models":
            shutil.copytree(seeds_at / "models" / case["target"], target)
            edit = mutations.apply_to_model
        else:
            shutil.copy(seeds_at / "files" / case["target"], target)
            edit = mutations.apply_to_file
        try:
            edit(case["edits"], target)
        except (
            ValueError,
            TypeError,
            MemoryError,
        ) as error:  # a number that the file's own format cannot hold
            return {"clean": f"no such file: {error}"[:60]}
        try:
            use(arborank.load(target)) if case["kind"] == "models" else read(target)
        except MemoryError as error:
            if str(error).startswith("training needs about"):  # asked before anything is allocated
                return {"clean": "MemoryError"}
            return {"find": f"MemoryError: {error}"}
        except CLEAN as error:
            return {"clean": type(error).__name__}
        except BaseException as error:
            return {"find": f"{type(error).__name__}: {error}"}
    return {"answer": True}


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
