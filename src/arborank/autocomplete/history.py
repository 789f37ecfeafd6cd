"""What one user sent before, kept for that user alone."""

import json
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self
from weakref import ref

from ..core.checks import check_integer
from ..core.sequences import as_column
from .normal import normalize, spelling
from .times import Time, seconds, shown

__all__ = ["SIZE", "Entries", "History", "as_history"]

Entries = Iterable[tuple[str, Time]]

SIZE = 1000  # sent queries that are kept, unless somebody says otherwise
_SOON = 1e10  # seconds since 1970, which need no further check
_BEHIND = "\U0010ffff"  # behind every string that goes on


class History:
    """The queries that one user sent, the latest of them: bounded, and forgettable.

    It is given to `Autocompleter.complete`, which proposes its queries to whoever gives it and keeps nothing of it.

    Parameters
    ----------
    entries : iterable of (query, time), default=()
        In any order. A time is a number of seconds or a date, as in a log.
    size : int, default=1000
        Number of sent queries to keep, the latest ones; at least 1.

    Raises
    ------
    TypeError, ValueError
        If an entry is not a query and its time, or ``size`` is out of range; the message names it.

    Examples
    --------
    >>> from arborank.autocomplete import History
    >>> history = History([("nikon", 0), ("canon", 60)])
    >>> history.add("Nikon lens", 120)
    >>> list(history)
    [('nikon', 0.0), ('canon', 60.0), ('Nikon lens', 120.0)]
    >>> history.forget("canon")
    >>> len(history)
    2
    """

    def __init__(self, entries: Entries = (), size: int = SIZE) -> None:
        self.size = check_integer("size", size, 1)
        self._fill(_checked(entries, "entries"))

    def _fill(self, sent: Iterable[tuple[str, float, str]]) -> None:
        self._sent: list[tuple[str, float]] = []  # normal forms and times, in the order of the times
        self._dropped = 0
        self._places: dict[str, list[int]] = {}  # of each normal form, plus those dropped before
        self._texts: dict[str, str] = {}
        self._keys: list[str] = []
        self._ids: tuple[Callable[[], object], dict[str, int]] = (lambda: None), {}
        for key, time, text in sorted(sent, key=lambda one: one[1])[-self.size :]:
            self._append(key, time, text)

    def _append(self, key: str, time: float, text: str) -> None:
        self._texts[key] = text
        self._sent.append((key, time))
        if key not in self._places:
            insort(self._keys, key)
        self._places.setdefault(key, []).append(self._dropped + len(self._sent) - 1)
        if len(self._sent) > self.size:
            oldest, _ = self._sent.pop(0)
            self._dropped += 1
            self._places[oldest].pop(0)
            if not self._places[oldest]:
                self._drop(oldest)

    def _drop(self, key: str) -> None:
        del self._places[key], self._texts[key], self._keys[bisect_left(self._keys, key)]
        self._ids[1].pop(key, None)

    def add(self, query: str, time: Time) -> None:
        """Remember that a query was sent; blank ones are passed over.

        Raises
        ------
        TypeError, ValueError
            If ``query`` is not a str or ``time`` not a time.
        """
        key, when = normalize(_text(query)), seconds(time)
        if not key:
            return
        if self._sent and when < self._sent[-1][1]:  # late: everything is put in order
            self._fill([*self._rows(), (key, when, spelling(query))])
        else:
            self._append(key, when, spelling(query))

    def forget(self, query: str) -> None:
        """Forget a query, in whatever spelling, every time it was sent; nothing happens if it is not there.

        Raises
        ------
        TypeError
            If ``query`` is not a str.
        """
        key = normalize(_text(query))
        if key in self._places:
            self._fill([row for row in self._rows() if row[0] != key])

    def clear(self) -> None:
        """Forget everything."""
        self._fill([])

    def __len__(self) -> int:
        return len(self._sent)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return ((self._texts[key], time) for key, time in self._sent)

    def __repr__(self) -> str:  # a log of the service must not hold what a user sent
        return f"<History: {len(self._sent)} sent, {len(self._keys)} different>"

    def _rows(self) -> list[tuple[str, float, str]]:
        return [(key, time, self._texts[key]) for key, time in self._sent]

    # ------------------------------------------------------------------ what a completer asks

    @property
    def latest(self) -> float:
        """The time of the last query; 0 if there is none."""
        return self._sent[-1][1] if self._sent else 0.0

    def matching(self, prefix: str, most: int) -> list[str]:
        """Return the normal forms that begin with a prefix; of more than ``most``, those sent last."""
        first = bisect_left(self._keys, prefix)
        found = self._keys[first : bisect_right(self._keys, prefix + _BEHIND, first)]
        if len(found) <= most:
            return found
        latest: dict[str, None] = {}
        for key, _ in reversed(self._sent):
            if key.startswith(prefix):
                latest[key] = None
                if len(latest) == most:
                    break
        return list(latest)

    def ids_in(self, catalogue: object) -> dict[str, int]:
        """Return a dictionary to keep ids of normal forms in, of the catalogue that was asked for last."""
        of, ids = self._ids
        if of() is not catalogue:
            ids = {}
            self._ids = ref(catalogue), ids
        return ids

    def text(self, key: str) -> str:
        """Return how a normal form was written last."""
        return self._texts[key]

    def use(self, key: str, most: int) -> tuple[int, int, list[float]]:
        """Return how often a query that is there was sent, how many queries ago, and its latest ``most`` times."""
        places, sent, dropped = self._places[key], self._sent, self._dropped
        times = [sent[place - dropped][1] for place in places[-most:]]
        return len(places), dropped + len(sent) - places[-1], times

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def after(self, key: str) -> list[str]:
        """Return the normal forms that were sent right after one, oldest first."""
        behind = [place - self._dropped + 1 for place in self._places.get(key, ())]
        return [self._sent[place][0] for place in behind if place < len(self._sent)]

    # ------------------------------------------------------------------ save

    def to_json(self) -> str:
        """Return the history as JSON, for `from_json`."""
        return json.dumps({"size": self.size, "entries": list(self)}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Restore what `to_json` returned.

        Raises
        ------
        ValueError, TypeError
            If it is something else.
        """
        try:
            record = json.loads(text)
        except ValueError as error:
            raise ValueError(f"a history must be JSON, as to_json returns it: {error}") from None
        if not isinstance(record, dict) or set(record) != {"size", "entries"}:
            raise ValueError(f'a history is {{"size": ..., "entries": [...]}}, found {shown(text)}')
        return cls(record["entries"], record["size"])

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self), self.size)


def as_history(history: "History | Entries | None") -> History | None:
    """Return a history that a call was given, or None where there is nothing in it.

    Raises
    ------
    TypeError, ValueError
        If it is neither a `History` nor an iterable of (query, time); the message names the entry.
    """
    if history is None:
        return None
    if not isinstance(history, History):
        made = History()
        made._fill(_checked(history, "history"))
        history = made
    return history if len(history) else None


def _text(query: Any) -> str:
    if not isinstance(query, str):
        raise TypeError(f"query must be a str, found {shown(query)}")
    return query


def _checked(entries: Any, name: str) -> list[tuple[str, float, str]]:
    rows = []
    if isinstance(entries, str | bytes):
        raise TypeError(f"{name} must be a History or an iterable of (query, time), found {entries!r}")
    for number, entry in enumerate(as_column(entries, name, "a History or an iterable of (query, time)")):
        if not isinstance(entry, tuple | list) or len(entry) != 2 or not isinstance(entry[0], str):
            raise TypeError(f"{name}[{number}] is {shown(entry)}; (query, time) was expected")
        given = entry[1]
        try:  # numbers, most of all, are quick
            when = given if type(given) is float and abs(given) < _SOON else seconds(given)
        except ValueError as error:
            raise ValueError(f"{name}[{number}]: {error}") from None
        if key := normalize(entry[0]):
            rows.append((key, when, spelling(entry[0])))
    return rows
