"""Exploration: what a decision costs.

python benchmarks/exploration.py cost            # beside a plain ranking, over 10,000 to 1,000,000 labels
"""

import argparse
import sys
import time

import numpy as np
import scipy.sparse as sp

N_FEATURES = 50_000


def grown(n_labels, n_terms=40, n_weights=30, seed=0):
    """A tree of random rankers, and rows of random texts: words by Zipf's law in both."""
    from arborank import LabelTree, XRLinear
    from arborank.core.sparse import as_csr
    from arborank.linear.fitted import FittedTree
    from arborank.ranking import LayerWeights

    rng = np.random.default_rng(seed)
    leaves = np.minimum(np.arange((n_labels + 99) // 100 + 1) * 100, n_labels)
    tree = LabelTree.from_order(np.arange(n_labels, dtype=np.int32), leaves, branching=16)
    layers = []
    for branches in tree.branches:
        n = int(branches[-1]) * n_weights
        words = (rng.zipf(1.3, size=n) % N_FEATURES).astype(np.int32)
        weights = sp.csc_array(
            (rng.normal(size=n).astype(np.float32) * 0.7, words, np.arange(0, n + 1, n_weights)),
            shape=(N_FEATURES, int(branches[-1])),
        )
        weights.sum_duplicates()
        bias = np.full(int(branches[-1]), -0.3, np.float32)
        layers.append(
            LayerWeights.from_matrix(weights, bias, branches, ranks=layers[0].ranks if layers else None)
        )
    model = XRLinear(n_jobs=1).fit(np.eye(4, dtype=np.float32), [[0], [1], [2], [3]])
    model.fitted_, model.n_features_in_ = FittedTree(tree, layers), N_FEATURES
    rows = []
    for _ in range(300):
        words = np.unique(rng.zipf(1.3, size=n_terms) % N_FEATURES)
        row = sp.csr_array((np.abs(rng.normal(size=words.size)).astype(np.float32), words, [0, words.size]),
                           shape=(1, N_FEATURES))  # fmt: skip
        rows.append(as_csr(row))
    return model, rows


def median_us(ask, rows, n_rounds=5):
    """The median time of a question in microseconds."""
    times = []
    for _ in range(n_rounds):
        for row in rows:
            start = time.perf_counter()
            ask(row)
            times.append(time.perf_counter() - start)
    return 1e6 * float(np.median(times[len(rows) :]))


def cost(k=10):
    """Times of plain rankings and of decisions."""
    from arborank.exploration import ExploringRanker

    for n_labels in (10_000, 100_000, 1_000_000):
        model, rows = grown(n_labels)
        plain = median_us(lambda row, model=model: model.predict_topk(row, k), rows)
        told = [f"{n_labels:>9,} labels: ranking {plain:.1f} us"]
        for explore in (1, 3):
            ranker = ExploringRanker(model, explore=explore, seed=1)
            own = median_us(lambda row, ranker=ranker: ranker.rank(row, k), rows)
            told.append(f"exploring in {explore} of {k} places {own:.1f} us ({own / plain:.2f} times)")
        print("; ".join(told), flush=True)


PARTS = {"cost": cost}


def main():
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="by default all")
    for part in parser.parse_args().parts or PARTS:
        PARTS[part]()


if __name__ == "__main__":
    sys.exit(main())
