"""libpecos' own recipe of label disentanglement (its example ``overlap-xmc``): pseudo-labels with duplicated columns.

``python -m runners.pecos_overlap DIRECTORY OUT.npz`` trains XR-Linear (32 branches, beam 10, else defaults), counts the
clusters that the beams of the training instances hold, gives every label its two most frequent ones (the first moves
it, the second makes a pseudo-label with the same column of Y), trains anew, and merges the scores of a label's two
columns. ``OUT.npz`` gets the first ten labels of every test row: ``plain``, and ``mean`` (the example's) and ``max``.
"""

import argparse
from pathlib import Path
from time import process_time

import numpy as np
import scipy.sparse as sp
from pecos.utils.cluster_util import ClusterChain
from pecos.xmc import Indexer, LabelEmbeddingFactory
from pecos.xmc.xlinear.model import XLinearModel

from .quality import top_ids
from .side import BEAM, SEED, THRESHOLD, K

BRANCHING, LEAF, COPIES, SCORED = 32, 100, 2, 160


def train(X, Y, chain, threads):
    return XLinearModel.train(
        X, Y, C=chain, threshold=THRESHOLD, beam_size=BEAM, only_topk=K, threads=threads
    )


def plain_chain(X, Y, threads):
    labels = LabelEmbeddingFactory.create(Y, X, method="pifa", threads=threads)
    options = {"nr_splits": BRANCHING, "max_leaf_size": LEAF, "threads": threads, "seed": SEED}
    return Indexer.gen(labels, indexer_type="hierarchicalkmeans", **options)


def matched(model, X):
    """Which clusters the beam of every row holds, as ones."""
    codes = None
    for layer in model.model.model_chain[:-1]:
        codes = layer.predict(X, csr_codes=codes, only_topk=BEAM, post_processor="l3-hinge")
    return codes.sign()


def with_copies(model, X, Y):
    """The chain over labels and pseudo-labels, their columns of Y, and the label of each."""
    counts = (Y.T.tocsr() @ matched(model, X)).tocoo()
    best_first = np.lexsort((np.argsort(counts.data)[::-1].argsort(), counts.row))
    rows, leaves = counts.row[best_first], counts.col[best_first]
    place = np.arange(rows.size) - np.searchsorted(rows, rows)
    chain = [layer.pC.buf for layer in model.model.model_chain]
    homes = chain[-1].tocsr().indices.copy()
    homes[rows[place == 0]] = leaves[place == 0]
    copied = (place > 0) & (place < COPIES)
    labels = np.concatenate([np.arange(Y.shape[1]), rows[copied]])
    into = np.concatenate([homes, leaves[copied]])
    shape = (labels.size, chain[-1].shape[1])
    bottom = sp.csc_matrix((np.ones(labels.size, np.float32), (np.arange(labels.size), into)), shape=shape)
    return ClusterChain([*chain[:-1], bottom]), Y[:, labels].tocsc(), labels


def merge(scores, labels, n_labels, how):
    """Scores of labels from those of their columns."""
    coo = scores.tocoo()
    keys = coo.row.astype(np.int64) * n_labels + labels[coo.col]
    order = np.lexsort((-coo.data, keys))
    begins = np.flatnonzero(np.diff(keys[order], prepend=-1))
    values = np.maximum.reduceat(coo.data[order], begins)
    if how == "mean":
        values = np.add.reduceat(coo.data[order], begins) / np.diff(np.append(begins, keys.size))
    row, label = np.divmod(keys[order][begins], n_labels)
    return sp.csr_matrix((values, (row, label)), shape=(scores.shape[0], n_labels))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--threads", type=int, default=-1)
    given = parser.parse_args()
    X, Y, X_test = (sp.load_npz(given.directory / f"{name}.npz") for name in ("X.trn", "Y.trn", "X.tst"))
    Y = Y.tocsc()
    options = {"beam_size": BEAM, "only_topk": SCORED, "threads": given.threads}
    start = process_time()
    model = train(X, Y, plain_chain(X, Y, given.threads), given.threads)
    once = process_time() - start
    plain = top_ids(model.predict(X_test, **options), K)
    start = process_time()
    chain, columns, labels = with_copies(model, X, Y)
    model = train(X, columns, chain, given.threads)
    again = process_time() - start
    scores = model.predict(X_test, **options)
    answers = {how: top_ids(merge(scores, labels, Y.shape[1], how), K) for how in ("mean", "max")}
    copies = labels.size / Y.shape[1]
    np.savez(given.out, plain=plain, **answers, seconds=[once, once + again], copies=copies)


if __name__ == "__main__":
    main()
