"""Feature rows: what came before, beside what is being typed."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .._native import mix_rows
from ..core.checks import check_integer, check_real
from ..core.remembered import Remembered
from ..core.sparse import Csr
from ..core.state import State
from ..features.base import TextTransformer, TextVectorizer, rows_of
from .contexts import Context
from .own_rows import OwnRows

__all__ = ["ContextRows"]

_NOTHING = [""]  # a text without a term
_REMEMBERED = 1024  # contexts, and prefixes, whose rows are kept for the next keystroke
_LEAST = 1e-15  # weight of a query, however old: its square is still a number in single precision


class ContextRows:
    """Two fitted vectorisers side by side.

    A row holds the previous queries, the last one with weight 1, the ones before with ``decay``, ``decay ** 2`` and so
    on, scaled to unit length; behind it the prefix, times ``prefix_weight``.

    Parameters
    ----------
    previous, prefix : fitted vectorisers
    n_previous : int
        How many previous queries count; whoever asks gives no more.
    decay, prefix_weight : float

    Attributes
    ----------
    n_before, n_features : int
        Columns of the previous queries, and of all.
    """

    def __init__(
        self,
        previous: TextTransformer,
        prefix: TextTransformer,
        *,
        n_previous: int,
        decay: float,
        prefix_weight: float,
    ) -> None:
        self.previous = previous
        self.prefix = prefix
        self.n_previous = n_previous
        self.decay = decay
        self.prefix_weight = prefix_weight
        self.n_before = rows_of(previous, [""]).shape[1]
        self.n_features = self.n_before + rows_of(prefix, [""]).shape[1]
        # what is known before each of the last contexts
        self._asked: Remembered[Context, tuple[_Before, Csr]] = Remembered(_REMEMBERED)
        self._typed: Remembered[str, Csr] = Remembered(_REMEMBERED)

    def many(self, previous: Sequence[Context], prefixes: Sequence[str]) -> tuple[Csr, NDArray[np.bool_]]:
        """Return one row per prefix, and whether anything is known of what came before.

        Parameters
        ----------
        previous : sequence of sequences of str
            The previous queries, oldest first, of each prefix.
        prefixes : sequence of str
        """
        before = _Before.of(previous, self.decay)
        typed = rows_of(self.prefix, prefixes)
        rows = self._mixed(before, rows_of(self.previous, before.texts or _NOTHING), typed)
        return rows, np.diff(rows.indptr) > np.diff(typed.indptr)

    def one(self, previous: Context, prefix: str) -> Csr | None:
        """Return the row of a single keystroke, as `many` does; None where nothing is known before."""
        if not previous:
            return None
        if (kept := self._asked.get(previous)) is None:
            before = _Before.of([previous], self.decay)
            kept = self._asked[previous] = before, rows_of(self.previous, before.texts)
        before, known = kept
        if known.nnz == 0:
            return None
        if (typed := self._typed.get(prefix)) is None:
            typed = self._typed[prefix] = rows_of(self.prefix, [prefix])
        row = self._mixed(before, known, typed)
        return row if row.nnz > typed.nnz else None

    def _mixed(self, before: "_Before", known: Csr, typed: Csr) -> Csr:
        """Return whole rows, of features of what came before and of the prefixes."""
        return Csr(*mix_rows(*before[:3], known, typed, self.prefix_weight), self.n_features)

    def __repr__(self) -> str:
        config = ", ".join(f"{name}={value:g}" for name, value in self._config.items())
        return f"ContextRows({config}) of {self.n_features} features"

    def __reduce__(self) -> tuple[Any, ...]:  # without what was asked
        return partial(ContextRows, **self._config), (self.previous, self.prefix)

    @property
    def _config(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("n_previous", "decay", "prefix_weight")}

    def to_state(self) -> State:
        """Return what is saved."""
        return State(self._config, {}, {"previous": self.previous, "prefix": self.prefix})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Restore saved vectorisers."""
        previous: Any = state.parts["previous"]
        if not isinstance(previous, OwnRows):
            previous = state.part("previous", TextVectorizer)  # type: ignore[type-abstract]
        prefix: Any = state.part("prefix", TextVectorizer)  # type: ignore[type-abstract]
        n_previous = check_integer("n_previous", state.config["n_previous"], 1)
        decay = check_real("decay", state.config["decay"], above=0, most=1)
        prefix_weight = check_real("prefix_weight", state.config["prefix_weight"], above=0)
        return cls(previous, prefix, n_previous=n_previous, decay=decay, prefix_weight=prefix_weight)


class _Before(NamedTuple):
    """The previous queries of some rows: where those of each begin, which texts they are, and how much they count."""

    starts: list[int]
    sources: list[int]
    weights: list[float]
    texts: list[str]

    @classmethod
    def of(cls, previous: Sequence[Context], decay: float) -> Self:
        numbers: dict[str, int] = {}
        starts, sources, weights = [0], [], []
        for context in previous:
            for age, text in enumerate(reversed(context)):
                sources.append(numbers.setdefault(text, len(numbers)))
                weights.append(max(decay**age, _LEAST))
            starts.append(len(sources))
        return cls(starts, sources, weights, list(numbers))
