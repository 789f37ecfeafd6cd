"""Feature rows: what came before, beside what is being typed."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..core.checks import check_real
from ..core.sparse import Csr, as_csr, multiply, to_scipy
from ..core.state import State
from ..features.base import TextTransformer, TextVectorizer, rows_of
from .contexts import Context

__all__ = ["ContextRows"]

_LEAST = 1e-15  # weight of a query, however old: its square is still a number in single precision


class ContextRows:
    """Two fitted vectorisers side by side.

    A row holds the previous queries, the last one with weight 1, the ones before with ``decay``, ``decay ** 2`` and so
    on, scaled to unit length; behind it the prefix, times ``prefix_weight``.

    Parameters
    ----------
    previous, prefix : fitted vectorisers
    decay, prefix_weight : float

    Attributes
    ----------
    n_before, n_features : int
        Columns of the previous queries, and of all.
    """

    def __init__(
        self, previous: TextTransformer, prefix: TextTransformer, *, decay: float, prefix_weight: float
    ) -> None:
        self.previous = previous
        self.prefix = prefix
        self.decay = decay
        self.prefix_weight = prefix_weight
        self.n_before = rows_of(previous, [""]).shape[1]
        self.n_features = self.n_before + rows_of(prefix, [""]).shape[1]

    def many(
        self, previous: Sequence[Context], prefixes: Sequence[str], *, n_threads: int = 0
    ) -> tuple[Csr, NDArray[np.bool_]]:
        """Return one row a prefix, and whether anything is known of what came before.

        Parameters
        ----------
        previous : sequence of sequences of str
            The previous queries, oldest first, of each prefix.
        prefixes : sequence of str
        n_threads : int, default 0
            0 for all cores.
        """
        numbers: dict[str, int] = {}
        indptr, columns, weights = [0], [], []
        for texts in previous:
            for age, text in enumerate(reversed(texts)):
                columns.append(numbers.setdefault(text, len(numbers)))
                weights.append(max(self.decay**age, _LEAST))
            indptr.append(len(columns))
        shape = (len(previous), max(len(numbers), 1))
        mixture = sp.csr_array((np.array(weights, np.float32), np.array(columns, np.int32), indptr), shape)
        encoded = rows_of(self.previous, list(numbers) or [""])
        before = multiply(as_csr(mixture, "previous"), encoded, normalize=True, n_threads=n_threads)
        typed = rows_of(self.prefix, prefixes)
        weighed = Csr(
            typed.indptr, typed.indices, typed.data * np.float32(self.prefix_weight), typed.shape[1]
        )
        rows = sp.hstack([to_scipy(before), to_scipy(weighed)], format="csr")
        return as_csr(rows, "rows"), np.diff(before.indptr) > 0

    def one(self, previous: Context, prefix: str) -> Csr | None:
        """Return the row of a single keystroke, as `many` does, sooner; None where nothing is known before."""
        if not previous:
            return None
        before = rows_of(self.previous, previous)
        if before.nnz == 0:
            return None
        columns, values = before.indices, before.data
        if len(previous) > 1:
            ages = np.arange(len(previous))[::-1]
            weights = np.repeat(np.maximum(self.decay**ages, _LEAST), np.diff(before.indptr))
            columns, places = np.unique(columns, return_inverse=True)
            values = np.bincount(places, weights=values * weights).astype(np.float32)
        typed = rows_of(self.prefix, [prefix])
        indices = np.concatenate([columns, typed.indices + np.int32(self.n_before)])
        length = np.sqrt(values @ values)
        data = np.concatenate([values / length, typed.data * np.float32(self.prefix_weight)])
        return Csr(np.array([0, indices.size]), indices, data, self.n_features)

    def __repr__(self) -> str:
        return f"ContextRows(decay={self.decay:g}, prefix_weight={self.prefix_weight:g}) of {self.n_features} features"

    def to_state(self) -> State:
        """Return what is saved."""
        config = {"decay": self.decay, "prefix_weight": self.prefix_weight}
        return State(config, {}, {"previous": self.previous, "prefix": self.prefix})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Restore saved vectorisers."""
        previous: Any = state.part("previous", TextVectorizer)  # type: ignore[type-abstract]
        prefix: Any = state.part("prefix", TextVectorizer)  # type: ignore[type-abstract]
        decay = check_real("decay", state.config["decay"], above=0, most=1)
        prefix_weight = check_real("prefix_weight", state.config["prefix_weight"], above=0)
        return cls(previous, prefix, decay=decay, prefix_weight=prefix_weight)
