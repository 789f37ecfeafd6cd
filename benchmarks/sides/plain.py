"""Baselines of a few lines: cosine to the centroid of each label, and votes of the training rows next to a query."""

from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, load_npz, save_npz
from sklearn.preprocessing import normalize

from arborank.metrics import ndcg_at_k

from .base import NAME, SEED, Linear, serve

ROWS = 100  # of a product at a time
COUNTS = (3, 5, 10, 20, 50, 100)  # neighbours
HELD = 1000  # training rows by which their number is chosen


def best(queries, columns, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns of the k highest entries of each row of a product, N x k and padded with -1, and these entries."""
    ids = np.full((queries.shape[0], k), -1)
    values = np.zeros((queries.shape[0], k), np.float32)
    for start in range(0, queries.shape[0], ROWS):
        scores = queries[start : start + ROWS] @ columns
        for row in range(scores.shape[0]):
            some = slice(*scores.indptr[row : row + 2])
            data = scores.data[some]
            first = np.argpartition(-data, k - 1)[:k] if len(data) > k else np.arange(len(data))
            first = first[np.argsort(-data[first], kind="stable")]
            ids[start + row, : len(first)] = scores.indices[some][first]
            values[start + row, : len(first)] = data[first]
    return ids, values


class Plain(Linear):
    package = "scipy"

    def save(self, model):
        Path(model).mkdir(parents=True, exist_ok=True)
        for i, matrix in enumerate(self.matrices):
            save_npz(f"{model}/{i}.npz", matrix, compressed=False)

    def open(self, model, threads):
        self.matrices = [load_npz(path) for path in sorted(Path(model).glob("?.npz"))]

    def ids(self, ranked):
        return ranked[0]


class Centroid(Plain):
    def fit(self, inputs, threads, model):
        X, Y = inputs
        self.matrices = [normalize(Y.T @ X).T.tocsr()]
        return {}

    def rank(self, queries):
        return best(queries, self.matrices[0], self.k)


class Neighbours(Plain):
    def fit(self, inputs, threads, model):
        X, Y = inputs
        order = np.random.default_rng(SEED).permutation(X.shape[0])
        held, rest = order[:HELD], order[HELD:]
        near = best(X[held], X[rest].T.tocsr(), max(COUNTS))
        found = [ndcg_at_k(Y[held], self.votes(near, count, Y[rest])[0], self.k) for count in COUNTS]
        count = csr_matrix([[COUNTS[int(np.argmax(found))]]])
        self.matrices = [X.T.tocsr(), Y, count]
        return {"neighbours": int(count.data[0])}

    def rank(self, queries):
        columns, Y, count = self.matrices
        return self.votes(best(queries, columns, count.data[0]), count.data[0], Y)

    def votes(self, near, count, Y):
        """Labels by the sum of their neighbours' similarities."""
        ids, values = (part[:, :count].ravel() for part in near)
        filled = ids >= 0
        rows = np.repeat(np.arange(len(near[0])), count)[filled]
        return best(csr_matrix((values[filled], (rows, ids[filled])), (len(near[0]), Y.shape[0])), Y, self.k)


if __name__ == "__main__":
    serve({"linear": {"centroid": Centroid, "neighbours": Neighbours}[NAME]})
