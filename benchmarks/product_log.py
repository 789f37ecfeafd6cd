"""A synthetic product search log of any size: queries of about five words, and the products clicked for them.

Frequencies follow Zipf's law, as those of words and of clicks do. A product belongs to a category and has four words of
it and eight of its own, the latter out of a vocabulary that grows with the catalogue (Heaps' law). There are as many
queries as products. A query is about one product, each in turn, so that all have a click: it takes two to nine of the
product's words and, every other time, a word of nobody's; and it leads, beside that product, to one more of the same
category on average, popular ones more often. Test queries are about products drawn by popularity.
"""

from collections.abc import Iterator
from pathlib import Path

import data
import numpy as np
from scipy.sparse import csr_matrix, vstack

SEED = 0
TEST = 10_000
PER_CATEGORY, OF_CATEGORY, CATEGORY_WORDS, OWN_WORDS = 50, 4, 16, 8
STEP = 500_000  # queries made at a time


def zipf(rng: np.random.Generator, n: int, size: tuple[int, ...], exponent: float = 0.8) -> np.ndarray:
    """Numbers below n with probability proportional to (number + 1) ** -exponent."""
    return np.minimum((n * rng.random(size) ** (1 / (1 - exponent))).astype(np.int64), n - 1)


def vocabulary(n_labels: int) -> int:
    """Number of distinct words: 200,000 for a million products."""
    return round(200 * n_labels**0.5)


class Catalogue:
    """The products: which category each has, and which words."""

    def __init__(self, n_labels: int):
        rng = np.random.default_rng(SEED)
        self.n_labels, self.n_words = n_labels, vocabulary(n_labels)
        self.n_categories = max(n_labels // PER_CATEGORY, 1)
        self.category = zipf(rng, self.n_categories, (n_labels,), 0.5).astype(np.int32)
        self.members = np.argsort(self.category, kind="stable").astype(np.int32)  # the popular ones first
        self.bounds = np.searchsorted(self.category[self.members], np.arange(self.n_categories + 1))
        of_category = zipf(rng, self.n_words, (self.n_categories, CATEGORY_WORDS), 0.6).astype(np.int32)
        taken = rng.integers(CATEGORY_WORDS, size=(n_labels, OF_CATEGORY), dtype=np.int32)
        shared = of_category[self.category[:, None], taken]
        own = np.concatenate(
            [
                zipf(rng, self.n_words, (len(part), OWN_WORDS), 0.8).astype(np.int32)
                for part in np.array_split(shared, max(n_labels // STEP, 1))
            ]
        )
        self.words = np.concatenate([shared, own], axis=1)

    def queries(self, about: np.ndarray, rng: np.random.Generator) -> tuple[csr_matrix, csr_matrix]:
        """Counts of words, and clicked products, of queries about the given products."""
        n = len(about)
        width = self.words.shape[1]
        drawn = rng.integers(width, size=(n, 9), dtype=np.int8)
        words = np.concatenate([self.words[about[:, None], drawn], zipf(rng, self.n_words, (n, 1))], axis=1)
        kept = np.concatenate(
            [np.arange(9) < 2 + rng.binomial(7, 0.5, (n, 1)), rng.random((n, 1)) < 0.5], axis=1
        )
        counts = ragged(words, kept, self.n_words)
        begin = self.bounds[self.category[about]]
        size = self.bounds[self.category[about] + 1] - begin
        other = self.members[begin[:, None] + (size[:, None] * rng.random((n, 3)) ** 3).astype(np.int64)]
        clicked = np.concatenate([about[:, None], other], axis=1)
        kept = np.concatenate([np.ones((n, 1), bool), np.arange(3) < rng.binomial(3, 1 / 3, (n, 1))], axis=1)
        labels = ragged(clicked, kept, self.n_labels)
        labels.data[:] = 1
        return counts, labels

    def parts(self, part: str) -> Iterator[tuple[csr_matrix, csr_matrix]]:
        """The training or test queries, piece by piece."""
        rng = np.random.default_rng([SEED, part == "tst"])
        if part == "tst":
            yield self.queries(zipf(rng, self.n_labels, (TEST,), 0.5), rng)
        else:
            order = rng.permutation(self.n_labels)
            for begin in range(0, self.n_labels, STEP):
                yield self.queries(order[begin : begin + STEP], rng)


def ragged(columns: np.ndarray, kept: np.ndarray, width: int) -> csr_matrix:
    """Matrix with a one, added up, at every kept column of a row."""
    indptr = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    indices = columns[kept].astype(np.int32)
    matrix = csr_matrix((np.ones(len(indices), np.float32), indices, indptr), shape=(len(columns), width))
    matrix.sum_duplicates()
    return matrix


def make(n_labels: int, cache: Path) -> Path:
    """Write the four matrices, TF-IDF rows of unit length, unless they are there; their directory."""
    directory = (cache / f"products-{n_labels}").resolve()
    if data.cached(directory):
        return directory
    catalogue = Catalogue(n_labels)
    parts = (
        tuple(vstack(pieces, format="csr") for pieces in zip(*catalogue.parts(part), strict=True))
        for part in ("trn", "tst")
    )
    write_parts(directory, *parts)
    return directory


def write_parts(
    directory: Path, train: tuple[csr_matrix, csr_matrix], test: tuple[csr_matrix, csr_matrix]
) -> None:
    """Write counts of words as TF-IDF rows of unit length, and labels, of both parts."""
    directory.mkdir(parents=True, exist_ok=True)
    n, width = train[0].shape
    weights = np.log(n / (1 + np.bincount(train[0].indices, minlength=width))).astype(np.float32)
    for part, (X, Y) in (("trn", train), ("tst", test)):
        X.data *= weights[X.indices]
        norms = np.sqrt(np.add.reduceat(X.data**2, X.indptr[:-1]))
        X.data /= np.repeat(norms, np.diff(X.indptr))
        data.write(X, directory / f"X.{part}.npz")
        data.write(Y, directory / f"Y.{part}.npz")
