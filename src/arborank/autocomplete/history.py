"""What one user sent before, kept for that user alone."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Self
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from .._native import SentQueries
from ..core.checks import check_integer
from ..core.sequences import as_column
from .matching import PLAIN, Forms, Matching
from .normal import normalize, spelling
from .times import Time, seconds, shown

__all__ = ["SIZE", "Entries", "History", "as_history"]

Entries = Iterable[tuple[str, Time]]

SIZE = 1000  # sent queries that are kept, unless somebody says otherwise
_UNKNOWN, _MISSING = -2, -1  # a label that is not looked up yet; the number of a query that is not there


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
        self._own = SentQueries(self.size)
        self._catalogue: Callable[[], object] = lambda: None  # of which it holds ids
        self._forms: Forms | None = None
        for key, time, text in sorted(sent, key=lambda one: one[1])[-self.size :]:
            self._own.append(key.encode(), time, text.encode())

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
        if len(self) and when < self.latest:  # late: everything is put in order
            self._fill([*self._own.sent(), (key, when, spelling(query))])
        else:
            self._own.append(key.encode(), when, spelling(query).encode())
            self._forms = None

    def forget(self, query: str) -> None:
        """Forget a query, in whatever spelling, every time it was sent; nothing happens if it is not there.

        Raises
        ------
        TypeError
            If ``query`` is not a str.
        """
        key = normalize(_text(query))
        if key in self:
            self._fill([row for row in self._own.sent() if row[0] != key])

    def clear(self) -> None:
        """Forget everything."""
        self._fill([])

    def __len__(self) -> int:
        return len(self._own)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return ((text, time) for _, time, text in self._own.sent())

    def __repr__(self) -> str:  # a log of the service must not hold what a user sent
        return f"<History: {len(self)} sent, {self._own.n_queries} different>"

    # ------------------------------------------------------------------ what a completer asks

    @property
    def latest(self) -> float:
        """The time of the last query; 0 if there is none."""
        return self._own.latest

    def matching(self, prefix: str, most: int, compare: Matching = PLAIN) -> list[str]:
        """Return the normal forms whose form begins with that of a prefix; of more than ``most``, those sent last."""
        return [self._own.key(number) for number in self._matching(prefix, most, compare)]

    def _matching(self, prefix: str, most: int, compare: Matching) -> list[int]:
        own, forms = self._own, self._forms
        if compare == PLAIN:
            return own.matching(prefix.encode(), most)
        if forms is None or forms.compare != compare:
            every = own.matching(b"", own.n_queries)
            forms = self._forms = Forms(compare, [(own.key(number), number) for number in every])
        numbers = forms.matching(prefix)
        if len(numbers) <= most:
            return numbers
        return sorted(numbers, key=lambda number: own.use(number, 1)[1])[:most]

    def begun(
        self,
        prefix: str,
        most: int,
        catalogue: object,
        label: Callable[[str], int],
        compare: Matching = PLAIN,
    ) -> tuple[list[int], list[int]]:
        """Return the same queries by their numbers here, and their labels.

        ``label`` tells that of a normal form, for ``catalogue``; for the catalogue that was asked for last, it is kept.
        """
        own = self._own
        if self._catalogue() is not catalogue:
            own.forget_labels()
            self._catalogue = ref(catalogue)
        numbers = self._matching(prefix, most, compare)
        labels = own.labels(numbers)
        if _UNKNOWN in labels:
            for place, number in enumerate(numbers):
                if labels[place] == _UNKNOWN:
                    labels[place] = label(own.key(number))
                    own.set_label(number, labels[place])
        return numbers, labels

    def text(self, number: int) -> str:
        """Return how a query was written last."""
        return self._own.text(number)

    def evidence(self, numbers: list[int], moment: float, session: Sequence[str]) -> NDArray[np.float64]:
        """Return what is known of some queries; see `Own`."""
        return self._own.evidence(numbers, moment, [key.encode() for key in session])

    def use(self, key: str, most: int) -> tuple[int, int, list[float]]:
        """Return how often a query that is there was sent, how many queries ago, and its latest ``most`` times."""
        return self._own.use(self._own.find(key.encode()), most)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._own.find(key.encode()) != _MISSING

    def after(self, key: str) -> list[str]:
        """Return the normal forms that were sent right after one, oldest first."""
        number = self._own.find(key.encode())
        return [] if number == _MISSING else [self._own.key(one) for one in self._own.after(number)]

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


def as_history(history: "History | Entries | None", name: str = "history") -> History | None:
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
        made._fill(_checked(history, name))
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
        try:
            when = seconds(entry[1])
        except ValueError as error:
            raise ValueError(f"{name}[{number}]: {error}") from None
        if key := normalize(entry[0]):
            rows.append((key, when, spelling(entry[0])))
    return rows
