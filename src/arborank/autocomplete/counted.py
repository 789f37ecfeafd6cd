"""Which rows of a log were learned already, so that none counts twice."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .normal import normalize
from .sessions import Pairs

__all__ = ["KEPT", "mark_pairs", "remember"]

KEPT = 1 << 22  # marks, of 8 bytes


def mark_pairs(pairs: Pairs, times: Sequence[float] | None) -> NDArray[np.uint64]:
    """Return a mark for every pair, from its user, time and query; without times, a single one for all pairs.

    A mark tells nothing but whether its row was seen; that two of ten million rows have one in common is as likely as
    three in a million.

    Parameters
    ----------
    pairs : Pairs
    times : sequence of float, optional
        When each query was sent, in seconds; thousandths count.
    """
    if times is not None and pairs.users is not None:
        rows = zip(pairs.users, times, pairs.queries, strict=True)
        return np.array(
            [_mark(f"{user}\t{time:.3f}\t{normalize(query)}") for user, time, query in rows], np.uint64
        )
    if not pairs.queries:
        return np.array([], np.uint64)
    whole = sum(
        _mark("\t".join(map(normalize, (*before, query)))) for before, query in zip(*pairs[:2], strict=True)
    )
    return np.array([_mark(f"{len(pairs.queries)} {whole}")], np.uint64)


def marks_of(
    pairs: Pairs, times: Sequence[float] | None, rows: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], list[float] | None]:
    """Return the marks, and times, of the rows that were learned."""
    if times is None or pairs.users is None:
        return mark_pairs(pairs, None), None
    chosen = rows.tolist()
    users, queries = [pairs.users[row] for row in chosen], [pairs.queries[row] for row in chosen]
    kept = [times[row] for row in chosen]
    return mark_pairs(Pairs([()] * len(chosen), queries, users), kept), kept


def remember(
    known: NDArray[np.uint64], marks: NDArray[np.uint64], times: Sequence[float] | None
) -> NDArray[np.uint64]:
    """Return known marks and new ones, without repetitions; of more than `KEPT`, those that came last."""
    if times is not None and marks.size > KEPT:
        marks = marks[np.argsort(times, kind="stable")]
    together = np.concatenate([known, marks])[::-1]  # of repeated ones, the last counts
    _, places = np.unique(together, return_index=True)
    return together[np.sort(places)[:KEPT]][::-1]


def _mark(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest(), "little")
