"""What the words of a context speak for: queries that hold such words, and queries that followed others with them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._native import ContextWords
from ..core.lazy import sp
from ..core.remembered import Remembered
from ..core.sparse import as_csr, to_scipy, without_zeros
from ..core.state import State
from ..features import NgramTfidf
from ..features.base import TextTransformer, TextVectorizer, rows_of
from ..hybrid.postings import Postings
from .contexts import Context
from .followers import n_queries_of
from .own_rows import is_row
from .rows import ContextRows

__all__ = ["SharedWords"]

_LONGER = re.compile(r"(\w{4})\w+")  # words that are cut to their beginnings, which endings leave alike
_REMEMBERED = 4096  # contexts whose beginnings are kept for the next keystroke


@dataclass(frozen=True, eq=False)
class SharedWords:
    """Words of queries, by their first four characters, and of the contexts that they followed.

    Attributes
    ----------
    beginnings : vectoriser
        Fitted on the queries, their words cut short.
    names : Postings
        By beginning, its share of every query: squares of its features, which add up to 1.
    followed : Postings
        By word, the rows of the contexts that every query followed, added up.
    """

    beginnings: TextTransformer
    names: Postings
    followed: Postings

    @classmethod
    def of(
        cls, rows: ContextRows, keys: Sequence[str], contexts: Sequence[Context], labels: NDArray[np.int64]
    ) -> Self:
        """Take the normal forms of queries, and pairs of contexts and ids of the queries that followed."""
        cut = _cut_short(keys)
        beginnings = NgramTfidf(tokens="word1", sublinear_tf=True, min_df=1)
        try:
            beginnings.fit(cut)
        except ValueError:  # there is no word
            beginnings.fit(["nothing"])
        names = Postings.of(_shares(beginnings, cut))
        return cls(beginnings, names, Postings.of(_added_up(rows, contexts, labels, len(keys))))

    def __len__(self) -> int:
        return self.names.n_vectors

    @cached_property
    def native(self) -> ContextWords:
        """The same for native code."""
        return ContextWords(self.names.matrix, self.followed.matrix)

    def begun(self, context: Context) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return which beginnings the words of a context have, and how much each tells."""
        if (known := self._rows.get(context)) is None:
            row = rows_of(
                self.beginnings, _cut_short([" ".join(text for text in context if not is_row(text))])
            )
            known = self._rows[context] = row.indices, row.data
        return known

    @cached_property
    def _rows(self) -> Remembered[Context, tuple[NDArray[np.int32], NDArray[np.float32]]]:
        return Remembered(_REMEMBERED)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_state, (self.to_state(),)

    def selected(self, kept: NDArray[np.bool_]) -> Self:
        """Return the words of some queries."""
        places = np.flatnonzero(kept)
        return type(self)(self.beginnings, self.names.take(places), self.followed.take(places))

    def merged(
        self,
        rows: ContextRows,
        keys: Sequence[str],
        numbers: NDArray[np.int64],
        stays: NDArray[np.bool_],
        contexts: Sequence[Context],
        labels: NDArray[np.int64],
    ) -> Self:
        """Add pairs of a newer log.

        Parameters
        ----------
        rows : ContextRows
        keys : sequence of str
            Normal forms of all queries, old and new.
        numbers : int64 array
            The new id of each query that is here.
        stays : bool array
            Of which of them the contexts are kept.
        contexts, labels
            As for `of`, by the new ids.
        """
        is_fresh = np.ones(len(keys), np.bool_)
        is_fresh[numbers] = False
        fresh = np.flatnonzero(is_fresh)
        texts = _shares(self.beginnings, _cut_short([keys[i] for i in fresh.tolist()]))
        named = sp.coo_array(
            (np.ones(fresh.size, np.float32), (fresh, np.arange(fresh.size))), (len(keys), fresh.size)
        )
        followed = _added_up(rows, contexts, labels, len(keys))
        every = np.ones(numbers.size, np.bool_)
        return type(self)(
            self.beginnings,
            _extended(self.names, numbers, every, named.tocsr() @ texts),
            _extended(self.followed, numbers, stays, followed),
        )

    def to_state(self) -> State:
        """Return what is saved."""
        arrays = self.names.to_arrays("names") | self.followed.to_arrays("followed")
        return State({"n_queries": len(self)}, arrays, {"beginnings": self.beginnings})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Restore saved words.

        Raises
        ------
        ValueError
            If they do not fit each other.
        """
        n_queries = n_queries_of(state)
        beginnings = state.part("beginnings", TextVectorizer)  # type: ignore[type-abstract]
        return cls(
            beginnings, *(Postings.from_state(state, name, n_queries) for name in ("names", "followed"))
        )


def _cut_short(texts: Sequence[str]) -> list[str]:
    return [_LONGER.sub(r"\1", text) for text in texts]


def _shares(beginnings: TextTransformer, cut: list[str]) -> "sp.csr_array":
    rows = to_scipy(rows_of(beginnings, cut))
    return sp.csr_array((rows.data**2, rows.indices, rows.indptr), shape=rows.shape)


def _extended(
    old: Postings, numbers: NDArray[np.int64], stays: NDArray[np.bool_], new: "sp.csr_array"
) -> Postings:
    """Renumber vectors in an ascending order, leave some out, and add to the vectors what is new."""
    matrix = to_scipy(old.matrix)
    kept = matrix.data * stays[matrix.indices]
    moved = sp.csr_array((kept, numbers[matrix.indices], matrix.indptr), shape=(new.shape[1], new.shape[0]))
    added = sp.csr_array(new.T)
    frequent = np.ones(new.shape[1], np.float32)
    frequent[old.common] = 0
    added.data *= np.repeat(frequent, np.diff(added.indptr))
    return Postings(without_zeros(as_csr(moved + added)), old.common)


def _added_up(
    rows: ContextRows, contexts: Sequence[Context], labels: NDArray[np.int64], n_queries: int
) -> "sp.csr_array":
    numbers: dict[Context, int] = {}
    places = np.array([numbers.setdefault(context, len(numbers)) for context in contexts], np.int64)
    X = to_scipy(rows.many(list(numbers), [""] * len(numbers))[0])[:, : rows.n_before]
    pairs = sp.coo_array((np.ones(labels.size, np.float32), (labels, places)), (n_queries, len(numbers)))
    return (pairs.tocsr() @ X).tocsr()
