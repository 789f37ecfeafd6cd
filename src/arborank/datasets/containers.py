"""What the readers return."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..core.lazy import sp
from ..core.sequences import as_column

__all__ = ["MatrixData", "TextData", "TextRow"]


Rows: TypeAlias = slice | NDArray[np.int64] | NDArray[np.bool_]


class TextRow(NamedTuple):
    """One instance: its text, the names of its labels; their relevance, its id and weight where the file gives them."""

    text: str
    labels: list[str]
    relevance: list[float] | None = None
    id: str | None = None
    weight: float | None = None


@dataclass(frozen=True)
class TextData:
    """Texts with label names.

    Attributes
    ----------
    texts : list of str
    labels : list of list of str
        Label names of every text; a list may be empty.
    relevance : list of list of float, optional
        One number for every label.
    ids : list of str, optional
        What the file calls each text.
    sample_weight : list of float, optional
        How often each text counts.

    Raises
    ------
    TypeError
        If one is not a list (a Series or another column of a data frame becomes one).
    ValueError
        If the lists do not fit each other.
    """

    texts: list[str]
    labels: list[list[str]]
    relevance: list[list[float]] | None = None
    ids: list[str] | None = None
    sample_weight: list[float] | None = None

    def __post_init__(self) -> None:
        for name, wanted in (("texts", "a list of str"), ("labels", "a list of label-name lists")):
            column = as_column(getattr(self, name), name, wanted)
            object.__setattr__(self, name, column if isinstance(column, list) else list(column))
        if len(self.texts) != len(self.labels):
            raise ValueError(f"{len(self.texts)} texts, but {len(self.labels)} lists of labels")
        if self.relevance is not None and [len(r) for r in self.relevance] != [len(y) for y in self.labels]:
            raise ValueError("relevance must hold one number for every label")
        if self.ids is not None and len(self.ids) != len(self.texts):
            raise ValueError(f"{len(self.texts)} texts, but {len(self.ids)} ids")
        if self.sample_weight is not None and len(self.sample_weight) != len(self.texts):
            raise ValueError(f"{len(self.texts)} texts, but {len(self.sample_weight)} weights")

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def has_labels(self) -> bool:
        """Whether some text has a label."""
        return any(self.labels)

    def take(self, rows: Rows) -> Self:
        """Return some of the rows, in the order given; ``rows`` is a slice, positions or a mask."""
        chosen = np.arange(len(self))[rows].tolist()
        relevance = None if self.relevance is None else [self.relevance[row] for row in chosen]
        ids = None if self.ids is None else [self.ids[row] for row in chosen]
        texts, labels = [self.texts[row] for row in chosen], [self.labels[row] for row in chosen]
        weights = None if self.sample_weight is None else [self.sample_weight[row] for row in chosen]
        return type(self)(texts, labels, relevance, ids, weights)

    def columns(self) -> dict[str, list[object]]:
        """Return what there is by the names of `Layout`: any library of data frames makes a frame of it.

        Examples
        --------
        >>> import pandas
        >>> from arborank.datasets import TextData
        >>> pandas.DataFrame(TextData(["a b"], [["x", "y"]]).columns())
          text  labels
        0  a b  [x, y]
        """
        found: dict[str, Sequence[object] | None] = {
            "id": self.ids,
            "text": self.texts,
            "labels": self.labels,
            "relevance": self.relevance,
            "weight": self.sample_weight,
        }
        return {name: list(column) for name, column in found.items() if column is not None}

    @classmethod
    def from_rows(cls, rows: Iterable[TextRow], source: object = None) -> Self:
        """Collect rows, with ids if all have one.

        Raises ``ValueError``, naming their source, if of those with labels only some have a relevance.
        """
        texts: list[str] = []
        labels: list[list[str]] = []
        relevance: list[list[float]] = []
        ids: list[str] = []
        weights: list[float] = []
        n_weighed = 0
        for row in rows:
            texts.append(row.text)
            labels.append(row.labels)
            if row.relevance is not None or not row.labels:
                relevance.append(row.relevance or [])
                n_weighed += row.relevance is not None
            if row.id is not None:
                ids.append(row.id)
            if row.weight is not None:
                weights.append(row.weight)
        if n_weighed and len(relevance) < len(texts):
            place = "" if source is None else f"{source}: "
            without = f"{len(texts) - len(relevance)} of {len(texts)} rows"
            raise ValueError(f"{place}{without} have no relevance, but others have one")
        every = bool(texts) and len(ids) == len(texts)
        weighed = bool(texts) and len(weights) == len(texts)
        return cls(
            texts,
            labels,
            relevance if n_weighed else None,
            ids if every else None,
            weights if weighed else None,
        )


@dataclass(frozen=True)
class MatrixData:
    """One split of a data set as matrices, with what its layout offers beside.

    Attributes
    ----------
    Y : float32 csr_array of shape (n_instances, n_labels)
        Labels, by relevance or as ones.
    X : float32 csr_array of shape (n_instances, n_features), optional
        Features.
    texts : list of str, optional
        Raw text of every instance.
    label_texts : list of str, optional
        Text of every label.
    filter_pairs : int64 array of shape (n_pairs, 2), optional
        (instance, label) pairs not to be scored: pass them to `arborank.metrics.evaluate`.

    Raises
    ------
    ValueError
        If the parts do not fit each other.
    """

    Y: "sp.csr_array"
    X: "sp.csr_array | None" = None
    texts: list[str] | None = None
    label_texts: list[str] | None = None
    filter_pairs: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        n_instances, n_labels = self.Y.shape
        if self.X is not None and self.X.shape[0] != n_instances:
            raise ValueError(f"X has {self.X.shape[0]} rows, but Y has {n_instances}")
        if self.texts is not None and len(self.texts) != n_instances:
            raise ValueError(f"{len(self.texts)} texts, but Y has {n_instances} rows")
        if self.label_texts is not None and len(self.label_texts) != n_labels:
            raise ValueError(f"{len(self.label_texts)} label texts, but Y has {n_labels} labels")
        pairs = self.filter_pairs
        if pairs is not None and len(pairs):
            wrong = ((pairs < 0) | (pairs >= np.asarray(self.Y.shape))).any(axis=1)
            if wrong.any():
                raise ValueError(
                    f"filter pair {pairs[wrong][0].tolist()} is outside the shape {self.Y.shape} of Y"
                )

    def __len__(self) -> int:
        return int(self.Y.shape[0])

    @property
    def has_labels(self) -> bool:
        """Whether some instance has a label."""
        return bool(self.Y.nnz)

    def take(self, rows: Rows) -> Self:
        """Return some of the rows, in the order given; ``rows`` is a slice, different positions or a mask."""
        chosen = np.arange(len(self))[rows]
        texts = None if self.texts is None else [self.texts[row] for row in chosen.tolist()]
        pairs = self.filter_pairs
        if pairs is not None:
            place = np.full(len(self), -1)
            place[chosen] = np.arange(chosen.size)
            pairs = np.column_stack([place[pairs[:, 0]], pairs[:, 1]])
            pairs = pairs[pairs[:, 0] >= 0]
        X = None if self.X is None else self.X[rows]
        return type(self)(self.Y[rows], X, texts, self.label_texts, pairs)
