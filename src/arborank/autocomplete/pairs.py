"""Queries, each with those before it: what a completer learns from."""

from collections.abc import Hashable, Iterable
from itertools import count
from typing import Any, NamedTuple

from ..core.sequences import as_column, text_list
from .contexts import Previous, Rows, as_context, is_rows
from .own_rows import row_texts
from .times import Time, seconds

__all__ = ["Pairs", "check_pairs", "is_hashable"]

_PAIRED = "a sequence with one entry per pair"


class Pairs(NamedTuple):
    """Queries, each with those before it.

    Attributes
    ----------
    previous : list of tuple of str
        The queries before each, oldest first; may be empty.
    queries : list of str
    users : list, optional
        Who sent each query: a session or a person. ``min_users`` needs them.
    times : list of float, optional
        When each query was sent, in seconds.
    """

    previous: list[tuple[str, ...]]
    queries: list[str]
    users: list[Hashable] | None = None
    times: list[float] | None = None

    def selected(self, rows: Iterable[int]) -> "Pairs":
        """Return the pairs at some positions."""
        chosen = list(rows)
        return Pairs(
            [self.previous[row] for row in chosen],
            [self.queries[row] for row in chosen],
            None if self.users is None else [self.users[row] for row in chosen],
            None if self.times is None else [self.times[row] for row in chosen],
        )

    def joined(self, newer: "Pairs") -> "Pairs":
        """Return these pairs and newer ones; users or times that one side lacks are left out."""
        users = None if self.users is None or newer.users is None else self.users + newer.users
        times = None if self.times is None or newer.times is None else self.times + newer.times
        return Pairs(self.previous + newer.previous, self.queries + newer.queries, users, times)


def check_pairs(
    previous: Iterable[Previous] | Rows,
    queries: Iterable[str],
    users: Iterable[Hashable] | None,
    times: Iterable[Time] | None,
) -> Pairs:
    """Check what `Autocompleter.fit_pairs` is given.

    Raises
    ------
    TypeError
        If an entry is of the wrong type.
    ValueError
        If lengths differ, an entry of ``times`` is not a time, or ``times`` come without users.
    """
    before = (
        row_texts(previous, "previous") if is_rows(previous) else as_column(previous, "previous", _PAIRED)
    )
    contexts = [tuple(as_context(entry, f"previous[{number}]")) for number, entry in enumerate(before)]
    texts = list(text_list(queries, "queries"))
    if len(contexts) != len(texts):
        raise ValueError(
            f"previous has {len(contexts)} entries but queries has {len(texts)}; they go in pairs"
        )
    who = _column("users", users, len(texts))
    for number, user in enumerate(who or ()):
        if not is_hashable(user):
            raise TypeError(f"users[{number}] is {user!r}; a hashable value was expected")
    if times is not None and who is None:
        raise ValueError("times need users, one per pair: rows are recognised by both")
    when = _column("times", times, len(texts))
    return Pairs(contexts, texts, who, None if when is None else list(map(_seconds, count(), when)))


def _seconds(number: int, time: Time) -> float:
    try:
        return seconds(time)
    except ValueError as error:
        raise ValueError(f"times[{number}]: {error}") from None


def _column(name: str, values: Iterable[Any] | None, n: int) -> list[Any] | None:
    if values is None:
        return None
    entries = list(as_column(values, name, _PAIRED))
    if len(entries) != n:
        raise ValueError(f"{name} has {len(entries)} entries but queries has {n}; one each is needed")
    return entries


def is_hashable(value: object) -> bool:
    """Whether a value can be a key; a tuple of lists, for one, cannot."""
    try:
        hash(value)
    except TypeError:
        return False
    return True
