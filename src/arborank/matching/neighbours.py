"""Matching by nearest neighbours: the clusters, or labels, of the training instances most like this one.

`NeighbourMatcher` is a matcher of its own; `mix_top` joins its answer to that of a trained encoder or matcher, as PEFA
does (Chang et al., "PEFA: Parameter-Free Adapters for Large-scale Embedding-based Retrieval Models", WSDM 2024).
"""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer, check_real
from ..core.estimator import check_fitted
from ..core.lazy import sp
from ..core.sparse import as_csr, multiply, normalize_rows, to_scipy, transpose, unit_rows
from ..core.topk import best_columns, no_answers
from ..core.types import Matrix, TopK

__all__ = ["NeighbourIndex", "NeighbourMatcher", "mix_top"]

Encode = Callable[["sp.csr_array"], NDArray[np.float32]]

_COMPARED = 1 << 25  # similarities held at a time, at most one query's if they are more


class NeighbourIndex:
    """Finds the stored rows with the largest cosine similarity to a query.

    Parameters
    ----------
    rows : csr_array or float32 array of shape (n, d)
        Made unit length here; rows of zeros are similar to nothing.
    approximate : bool, default False
        Search a graph (HNSW) instead of comparing with every row; needs dense rows and the package ``usearch``
        (``pip install 'arborank[neighbours]'``).

    Raises
    ------
    ImportError
        If ``approximate`` and ``usearch`` is not installed.
    TypeError, ValueError
        If rows are not a finite matrix, or sparse and to be searched approximately.
    """

    def __init__(self, rows: Matrix, *, approximate: bool = False) -> None:
        self._sparse = sp.issparse(rows)
        self._graph: Any = None
        self.shape = tuple(rows.shape)
        if self._sparse:
            if approximate:
                raise ValueError(
                    "rows are sparse; an approximate search needs dense vectors, such as an encoder gives"
                )
            self._columns = transpose(normalize_rows(as_csr(rows, "rows")))
        else:
            unit = _unit(rows, "rows")
            self._rows = unit
            if approximate:
                self._graph = _graph(unit)

    def search(self, queries: Matrix, k: int) -> TopK:
        """Return the k most similar stored rows of every query, best first, and their cosine similarities.

        Parameters
        ----------
        queries : csr_array or array of shape (m, d), sparse or dense like the stored rows
        k : int

        Returns
        -------
        ids : int64 array of shape (m, min(k, n))
        similarities : float32 array of the same shape
            Equal ones in ascending order of ids.
        """
        check_integer("k", k, 1)
        if queries.shape[1] != self.shape[1]:
            raise ValueError(f"queries have {queries.shape[1]} columns, but {self.shape[1]} were expected")
        if sp.issparse(queries) != self._sparse:
            raise TypeError("queries and stored rows must both be sparse, or both dense")
        k = min(k, self.shape[0])
        if self._graph is not None:
            return self._search_graph(_unit(queries, "queries"), k)
        ids = np.empty((queries.shape[0], k), np.int64)
        similarities = np.empty((queries.shape[0], k), np.float32)
        step = max(1, _COMPARED // max(self.shape[0], 1))
        for begin in range(0, queries.shape[0], step):
            part = slice(begin, begin + step)
            close = self._compare(queries[part])
            ids[part] = best_columns(close, k)
            similarities[part] = np.take_along_axis(close, ids[part], axis=1)
        return ids, similarities

    def _compare(self, queries: Any) -> NDArray[np.float32]:
        if self._sparse:
            unit = normalize_rows(as_csr(queries, "queries"))
            return np.asarray(to_scipy(multiply(unit, self._columns)).toarray())
        # one product a query: those of a batch would depend, in the last bits, on the other queries
        close = [self._rows @ row for row in _unit(queries, "queries")]
        return np.array(close, np.float32).reshape(queries.shape[0], self.shape[0])

    def _search_graph(self, queries: NDArray[np.float32], k: int) -> TopK:
        found = self._graph.search(queries, k, exact=False, threads=1)
        ids = np.atleast_2d(found.keys).astype(np.int64)
        similarities = 1 - np.atleast_2d(found.distances).astype(np.float32)
        order = np.lexsort((ids, -similarities), axis=1)
        return np.take_along_axis(ids, order, axis=1), np.take_along_axis(similarities, order, axis=1)


class NeighbourMatcher:
    """Clusters of the most similar training instances: an `arborank.stages.Matcher`.

    A cluster's score is the sum of its neighbours' weights, ``exp(sharpness * (similarity - 1))``, as a share of the
    sum over all neighbours: between 0 and 1.

    Parameters
    ----------
    n_neighbours : int, default 50
    sharpness : float, default 10.0
        How much faster than its similarity a neighbour's weight falls; 0 counts all alike.
    encode : callable, optional
        Gives dense vectors for a ``csr_array`` of instances, such as a trained encoder's embeddings; instances
        themselves are compared by default.
    approximate : bool, default False
        See `NeighbourIndex`; needs ``encode``.
    """

    def __init__(
        self,
        n_neighbours: int = 50,
        *,
        sharpness: float = 10.0,
        encode: Encode | None = None,
        approximate: bool = False,
    ) -> None:
        self.n_neighbours = check_integer("n_neighbours", n_neighbours, 1)
        self.sharpness = check_real("sharpness", sharpness, least=0.0)
        if encode is not None and not callable(encode):
            raise TypeError(f"encode must be callable, found {encode!r}")
        if approximate and encode is None:
            raise ValueError("approximate needs encode: instances are sparse")
        self.encode = encode
        self.approximate = approximate

    def fit(self, X: "sp.csr_array", C: "sp.csr_array", tree: object = None) -> Self:
        """Store the instances and their clusters; ``tree`` is not needed."""
        clusters = to_scipy(as_csr(C, "C", n_rows=X.shape[0])).copy()
        index = NeighbourIndex(self._vectors(X).copy(), approximate=self.approximate)
        self._clusters, self._index = clusters, index
        return self

    def match(self, X: "sp.csr_array", k: int) -> TopK:
        """Return the k best clusters of every instance and their scores."""
        check_integer("k", k, 1)
        check_fitted(self, "_index")
        ids, scores = no_answers(X.shape[0], k)
        if not X.shape[0]:
            return ids, scores
        near, similarity = self._index.search(self._vectors(X), self.n_neighbours)
        weight = np.where(similarity > 0, np.exp(self.sharpness * (similarity.astype(np.float64) - 1)), 0.0)
        weight /= np.maximum(weight.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        for row in range(X.shape[0]):
            share = weight[row] @ self._clusters[near[row]]
            best = best_columns(share[None], k)[0]
            best = best[share[best] > 0]
            ids[row, : best.size], scores[row, : best.size] = best, share[best]
        return ids, scores

    def _vectors(self, X: "sp.csr_array") -> Any:
        if self.encode is None:
            return X
        vectors = np.asarray(self.encode(X))
        if vectors.ndim != 2 or vectors.shape[0] != X.shape[0]:
            raise ValueError(
                f"encode returned an array of shape {vectors.shape}; one row for each of {X.shape[0]} was expected"
            )
        return vectors


def mix_top(first: TopK, second: TopK, weight: float = 0.5, *, k: int | None = None) -> TopK:
    """Mix two top lists: ``weight * first + (1 - weight) * second``, what a list lacks counting 0.

    With an encoder's scores and those of the training instances near the query this is PEFA-XL.

    Parameters
    ----------
    first, second : pairs (ids, scores) of 2-D arrays, padded with -1 and -inf
        Scores must be comparable: shares, or cosine similarities.
    weight : float, default 0.5
        Share of the first, from 0 to 1.
    k : int, optional
        Width of the answer; by default that of the wider list.

    Raises
    ------
    ValueError
        If the lists do not fit, or the weight is out of range.
    """
    check_real("weight", weight, least=0.0, most=1.0)
    (a, s), (b, t) = first, second
    if len(a) != len(b):
        raise ValueError(f"first has {len(a)} rows, but second has {len(b)}")
    width = max(a.shape[1], b.shape[1]) if k is None else check_integer("k", k, 1)
    ids, scores = no_answers(len(a), width)
    for row in range(len(a)):
        total: dict[int, float] = {}
        for share, found, score in ((weight, a[row], s[row]), (1 - weight, b[row], t[row])):
            for label, value in zip(found.tolist(), score.tolist(), strict=True):
                if label >= 0:
                    total[label] = total.get(label, 0.0) + share * value
        best = sorted(total.items(), key=lambda item: (-item[1], item[0]))[:width]
        for place, (label, value) in enumerate(best):
            ids[row, place], scores[row, place] = label, value
    return ids, scores


def _unit(rows: Any, name: str) -> NDArray[np.float32]:
    dense = np.asarray(rows)
    if dense.dtype.kind not in "biuf":
        raise TypeError(f"{name} have dtype {dense.dtype}; numbers were expected")
    dense = dense.astype(np.float32)
    if dense.ndim != 2:
        raise ValueError(f"{name} must be 2-dimensional, found {dense.ndim} dimension(s)")
    if not np.isfinite(dense).all():
        raise ValueError(f"{name} contain NaN or infinity")
    return unit_rows(dense)


def _graph(rows: NDArray[np.float32]) -> Any:
    try:
        from usearch.index import Index
    except ImportError:
        raise ImportError(
            "an approximate search needs the package usearch: pip install 'arborank[neighbours]'"
        ) from None
    graph = Index(ndim=rows.shape[1], metric="ip", dtype="f32")
    graph.add(np.arange(len(rows)), rows, threads=1)  # in order: the same graph every time
    return graph
