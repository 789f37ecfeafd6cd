"""Contexts that are rows of features of one's own: a text stands for each, from which the row is read again."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Self

import numpy as np

from ..core.checks import check_integer
from ..core.lazy import sp
from ..core.sparse import as_csr
from ..core.state import State
from ..core.types import MatrixLike

__all__ = ["OwnRows", "is_row", "row_texts"]

_ROW = re.compile(r"\[(\d+) features\]((?: \d+:[-+.e\d]+)*)")


def row_texts(rows: MatrixLike, name: str) -> list[str]:
    """Return a text in normal form for each row of a sparse matrix; equal rows have the same.

    Raises
    ------
    TypeError, ValueError
        If it is no matrix of finite numbers.
    """
    matrix = as_csr(rows, name)
    n_features = matrix.shape[1]
    entries = [
        f" {column}:{value:.9g}"
        for column, value in zip(matrix.indices.tolist(), matrix.data.tolist(), strict=True)
    ]
    return [
        f"[{n_features} features]{''.join(entries[first:end])}"
        for first, end in pairwise(matrix.indptr.tolist())
    ]


def is_row(text: str) -> bool:
    """Whether a text stands for a row."""
    return text.startswith("[") and _ROW.fullmatch(text) is not None


class OwnRows:
    """What reads the rows again, in the place of a vectoriser.

    Parameters
    ----------
    n_features : int
    """

    def __init__(self, n_features: int) -> None:
        self.n_features = n_features

    @classmethod
    def of(cls, texts: Sequence[str]) -> "OwnRows | None":
        """Return what reads some texts, or None if they do not all stand for rows."""
        if not texts or not all(map(is_row, texts)):
            return None
        return cls(int(texts[0][1:].split(" ", 1)[0]))

    def fit(self, texts: Iterable[str]) -> Self:
        """Learn nothing."""
        return self

    def fit_transform(self, texts: Iterable[str]) -> "sp.csr_array":
        """Return the rows of texts."""
        return self.transform(texts)

    def transform(self, texts: Iterable[str]) -> "sp.csr_array":
        """Return the rows of texts; what stands for none has none.

        Raises
        ------
        ValueError
            If a row has another number of features.
        """
        indptr, indices, data = [0], [], []
        for text in texts:
            if (found := _ROW.fullmatch(text)) is not None:
                if int(found[1]) != self.n_features:
                    raise ValueError(
                        f"previous has a row of {found[1]} features; {self.n_features} were learned from"
                    )
                for entry in found[2].split():
                    column, value = entry.split(":")
                    if int(column) >= self.n_features:
                        raise ValueError(
                            f"previous has a row of {self.n_features} features with one numbered {column}"
                        )
                    indices.append(int(column))
                    data.append(float(value))
            indptr.append(len(indices))
        arrays = np.array(data, np.float32), np.array(indices, np.int32), np.array(indptr, np.int64)
        return sp.csr_array(arrays, shape=(len(indptr) - 1, self.n_features))

    def to_state(self) -> State:
        """Return what is saved."""
        return State({"n_features": self.n_features}, {})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Restore what was saved.

        Raises
        ------
        TypeError, ValueError
            If the number of features is none.
        """
        return cls(check_integer("n_features", state.config["n_features"], 1))
