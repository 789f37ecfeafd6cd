"""How often every query was sent right after another one."""

from collections.abc import Container, Hashable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..core.lazy import sp
from ..core.remembered import Remembered
from ..core.state import State
from ..core.strings import StringTable, shown_first
from .contexts import Context
from .phrases import holds_phrase
from .threshold import Threshold

__all__ = ["Followers", "count_followers", "n_queries_of"]

_REMEMBERED = 4096  # contexts whose position is kept for the next keystroke


class Followers:
    """Counts of the queries that followed each context, a context being the last query before.

    Parameters
    ----------
    contexts : StringTable
        Normal forms, in code point order, without duplicates.
    indptr : int64 array of shape (n_contexts + 1,)
    labels : int32 array
        Ids of the queries that followed context ``i``, ascending, are ``labels[indptr[i]:indptr[i + 1]]``.
    times : int64 array
        How often each of them did, at least once.
    n_queries : int
    """

    def __init__(
        self,
        contexts: StringTable,
        indptr: NDArray[np.int64],
        labels: NDArray[np.int32],
        times: NDArray[np.int64],
        n_queries: int,
    ) -> None:
        self.contexts = contexts
        self.indptr = indptr
        self.labels = labels
        self.times = times
        self.n_queries = n_queries
        self._bounds = indptr.data  # a view from which an item comes without the overhead of NumPy's scalars
        self._places: Remembered[str, int] = Remembered(_REMEMBERED)  # of contexts that were asked for

    def __len__(self) -> int:
        return len(self.contexts)

    def __repr__(self) -> str:
        return shown_first("Followers", self.contexts[:3], len(self), "contexts")

    def find(self, context: str) -> int | None:
        """Return the position of a context's normal form, or None."""
        if (known := self._places.get(context)) is not None:
            return known
        place, end = self.contexts.starting(context.encode())
        if place == end or self.contexts[place] != context:
            return None
        self._places[context] = place
        return place

    def __contains__(self, context: object) -> bool:
        return isinstance(context, str) and self.find(context) is not None

    def after(self, previous: Context, decay: float) -> list[tuple[int, int, float]]:
        """Return where the counts of some contexts stand in ``labels`` and ``times``, and how much they count.

        Parameters
        ----------
        previous : tuple of str
            Normal forms of the previous queries, oldest first.
        decay : float
            Counts after the last known one have weight 1, those after the one before it ``decay``, and so on.

        Returns
        -------
        list of (first, end, weight), of the known contexts, newest first
        """
        places = [(age, self.find(context)) for age, context in enumerate(reversed(previous))]
        known = [(age, place) for age, place in places if place is not None]
        return [
            (self._bounds[place], self._bounds[place + 1], decay ** (age - known[0][0]))
            for age, place in known
        ]

    def selected(self, kept: NDArray[np.bool_], gone: Container[str], phrases: Sequence[str]) -> Self:
        """Return what is left without some queries and contexts.

        Parameters
        ----------
        kept : bool array of shape (n_queries,)
            The queries that stay; they are renumbered in their order.
        gone : container of str
            Contexts that go,
        phrases : sequence of str
            as do those that hold one of these, all in normal form.
        """
        rows = np.array(
            [not (context in gone or holds_phrase(context, phrases)) for context in self.contexts], np.bool_
        )
        return self.of_counts(self.contexts.selected(rows), self._matrix()[rows][:, kept])

    def merged(
        self, newer: "Followers", own: NDArray[np.int64], others: NDArray[np.int64], n_queries: int
    ) -> Self:
        """Add the counts of a newer log; ``own`` and ``others`` are the new ids of both sides' queries."""
        contexts = sorted({*self.contexts, *newer.contexts})
        places = dict(zip(contexts, range(len(contexts)), strict=True))
        parts = []
        for side, ids in ((self, own), (newer, others)):
            rows = np.array([places[context] for context in side.contexts], np.int64)
            counts = side._matrix().tocoo()
            parts.append((counts.data, rows[counts.row], ids[counts.col]))
        data, row, column = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return self.of_counts(
            StringTable(contexts), sp.coo_array((data, (row, column)), (len(contexts), n_queries))
        )

    def _matrix(self) -> "sp.csr_array":
        indices = self.labels.astype(np.int64), self.indptr
        return sp.csr_array((self.times, *indices), shape=(len(self), self.n_queries))

    @classmethod
    def of_counts(cls, contexts: StringTable, counts: "sp.coo_array | sp.csr_array") -> Self:
        """Take a matrix of contexts and queries, without contexts that nothing follows."""
        matrix = sp.csr_array(counts)
        matrix.sum_duplicates()
        some = np.diff(matrix.indptr) > 0
        indptr = np.concatenate(
            [np.zeros(1, np.int64), np.cumsum(np.diff(matrix.indptr)[some], dtype=np.int64)]
        )
        labels, times = matrix.indices.astype(np.int32), matrix.data.astype(np.int64)
        return cls(contexts.selected(some), indptr, labels, times, int(matrix.shape[1]))

    def __reduce__(self) -> tuple[Any, ...]:
        return Followers, (self.contexts, self.indptr, self.labels, self.times, self.n_queries)

    def to_state(self) -> State:
        """Return what is saved."""
        arrays: dict[str, NDArray[Any]] = {"indptr": self.indptr, "labels": self.labels, "times": self.times}
        return State({"n_queries": self.n_queries}, arrays, {"contexts": self.contexts})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Restore saved counts; arrays are used where they lie.

        Raises
        ------
        ValueError
            If they do not fit each other.
        """
        contexts = state.part("contexts", StringTable)
        n_queries = n_queries_of(state)
        indptr, labels, times = (
            state.vector(name, kind)
            for name, kind in (("indptr", np.int64), ("labels", np.int32), ("times", np.int64))
        )
        if indptr.size != len(contexts) + 1 or labels.size != times.size:
            raise ValueError(
                f"{len(contexts)} contexts, {indptr.size} bounds, {labels.size} labels and {times.size} counts"
                " do not fit"
            )
        if indptr[0] != 0 or indptr[-1] != labels.size or (indptr[1:] < indptr[:-1]).any():
            raise ValueError(f"indptr must ascend from 0 to {labels.size}")
        if labels.size and not (labels.min() >= 0 and labels.max() < n_queries and times.min() > 0):
            raise ValueError(f"labels must be from 0 to {n_queries - 1}, and counts above 0")
        rising = np.diff(labels) > 0
        rising[indptr[1:-1][(indptr[1:-1] > 0) & (indptr[1:-1] < labels.size)] - 1] = True
        if not rising.all():
            raise ValueError("labels must ascend within every context")
        return cls(contexts, indptr, labels, times, n_queries)


def count_followers(
    contexts: Sequence[Context],
    labels: NDArray[np.int64],
    users: Sequence[Hashable] | None,
    n_queries: int,
    threshold: Threshold,
    *,
    known: Container[str] = (),
) -> Followers:
    """Count what followed the last query of each context.

    Parameters
    ----------
    contexts : sequence of tuple of str
        Normal forms of the queries before, oldest first, of each pair.
    labels : int64 array
        The query that followed in each.
    users : sequence, optional
        Whose pair each is.
    n_queries : int
    threshold : Threshold
        A context is kept if enough pairs, of enough users, have it.
    known : container of str
        Contexts that are kept however few have them.
    """
    numbers: dict[str, int] = {}
    pairs = [row for row, context in enumerate(contexts) if context]
    ids = np.array([numbers.setdefault(contexts[row][-1], len(numbers)) for row in pairs], np.int64)
    kept = threshold.met(ids, None if users is None else [users[row] for row in pairs], len(numbers))
    chosen = sorted(name for name, number in numbers.items() if kept[number] or name in known)
    places = np.full(len(numbers), -1, np.int64)
    places[[numbers[name] for name in chosen]] = np.arange(len(chosen))
    mine = places[ids] >= 0
    where = places[ids][mine], labels[np.array(pairs, np.int64)][mine]
    counts = sp.coo_array((np.ones(where[0].size, np.int64), where), (len(chosen), n_queries))
    return Followers.of_counts(StringTable(chosen), counts)


def n_queries_of(state: State) -> int:
    """Return the number of queries that a saved state tells; ``ValueError`` if it is none."""
    n_queries = state.config["n_queries"]
    if type(n_queries) is not int or not 0 <= n_queries < 2**31:
        raise ValueError(f"n_queries must be a number of queries, found {n_queries!r}")
    return n_queries
