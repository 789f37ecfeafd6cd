"""What a label's instances have in common, to rank a short list again by the likeness of the query to it.

A ranker with few positives has seen little to tell its label by, and its scores are low. The mean of the positives, the
label's centroid, needs no training: the fewer the instances, the more of a label's final score is the centroid's. After
the tail classifiers of PfastreXML (Jain et al., KDD 2016) and XReg (Prabhu et al., WSDM 2020).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _native
from .._native import Csr, LabelFilter
from ..core.lazy import sp
from ..core.sparse import as_csr, multiply, normalize_rows, to_scipy
from ..core.state import State
from ..core.types import TopK
from ..indexing.representation import pii

__all__ = [
    "RERANK",
    "SHORT_LIST",
    "Centroids",
    "check_rerank",
    "join_scores",
    "largest_entries",
    "mean_instances",
]

RERANK = 0.0  # by default
SHORT_LIST = 50  # labels that are ranked again, at least
BYTES = 5  # of an entry
KEPT = 100  # entries of a centroid

_ENOUGH, _SHARPNESS = 0.2, 10.0
_HALF = 240.0  # instances of a label whose centroid counts half as much as that of a label without any
_WORK = 1 << 26  # products at a time


@dataclass(frozen=True, eq=False)
class Centroids:
    """The mean instance of every label: a sparse unit vector of its largest entries, in 8 bits each.

    Attributes
    ----------
    n_features : int
    indptr : int64 array of shape (n_labels + 1,)
    features : int32 array of shape (nnz,)
    values : int8 array of shape (nnz,)
        In ``units``.
    units : float32 array of shape (n_labels,)
    shares : float32 array of shape (n_labels,)
        How much of a label's score its centroid makes up, times the weight of all centroids; 0 for a label without one.
    """

    n_features: int
    indptr: NDArray[np.int64]
    features: NDArray[np.int32]
    values: NDArray[np.int8]
    units: NDArray[np.float32]
    shares: NDArray[np.float32]

    @classmethod
    def of_instances(cls, X: Csr, Y: Csr, *, n_threads: int = 0) -> Self:
        """Take the mean of every label's instances, ``X`` and ``Y`` of shapes (n, n_features) and (n, n_labels)."""
        counts = np.bincount(Y.indices, minlength=Y.shape[1])
        return cls.of_vectors(mean_instances(X, Y, n_threads, kept=KEPT), counts)

    @classmethod
    def of_vectors(cls, vectors: "sp.csr_array", counts: NDArray[np.int64]) -> Self:
        """Take vectors of labels with so many instances."""
        unit = to_scipy(normalize_rows(as_csr(largest_entries(vectors, KEPT))))
        lengths = np.diff(unit.indptr)
        most = np.zeros(unit.shape[0], np.float32)
        np.maximum.at(most, np.repeat(np.arange(unit.shape[0]), lengths), np.abs(unit.data))
        units = (most / 127).astype(np.float32)
        values = np.rint(unit.data / np.repeat(np.where(units > 0, units, 1), lengths)).astype(np.int8)
        shares = np.where(lengths > 0, _HALF / (_HALF + counts), 0).astype(np.float32)
        indptr, features = unit.indptr.astype(np.int64), unit.indices.astype(np.int32)
        return cls(unit.shape[1], indptr, features, values, units, shares)

    @property
    def n_labels(self) -> int:
        """Number of labels."""
        return self.units.size

    @cached_property
    def native(self) -> _native.Centroids:
        """The arrays as the kernel takes them.

        Raises
        ------
        ValueError
            If they do not fit one another.
        """
        return _native.Centroids(
            self.indptr, self.features, self.values, self.units, self.shares, self.n_features
        )

    def rerank(
        self,
        X: Csr,
        short: TopK,
        k: int,
        weight: float,
        *,
        logarithm: bool,
        label_filter: LabelFilter | None = None,
        label_weights: NDArray[np.float32] | None = None,
        n_threads: int = 1,
    ) -> TopK:
        """Rank short lists again.

        New scores are those of `join_scores`, with ``weight * shares[label]`` as a label's share.

        Parameters
        ----------
        X : Csr of shape (n_rows, n_features)
        short : pair of arrays (ids, scores) of shape (n_rows, n)
            Ids are below ``n_labels``, and -1 where there are fewer.
        k : int
            At most ``n``.
        weight : float
            From 0 to 1.
        logarithm : bool
            Whether scores are logarithms.
        label_filter, label_weights : optional
            Whose weights the scores have been multiplied by; the new ones are, too.
        n_threads : int, default 1
            0 for all cores. The result does not depend on it.

        Returns
        -------
        ids, scores : arrays of shape (n_rows, k)
        """
        return self.native.rerank(
            X,
            *short,
            k,
            weight=weight,
            enough=_ENOUGH,
            sharpness=_SHARPNESS,
            logarithm=logarithm,
            label_filter=label_filter,
            label_weights=label_weights,
            n_threads=n_threads,
        )

    def similarity(self, x: "sp.csr_array", label: int) -> "tuple[float, sp.csr_array]":
        """Return the cosine of a row and a label's centroid, and what every feature adds to it."""
        own = slice(self.indptr[label], self.indptr[label + 1])
        values = self.values[own].astype(np.float64) * float(self.units[label])
        centroid = sp.csr_array((values, self.features[own], [0, values.size]), shape=(1, self.n_features))
        added = to_scipy(normalize_rows(as_csr(x))).multiply(centroid).tocsr()
        return float(added.data.sum()), added

    def take(self, labels: ArrayLike, *others: Self) -> Self:
        """Return the centroids of some labels; -1 stands for none.

        Labels of ``others`` are numbered after these, so that a label's centroid can be replaced.
        """
        parts = [self, *others]
        rows = np.asarray(labels, np.int64)
        starts = np.concatenate([[0], np.cumsum([part.values.size for part in parts])])
        begin = np.concatenate([part.indptr[:-1] + at for part, at in zip(parts, starts, strict=False)])
        lengths = np.where(rows >= 0, np.concatenate([np.diff(part.indptr) for part in parts])[rows], 0)
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        places = np.repeat(begin[rows] - indptr[:-1], lengths) + np.arange(indptr[-1])
        shares = np.where(rows >= 0, _joined(parts, "shares")[rows], 0).astype(np.float32)
        features, values = (_joined(parts, name)[places] for name in ("features", "values"))
        return type(self)(self.n_features, indptr, features, values, _joined(parts, "units")[rows], shares)

    def joined(self, other: Self, counts: NDArray[np.int64], further: NDArray[np.int64]) -> Self:
        """Return the centroids of the instances of both; labels have so many here, and so many ``further`` ones."""
        labels = np.flatnonzero(further)
        old, new = (part._vectors()[labels] for part in (self, other))
        mixed = sp.diags_array(counts[labels].astype(np.float32)) @ old
        mixed = mixed + sp.diags_array(further[labels].astype(np.float32)) @ new
        places = np.arange(self.n_labels)
        places[labels] = self.n_labels + np.arange(labels.size)
        total = (counts + further)[labels]
        return self.take(places, type(self).of_vectors(sp.csr_array(mixed), total))

    def _vectors(self) -> "sp.csr_array":
        values = self.values * np.repeat(self.units, np.diff(self.indptr))
        return sp.csr_array((values, self.features, self.indptr), shape=(self.n_labels, self.n_features))

    def __getstate__(self) -> dict[str, Any]:  # without what is native
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def to_state(self) -> State:
        """Return what is saved."""
        arrays = self.__getstate__()
        return State({"n_features": arrays.pop("n_features")}, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put saved ones together again; arrays are used where they lie.

        Raises
        ------
        TypeError, ValueError
            If they do not fit one another.
        """
        dtypes: dict[str, type[np.generic]] = {"indptr": np.int64, "features": np.int32, "values": np.int8}
        dtypes |= {"units": np.float32, "shares": np.float32}
        arrays = {name: state.vector(name, dtype) for name, dtype in dtypes.items()}
        centroids = cls(state.config["n_features"], **arrays)
        centroids.native  # noqa: B018  is made now, which checks the arrays
        return centroids


def check_rerank(rerank: float, combine: str) -> None:
    """Raise ``ValueError`` if scores of this combination cannot be joined with those of centroids."""
    if rerank and combine == "noop":
        raise ValueError(
            f"rerank is {rerank}, but combine is 'noop', whose margins are no probabilities; use rerank=0"
        )


def join_scores(score: float, share: float, cosine: float, *, logarithm: bool = False) -> float:
    """Return a label's score joined with its centroid's: their weighted geometric mean.

    A centroid's score is 1 from a cosine of 0.2 on, and ``exp(10 * (cosine - 0.2))`` below.
    """
    likeness = _SHARPNESS * min(cosine - _ENOUGH, 0.0)
    if logarithm:
        return (1 - share) * score + share * likeness
    return float(score ** (1 - share) * np.exp(share * likeness))


def mean_instances(X: Csr, Y: Csr, n_threads: int = 0, *, kept: int = 300) -> "sp.csr_array":
    """Return the mean instance of every label, of unit length, with only its ``kept`` largest entries."""
    weights = pii(Y)
    lengths = np.diff(X.indptr)
    work = np.concatenate([[0], np.cumsum(lengths[weights.indices])])[weights.indptr]
    parts = [sp.csr_array((0, X.shape[1]), dtype=np.float32)]
    begin = 0
    while begin < weights.shape[0]:
        end = max(int(np.searchsorted(work, work[begin] + _WORK, side="right")) - 1, begin + 1)
        product = multiply(as_csr(weights[begin:end]), X, normalize=True, n_threads=n_threads)
        parts.append(largest_entries(to_scipy(product), kept))
        begin = end
    return to_scipy(normalize_rows(as_csr(sp.vstack(parts, format="csr"))))


def largest_entries(matrix: "sp.csr_array", n: int) -> "sp.csr_array":
    """Keep the ``n`` entries of largest magnitude of every row; of equal ones, those that come first."""
    lengths = np.diff(matrix.indptr)
    if lengths.max(initial=0) <= n:
        return matrix
    sizes, kept = np.abs(matrix.data), np.ones(matrix.nnz, np.bool_)
    for row in np.flatnonzero(lengths > n).tolist():  # faster than to sort all entries
        own = slice(matrix.indptr[row], matrix.indptr[row + 1])
        least = np.partition(sizes[own], -n)[-n]
        above, equal = sizes[own] > least, np.flatnonzero(sizes[own] == least)
        kept[own] = above
        kept[own.start + equal[: n - np.count_nonzero(above)]] = True
    indptr = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    return sp.csr_array((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)


def _joined(parts: Sequence[Centroids], name: str) -> NDArray[Any]:
    return np.concatenate([getattr(part, name) for part in parts])
