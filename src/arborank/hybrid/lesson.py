"""What the sources learn from."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.lazy import sp
from ..core.sparse import Csr, as_csr, select_rows, to_scipy

__all__ = ["Lesson", "Taught", "columns"]

_NAME = 2.0  # what the name of a label counts beside its instances


class Taught(NamedTuple):
    """Instances, and below them the names of labels as documents of these.

    Attributes
    ----------
    X : Csr of shape (n, n_features)
    Y, weights : Csr of shape (n, n_labels)
        The labels of the rows, and how much each of these counts.
    n_documents : int
    sample_weight : float32 array of shape (n,), optional
        How often the rows count.
    """

    X: Csr
    Y: Csr
    weights: Csr
    n_documents: int
    sample_weight: NDArray[np.float32] | None = None


class Lesson(NamedTuple):
    """Instances with their labels, and the names of labels.

    Attributes
    ----------
    X : Csr of shape (n, n_features)
    Y : Csr of shape (n, n_labels)
    label_features : Csr of shape (n_labels, n_features), optional
        The name of every label, or an empty row.
    relevance : Csr of shape (n, n_labels), optional
        How much the labels count, with the pattern of ``Y``.
    sample_weight : float32 array of shape (n,), optional
        How often the instances count.
    """

    X: Csr
    Y: Csr
    label_features: Csr | None = None
    relevance: Csr | None = None
    sample_weight: NDArray[np.float32] | None = None

    @property
    def n_rows(self) -> int:
        """Number of instances."""
        return int(self.X.shape[0])

    @property
    def label_counts(self) -> NDArray[np.int64]:
        """Instances of every label."""
        return np.bincount(self.Y.indices, minlength=self.Y.shape[1])

    @property
    def named(self) -> NDArray[np.bool_]:
        """Whether a label has a name."""
        if self.label_features is None:
            return np.zeros(self.Y.shape[1], np.bool_)
        return np.diff(self.label_features.indptr) > 0

    def take(self, rows: NDArray[np.bool_]) -> "Lesson":
        """Return the lesson of some of the instances."""
        some = [None if M is None else select_rows(M, rows) for M in (self.X, self.Y, self.relevance)]
        assert some[0] is not None
        assert some[1] is not None
        counts = None if self.sample_weight is None else self.sample_weight[rows]
        return Lesson(some[0], some[1], self.label_features, some[2], counts)

    def without(self, labels: NDArray[np.int64]) -> "Lesson":
        """Return the lesson in which no instance has these labels."""
        places = np.arange(self.Y.shape[1])
        places[labels] = -1
        relevance = None if self.relevance is None else columns(self.relevance, places)
        return self._replace(Y=columns(self.Y, places), relevance=relevance)

    def taught(self) -> Taught:
        """Put the names of labels that have one below the instances."""
        weights = self.Y if self.relevance is None else self.relevance
        names, own = self.label_features, np.flatnonzero(self.named)
        if names is None or not own.size:
            return Taught(self.X, self.Y, weights, 0, self.sample_weight)
        shape = own.size, self.Y.shape[1]
        marks = sp.csr_array((np.ones(own.size, np.float32), own, np.arange(own.size + 1)), shape)
        return Taught(
            _stacked(self.X, to_scipy(names)[own]),
            _stacked(self.Y, marks),
            _stacked(weights, marks * np.float32(_NAME)),
            own.size,
            None
            if self.sample_weight is None
            else np.append(self.sample_weight, np.ones(own.size, np.float32)),
        )


def columns(labels: Csr, places: NDArray[np.int64]) -> Csr:
    """Return the columns at these places, which ascend where they are not -1, for one that is empty."""
    new = np.full(labels.shape[1], -1)
    filled = np.flatnonzero(places >= 0)
    new[places[filled]] = filled
    kept = new[labels.indices] >= 0
    indptr = np.concatenate([[0], np.cumsum(kept)])[labels.indptr]
    return Csr(indptr, new[labels.indices[kept]].astype(np.int32), labels.data[kept], places.size)


def _stacked(above: Csr, below: "sp.csr_array") -> Csr:
    return as_csr(sp.vstack([to_scipy(above), below], format="csr"))
