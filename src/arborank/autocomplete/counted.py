"""Which rows of a log were learned before, so that none counts twice."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .normal import NormalForms
from .pairs import Pairs

__all__ = ["KEPT", "learned_before", "mark_pairs", "remember"]

KEPT = 1 << 22  # marks, of 8 bytes


def mark_pairs(pairs: Pairs) -> NDArray[np.uint64]:
    """Return a mark for every pair, from its user, time and query; without users or times, one for all pairs.

    A mark is a hash of 64 bits, from which nothing of its row can be read; that two of ten million rows share one is as
    likely as three in a million. Of a time, thousandths of a second count.
    """
    keys = NormalForms()
    if pairs.times is not None and pairs.users is not None:
        rows = zip(pairs.users, pairs.times, pairs.queries, strict=True)
        marks = [_mark(f"{user}\t{time:.3f}\t{keys[query]}") for user, time, query in rows]
    elif pairs.queries:
        both = zip(pairs.previous, pairs.queries, strict=True)
        whole = sum(_mark("\t".join(map(keys.__getitem__, (*before, query)))) for before, query in both)
        marks = [_mark(f"{len(pairs.queries)} {whole}")]
    else:
        marks = []
    return np.array(marks, np.uint64)


def remember(
    known: NDArray[np.uint64], marks: NDArray[np.uint64], times: Sequence[float] | None
) -> NDArray[np.uint64]:
    """Return known marks, which all differ, and new ones, none twice; of more than `KEPT`, those that came last."""
    if times is not None and marks.size > KEPT:
        marks = marks[np.argsort(times, kind="stable")]
    latest, places = np.unique(marks[::-1], return_index=True)  # of repeated ones, the last counts
    kept = known[~_are_in(known, latest)]
    return np.concatenate([kept, marks[::-1][np.sort(places)][::-1]])[-KEPT:]


def learned_before(marks: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return which marks are known: a few of them, usually, and many known ones."""
    return np.isin(marks, known[_are_in(known, np.unique(marks))])


def _are_in(known: NDArray[np.uint64], marks: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return which of many marks are among a few, which ascend."""
    if not marks.size:
        return np.zeros(known.size, np.bool_)
    places = np.minimum(np.searchsorted(marks, known), marks.size - 1)
    found: NDArray[np.bool_] = marks[places] == known
    return found


def _mark(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest(), "little")
