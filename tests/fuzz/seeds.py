"""What is mutated: one tiny saved model of every kind, and one small file for every reader of data."""

import json
import lzma
from itertools import pairwise
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from arborank import Autocompleter, Ensemble, NgramTfidf, PrefixTfidf, TextFeatures, TextRanker, XRLinear
from arborank.datasets import write_xmc

TEXTS = ["red apple", "green apple tart", "fast car", "old green car", "café au lait", "слово и дело"] * 3
LABELS = [["fruit"], ["fruit", "green"], ["vehicle"], ["vehicle", "green"], ["drink"], ["word"]] * 3
SMALL = {"branching": 2, "max_leaf_size": 2, "threshold": 0.0}


def matrices():
    """Return 40 instances of 700 features, more than a query's first room, and their 12 labels."""
    rng = np.random.default_rng(0)
    X = sp.random_array((40, 700), density=0.05, rng=rng, dtype=np.float32).tolil()
    X[0] = 1.0
    Y = sp.lil_array((40, 12), dtype=np.float32)
    for row in range(40):
        Y[row, row % 12] = Y[row, (row * 5) % 12] = 1.0
    return sp.csr_array(X), sp.csr_array(Y)


def make_models(directory):
    """Save a model of every kind and return their names."""
    X, Y = matrices()
    linear = XRLinear(**SMALL).fit(X, Y)
    features = TextFeatures(parts=[NgramTfidf(), PrefixTfidf(), NgramTfidf(analyzer="char_wb", min_df=1)])
    models = {
        "linear": linear,
        "int8": linear.quantize("int8"),
        "float16": linear.quantize("float16"),
        "copies": XRLinear(**SMALL, max_clusters=2, copies="all").fit(X, Y),
        "classes": XRLinear(**SMALL).fit(X, np.array(["a", "b", "c", "d"])[np.arange(40) % 4]),
        "ensemble": Ensemble([XRLinear(**SMALL, random_state=seed) for seed in range(2)]).fit(X, Y),
        "text": TextRanker(features, XRLinear(**SMALL)).fit(TEXTS, LABELS),
        "completer": Autocompleter(model=XRLinear(**SMALL)).fit_pairs(
            ["", "red", "green", ""] * 5, TEXTS[:4] * 5
        ),
    }
    for name, model in models.items():
        model.save(directory / name)
    return list(models)


def make_files(directory):
    """Write a file for every reader of data and return their names."""
    X, Y = matrices()
    X, Y = X[:5, :20], Y[:5]
    for form in ("csr", "csc", "coo", "bsr", "dia"):
        sp.save_npz(directory / f"{form}.npz", X.asformat(form), compressed=False)
    np.savez(directory / "dense.npz", X.toarray())
    write_xmc(directory / "matrix.xmc", X, Y)
    rows = [
        json.dumps({"text": text, "labels": names}) for text, names in zip(TEXTS[:6], LABELS[:6], strict=True)
    ]
    (directory / "texts.jsonl").write_text("\n".join(rows), "utf-8")
    (directory / "packed.jsonl.xz").write_bytes(lzma.compress("\n".join(rows).encode()))
    lines = [f"{','.join(names)}\t{text}" for text, names in zip(TEXTS[:6], LABELS[:6], strict=True)]
    (directory / "texts.tsv").write_text("\n".join(lines), "utf-8")
    log = [f"u{i % 2}\t2024-03-01 12:00:{i:02}\t{text}" for i, text in enumerate(TEXTS[:6])]
    (directory / "log.tsv").write_text("\n".join(log), "utf-8")
    (directory / "pairs.tsv").write_text("\n".join(f"{a}\t{b}" for a, b in pairwise(TEXTS[:6])), "utf-8")
    return sorted(path.name for path in directory.iterdir())


def make(directory: Path) -> dict[str, list[str]]:
    """Make all seeds in a new directory: names of models, and of files."""
    models, files = directory / "models", directory / "files"
    models.mkdir(parents=True)
    files.mkdir()
    return {"models": make_models(models), "files": make_files(files)}
