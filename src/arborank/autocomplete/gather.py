"""From pairs to the queries that may be suggested, with what a query log must not give away left out."""

from collections import Counter
from collections.abc import Container, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..core.strings import StringTable
from .catalogue import Catalogue, holds_phrase
from .normal import normalize, spelling
from .sessions import Pairs

__all__ = ["gather_queries"]


def gather_queries(
    pairs: Pairs,
    *,
    min_count: int,
    min_users: int,
    blocklist: Iterable[str],
    known: Container[str] | None = None,
) -> tuple[Catalogue, NDArray[np.int64], NDArray[np.int64]]:
    """Count queries by their normal form and keep those that are frequent enough and not blocked.

    The text shown for a query is its most frequent spelling, as `spelling` gives it.

    Parameters
    ----------
    pairs : Pairs
    min_count, min_users : int
        Times that a query must have been sent, and different users that must have sent it.
    blocklist : iterable of str
        Words and phrases that no query may hold.
    known : container of str, optional
        Normal forms of queries that are kept however few sent them. If given, nothing may be left.

    Returns
    -------
    catalogue : Catalogue
    rows : int64 array
        The pairs whose query is kept.
    labels : int64 array
        Their label ids.

    Raises
    ------
    ValueError
        If users are needed but not known, or no query is left.
    """
    if min_users > 1 and pairs.users is None:
        raise ValueError(f"min_users is {min_users}, so users are needed, one a pair")
    forms: dict[str, tuple[str, str]] = {}
    spellings: Counter[tuple[str, str]] = Counter()
    numbers: dict[str, int] = {}
    ids = np.empty(len(pairs.queries), dtype=np.int64)
    for row, query in enumerate(pairs.queries):
        form = forms.get(query)
        if form is None:
            form = forms[query] = normalize(query), spelling(query)
        ids[row] = numbers.setdefault(form[0], len(numbers))
        spellings[form] += 1
    keys = list(numbers)
    counts = np.bincount(ids, minlength=len(keys))
    kept = counts >= min_count
    if min_users > 1:
        kept &= _users(ids, pairs.users or [], len(keys)) >= min_users
    phrases = [phrase for phrase in map(normalize, blocklist) if phrase]
    for position, key in enumerate(keys):
        if known is not None and key in known:
            kept[position] = True
        if not key or (phrases and holds_phrase(key, phrases)):
            kept[position] = False
    order = sorted(np.flatnonzero(kept).tolist(), key=keys.__getitem__)
    if not pairs.queries and known is None:
        raise ValueError("there is no query to learn from")
    if not order and known is None:
        raise ValueError(
            f"no query is left of {len(keys)} different ones: min_count={min_count}, min_users={min_users}, "
            f"{len(phrases)} blocked phrases"
        )
    best: dict[str, tuple[int, str]] = {}
    for (key, shown), count in spellings.items():
        if key not in best or (-count, shown) < best[key]:
            best[key] = (-count, shown)
    names = [keys[position] for position in order]
    texts = [best[name][1] for name in names]
    table = StringTable(names)
    catalogue = Catalogue(table, table if texts == names else StringTable(texts), counts[order])
    labels = np.full(len(keys), -1)
    labels[order] = np.arange(len(order))
    rows = np.flatnonzero(labels[ids] >= 0)
    return catalogue, rows, labels[ids[rows]]


def _users(ids: NDArray[np.int64], users: Sequence[object], n_queries: int) -> NDArray[np.int64]:
    """Count the different users of every query."""
    numbers: dict[object, int] = {}
    who = np.array([numbers.setdefault(user, len(numbers)) for user in users], dtype=np.int64)
    different = np.unique(ids * max(len(numbers), 1) + who)
    return np.bincount(different // max(len(numbers), 1), minlength=n_queries)
