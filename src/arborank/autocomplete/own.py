"""What a user's history and session say of the queries that begin with a prefix."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import log, log1p
from typing import NamedTuple

from .catalogue import Catalogue
from .contexts import Context
from .history import History
from .phrases import holds_phrase

__all__ = ["NOTHING", "Own", "gather_own"]

_MOST = 32  # own queries that are considered, the latest
_HOUR, _DAY = 3600.0, 86_400.0
_NEAR = 2 * _HOUR  # the same time of day
_LATEST = 4  # times that an own query was sent, which tell at what time of day it is
_UNUSED = -1  # id of a query that must not be shown


class Own(NamedTuple):
    """Own queries, as `Frequencies.weighted` takes them.

    Attributes
    ----------
    ids : list of int
        From the number of queries in the catalogue on, those that are in ``texts`` only.
    values : list of float
        Eight of each: 1 if it is in the history, else 0; the logarithms of how often it was sent, and of how many
        queries ago; of one more than the hours since; the share of its latest sendings at this time of day; the
        logarithm of one more than how often it followed the last query there; whether it was sent earlier in this
        session; and whether it is the last query.
    texts : list of str
        Of the queries that are not in the catalogue.
    """

    ids: list[int]
    values: list[float]
    texts: list[str]


NOTHING = Own([], [], [])


def gather_own(
    catalogue: Catalogue,
    prefix: str,
    session: Context,
    history: History | None,
    now: float | None,
    phrases: Iterable[str],
) -> Own:
    """Gather what is the user's own.

    Parameters
    ----------
    catalogue : Catalogue
    prefix : str
        A normal form.
    session : tuple of str
        Normal forms of the previous queries, oldest first.
    history : History, optional
    now : float, optional
        Seconds; by default the time of the last query in the history. What was sent later counts as sent now.
    phrases : iterable of str
        Normal forms of words and phrases that nothing that is shown may hold.
    """
    begun = [(place, key) for place, key in enumerate(session) if key.startswith(prefix)]
    if history is None and not begun:
        return NOTHING
    ids: list[int] = []
    values: list[float] = []
    texts: list[str] = []
    last = session[-1] if session else None
    in_session = {key: place for place, key in begun}
    if history is not None:
        known = history.ids_in(catalogue)
        moment = history.latest if now is None else now
        followed = Counter(history.after(last)) if last is not None else {}
        for key in history.matching(prefix, _MOST):
            if (label := known.get(key)) is None:
                label = known[key] = _label(catalogue, key, phrases)
            if label == _UNUSED:
                continue
            if label == len(catalogue):
                label += len(texts)
                texts.append(history.text(key))
            count, ago, times = history.use(key, _LATEST)
            since = moment - times[-1]
            ids.append(label)
            values += (
                1.0,
                log(count),
                log(ago),
                log1p(since / _HOUR) if since > 0 else 0.0,
                _at_this_hour(times, moment),
                log1p(followed[key]) if key in followed else 0.0,
                1.0 if key in in_session and key != last else 0.0,
                1.0 if key == last else 0.0,
            )
    for key in in_session:
        if history is not None and key in history:
            continue
        label = _label(catalogue, key, phrases)
        if 0 <= label < len(catalogue):
            ids.append(label)
            values += (*[0.0] * 6, float(key != last), float(key == last))
    return Own(ids, values, texts)


def _at_this_hour(times: Sequence[float], moment: float) -> float:
    away = 0
    for time in times:
        away += _NEAR <= (moment - time) % _DAY <= _DAY - _NEAR
    return 1 - away / len(times)


def _label(catalogue: Catalogue, key: str, phrases: Iterable[str]) -> int:
    """Return the id of a query, or one behind the last; `_UNUSED` if it is blocked."""
    first, end = catalogue.matching(key)
    if first < end and catalogue.keys[first] == key:
        return first
    held = holds_phrase(key, phrases) or holds_phrase(key, catalogue.phrases)
    return _UNUSED if held else len(catalogue)
