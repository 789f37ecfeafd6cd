"""Models that libpecos trained, imported by arborank: how far their scores lie apart.

``python benchmarks/imported.py`` takes the models that ``linear.py`` left in the cache.
"""

import argparse

import child
import data
import numpy as np
from measurements import Measurements
from runners.side import SEED, K
from scipy.sparse import csr_array, load_npz

from arborank import XRLinear
from linear import model


def compare(given: argparse.Namespace, name: str) -> dict:
    """Largest difference of scores, and in how many rows the best label is the same."""
    directory, path = (given.cache / name).resolve(), model(given, name, "libpecos")
    with child.Child("libpecos", "linear", 2, given) as process:
        process.ask("load", directory=str(directory), model=path, threads=2)
        answer = process.ask("scores", count=given.rows)
    X = load_npz(directory / "X.tst.npz")
    X = X[np.random.default_rng(SEED).permutation(X.shape[0])[: given.rows]]  # as the other side orders them
    imported = XRLinear.from_pecos(path)
    ids, scores = imported.predict_topk(X, K)
    theirs = csr_array(
        (answer["scores"], answer["ids"], answer["indptr"]), shape=(X.shape[0], imported.n_labels_)
    )
    rows = [np.sort(theirs.data[a:b])[::-1] for a, b in zip(theirs.indptr, theirs.indptr[1:], strict=False)]
    found = [row[np.isfinite(row)] for row in scores]
    same = [theirs[i, ids[i, 0]] >= row[0] - 1e-6 for i, row in enumerate(rows) if row.size]
    return {
        "rows": X.shape[0],
        "largest": max(
            float(np.abs(a - b[: a.size]).max()) for a, b in zip(rows, found, strict=True) if a.size
        ),
        "same_best": 100 * float(np.mean(same)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data.add_arguments(parser)
    child.add_arguments(parser)
    parser.add_argument("--sets", nargs="+", default=data.SETS)
    parser.add_argument("--rows", type=int, default=5000)
    given = parser.parse_args()
    found = Measurements(given.cache)
    for name in given.sets:
        if not found.done(1, table="imported", set=name):
            found.add(compare(given, name), table="imported", set=name)


if __name__ == "__main__":
    main()
