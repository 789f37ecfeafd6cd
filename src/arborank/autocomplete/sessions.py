"""From a log to pairs: what a session held before, and the query that followed."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np

from ..core.arrow import from_arrow
from ..core.checks import check_integer, check_real
from ..core.notices import warn
from ..core.sequences import as_column, column_names, described, is_missing
from .normal import normalize
from .pairs import Pairs, is_hashable
from .times import Time, is_word, seconds, shown

__all__ = ["SESSION", "LogRows", "session_pairs"]

LogRows = Iterable[tuple[Hashable, Time, str] | tuple[Hashable, Time, str, Hashable]]

_COLUMNS = ("session", "time", "query", "user")
SESSION = 8  # previous queries of a session that a user may return to
_ENOUGH = 20  # pauses, to tell from them
_NEARLY_ALL = 0.95


def session_pairs(rows: LogRows, *, n_previous: int = 1, session_gap: float | None = 1800.0) -> Pairs:
    """Pair every query of a log with the ones before it in its session.

    Rows may come in any order: those of a session are sorted by time, and equal times keep their order. A pause longer
    than ``session_gap`` begins a new session. A query that repeats the one before it, in normal form, counts once. The
    first query of a session has nothing before it and is kept, to learn what to suggest to newcomers.

    Parameters
    ----------
    rows : iterable of (session, time, query) or (session, time, query, user), or a data frame with such columns
        Without a user, or where it is None, the session stands for one. Times are numbers of seconds since 1970, or
        dates: `datetime`, `numpy.datetime64` or ISO 8601 text, in UTC unless they have a zone; kinds may be mixed.
        Numbers may begin anywhere, as only their differences count.
    n_previous : int, default 1
        Largest number of previous queries to keep.
    session_gap : float or None, default 1800
        Seconds; None for sessions without end.

    Raises
    ------
    TypeError
        If ``rows`` is not iterable, a row is not three or four values, a session or user is not hashable, or a query is
        not a str.
    ValueError
        If a time is neither finite nor a date, or so large that it cannot be seconds.

    Warns
    -----
    UserWarning
        If nearly every pause within a session is longer than ``session_gap``, so that hardly any query has one before
        it: the times may be in another unit, or the gap too short.
    """
    check_integer("n_previous", n_previous, 1)
    if session_gap is not None:
        check_real("session_gap", session_gap, above=0)
    sessions: dict[tuple[Hashable, Hashable], list[tuple[float, str]]] = {}
    for position, row in enumerate(_rows(rows)):
        session, time, query, user = _checked(position, row)
        sessions.setdefault((user, session), []).append((time, query))
    previous: list[tuple[str, ...]] = []
    queries: list[str] = []
    users: list[Hashable] = []
    times: list[float] = []
    n_pauses = n_breaks = 0
    for (user, _), events in sessions.items():
        events.sort(key=lambda event: event[0])
        before: list[str] = []
        last_time, last_key = None, ""
        for time, query in events:
            key = normalize(query)
            if not key:
                continue
            if last_time is not None and session_gap is not None:
                n_pauses += 1
                if time - last_time > session_gap:
                    before, last_key = [], ""
                    n_breaks += 1
            last_time = time
            if key == last_key:
                continue
            previous.append(tuple(before))
            queries.append(query)
            users.append(user)
            times.append(time)
            before = [*before, query][-n_previous:]
            last_key = key
    if n_pauses >= _ENOUGH and n_breaks >= _NEARLY_ALL * n_pauses:
        warn(
            f"{n_breaks:,} of {n_pauses:,} pauses between queries of a session are longer than session_gap="
            f"{session_gap:g} seconds and end it, so that hardly any query has one before it; are the times in "
            "seconds, and is the gap long enough?",
        )
    return Pairs(previous, queries, users, times)


def _rows(log: LogRows) -> Iterable[Any]:
    wanted = "an iterable of (session, time, query)"
    log = from_arrow(log)
    names = column_names(log)
    if names is not None:
        return _of_frame(log, names)
    if isinstance(log, str | PathLike):
        raise TypeError(
            f"the log must be {wanted}, found {log!r}; arborank.autocomplete.read_log reads a file"
        )
    if isinstance(log, Mapping):
        columns = list(log)
        rows = (
            f"zip({', '.join(f'log[{key!r}]' for key in columns)})" if len(columns) == 3 else "a list of them"
        )
        raise TypeError(f"the log must be {wanted}, found {described(log)}; give its rows, such as {rows}")
    if isinstance(log, np.ndarray) and log.ndim == 2:
        return log.tolist()  # type: ignore[no-any-return]
    return as_column(log, "the log", wanted)


def _of_frame(log: Any, names: list[Any]) -> Iterable[Any]:
    """Return the rows of a data frame whose columns have the names of a log's."""
    wanted = [*_COLUMNS[:3], *(name for name in _COLUMNS[3:] if name in names)]
    missing = [name for name in wanted if names.count(name) != 1]
    if missing:
        found = "twice" if missing[0] in names else "no"
        raise TypeError(
            f"the log is {described(log)} with {found} column {missing[0]!r}; session, time, query (and user) were "
            f"expected among {', '.join(map(repr, names[:8]))}"
        )
    columns = [as_column(log[name], f"the column {name!r}", "a column") for name in wanted]
    rows = (
        tuple(None if is_missing(value) else value for value in row) for row in zip(*columns, strict=True)
    )
    return rows


def _checked(position: int, row: Any) -> tuple[Hashable, float, str, Hashable]:
    if isinstance(row, str) or not isinstance(row, Sequence) or len(row) not in (3, 4):
        raise TypeError(
            f"row {position} of the log is {row!r}; (session, time, query), or these and a user, was expected"
        )
    session, time, query, user = (*row, None)[:4]
    if not isinstance(query, str):
        raise TypeError(f"row {position} of the log has the query {query!r}; a str was expected")
    if not is_hashable(session):
        raise TypeError(
            f"row {position} of the log has the session {session!r}; a hashable value was expected"
        )
    if not is_hashable(user):
        raise TypeError(f"row {position} of the log has the user {user!r}; a hashable value was expected")
    try:
        return session, seconds(time), query, session if user is None else user
    except ValueError as error:
        hint = "; if that is a header, leave it out" if position == 0 and is_word(time) else ""
        raise ValueError(f"row {position} of the log has the time {shown(time)}: {error}{hint}") from None
