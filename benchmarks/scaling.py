"""Growth with the number of labels: synthetic sets of 10,000 to 1,000,000 labels, trained and ranked with.

There are as many instances as labels, three labels each: one in turn, so that every label has an instance,
and two drawn from Zipf's law. A label has twenty words of its own out of a vocabulary that is Zipfian too; an
instance takes half the words of each of its labels and some of nobody's.
"""

import argparse

import child
import data
import numpy as np
from measurements import Measurements
from scipy.sparse import csr_matrix

import linear

SEED = 0
LABELS = (10_000, 30_000, 100_000, 300_000, 1_000_000)
TEST = 5_000
WORDS_OF_LABEL, WORDS_TAKEN, NOISE, PER_INSTANCE = 20, 10, 10, 3
VOCABULARY = 200_000


def zipf(rng: np.random.Generator, n: int, size: tuple[int, ...], exponent: float = 0.8) -> np.ndarray:
    """Numbers below n with probability proportional to (number + 1) ** -exponent."""
    return np.minimum((n * rng.random(size) ** (1 / (1 - exponent))).astype(np.int64), n - 1)


def rows(columns: np.ndarray, width: int) -> csr_matrix:
    """Matrix with a one, added up, at every column named in a row."""
    indptr = np.arange(len(columns) + 1) * columns.shape[1]
    ones = np.ones(columns.size, np.float32)
    matrix = csr_matrix((ones, columns.ravel().astype(np.int32), indptr), shape=(len(columns), width))
    matrix.sum_duplicates()
    return matrix


def synthetic(n_labels: int, directory) -> None:
    """Write the four matrices of a set, unless they are there."""
    if all((directory / f"{matrix}.npz").exists() for matrix in data.MATRICES):
        return
    directory.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    own = zipf(rng, VOCABULARY, (n_labels, WORDS_OF_LABEL))
    for part, n in (("trn", n_labels), ("tst", TEST)):
        labels = zipf(rng, n_labels, (n, PER_INSTANCE))
        labels[:, 0] = rng.permutation(n_labels)[:n]  # every label has an instance
        taken = rng.integers(WORDS_OF_LABEL, size=(n, PER_INSTANCE, WORDS_TAKEN))
        words = own[labels[:, :, None], taken].reshape(n, -1)
        X = rows(np.concatenate([words, zipf(rng, VOCABULARY, (n, NOISE))], axis=1), VOCABULARY)
        X.data = 1 + np.log(X.data)
        X = X.multiply(1 / np.sqrt(X.multiply(X).sum(axis=1))).tocsr().astype(np.float32)
        Y = rows(labels, n_labels)
        Y.data[:] = 1
        data.write(X, directory / f"X.{part}.npz")
        data.write(Y, directory / f"Y.{part}.npz")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data.add_arguments(parser)
    child.add_arguments(parser)
    parser.add_argument("--labels", nargs="+", type=int, default=LABELS)
    parser.add_argument("--sides", nargs="+", default=["arborank", "libpecos"])
    parser.add_argument("--threads", nargs="+", type=int, default=[2])
    given = parser.parse_args()
    given.repeats, given.rounds, given.singles = 1, 2, 1000
    given.patience = 60
    found = Measurements(given.cache)
    for n_labels in given.labels:
        name = f"synthetic-{n_labels}"
        synthetic(n_labels, given.cache / name)
        for threads in given.threads:
            linear.train(given, found, name, threads)
            linear.rank(given, found, name, threads)


if __name__ == "__main__":
    main()
