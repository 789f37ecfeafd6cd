"""What the words of a context speak for: queries that hold them, and queries that followed others with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._native import ContextWords
from ..core.lazy import sp
from ..core.sparse import as_csr, to_scipy, without_zeros
from ..core.state import State
from ..features.base import rows_of
from ..hybrid.postings import Postings
from .contexts import Context
from .followers import n_queries_of
from .rows import ContextRows

__all__ = ["SharedWords"]


@dataclass(frozen=True, eq=False)
class SharedWords:
    """Words of queries and of the contexts that they followed, by word.

    Attributes
    ----------
    names : Postings
        Every query as the vectoriser of contexts sees it.
    followed : Postings
        The rows of the contexts that every query followed, added up.
    """

    names: Postings
    followed: Postings

    @classmethod
    def of(
        cls, rows: ContextRows, keys: Sequence[str], contexts: Sequence[Context], labels: NDArray[np.int64]
    ) -> Self:
        """Take the normal forms of queries, and pairs of contexts and ids of the queries that followed."""
        names = to_scipy(rows_of(rows.previous, list(keys)))
        return cls(Postings.of(names), Postings.of(_added_up(rows, contexts, labels, len(keys))))

    def __len__(self) -> int:
        return self.names.n_vectors

    @cached_property
    def native(self) -> ContextWords:
        """The same for native code."""
        return ContextWords(self.names.matrix, self.followed.matrix)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_state, (self.to_state(),)

    def selected(self, kept: NDArray[np.bool_]) -> Self:
        """Return the words of some queries."""
        places = np.flatnonzero(kept)
        return type(self)(self.names.take(places), self.followed.take(places))

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
        texts = to_scipy(rows_of(rows.previous, [keys[i] for i in fresh.tolist()]))
        named = sp.coo_array(
            (np.ones(fresh.size, np.float32), (fresh, np.arange(fresh.size))), (len(keys), fresh.size)
        )
        followed = _added_up(rows, contexts, labels, len(keys))
        every = np.ones(numbers.size, np.bool_)
        return type(self)(
            _extended(self.names, numbers, every, named.tocsr() @ texts),
            _extended(self.followed, numbers, stays, followed),
        )

    def to_state(self) -> State:
        """Return what is saved."""
        arrays = self.names.to_arrays("names") | self.followed.to_arrays("followed")
        return State({"n_queries": len(self)}, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Restore saved words.

        Raises
        ------
        ValueError
            If they do not fit each other.
        """
        n_queries = n_queries_of(state)
        words = cls(*(Postings.from_state(state, name, n_queries) for name in ("names", "followed")))
        if words.names.matrix.shape[0] != words.followed.matrix.shape[0]:
            raise ValueError("names and followed contexts have different numbers of words")
        return words


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
