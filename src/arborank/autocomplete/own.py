"""What a user's history and session say of the queries that begin with a prefix."""

from collections.abc import Iterable
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .catalogue import Catalogue
from .contexts import Context
from .history import History
from .phrases import holds_phrase

__all__ = ["NOTHING", "Own", "gather_own"]

_MOST = 32  # own queries that are considered, the latest
_UNUSED = -1  # id of a query that must not be shown


class Own(NamedTuple):
    """Own queries, as `Frequencies.weighted` takes them.

    Attributes
    ----------
    ids : list of int
        From the number of queries in the catalogue on, those that are in ``texts`` only.
    values : float64 array of shape (n_own, 8)
        Of each 1 if it is in the history, else 0; the logarithms of how often it was sent, and of how many
        queries ago; of one more than the hours since; the share of its latest sendings at this time of day; the
        logarithm of one more than how often it followed the last query there; whether it was sent earlier in this
        session; and whether it is the last query.
    texts : list of str
        Of the queries that are not in the catalogue.
    """

    ids: list[int]
    values: NDArray[np.float64]
    texts: list[str]


NOTHING = Own([], np.zeros((0, 8)), [])


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
        Its form.
    session : tuple of str
        Normal forms of the previous queries, oldest first.
    history : History, optional
    now : float, optional
        Seconds; by default the time of the last query in the history. What was sent later counts as sent now.
    phrases : iterable of str
        Normal forms of words and phrases that nothing that is shown may hold.
    """
    begun = [key for key in session if catalogue.compare.matches(key, prefix)]
    if history is None and not begun:
        return NOTHING
    ids, values, texts = NOTHING
    if history is not None:
        n = len(catalogue)
        numbers, ids = history.begun(
            prefix, _MOST, catalogue, lambda key: _label(catalogue, key, phrases), catalogue.compare
        )
        if _UNUSED in ids:
            numbers = [number for number, label in zip(numbers, ids, strict=True) if label != _UNUSED]
            ids = [label for label in ids if label != _UNUSED]
        if n in ids:
            texts = [history.text(number) for number, label in zip(numbers, ids, strict=True) if label == n]
            behind = count(n)
            ids = [next(behind) if label == n else label for label in ids]
        moment = history.latest if now is None else now
        values = history.evidence(numbers, moment, session)
        begun = [key for key in begun if key not in history]
    of_session = {key: _label(catalogue, key, phrases) for key in begun}
    known = {key: label for key, label in of_session.items() if 0 <= label < len(catalogue)}
    if known:
        more = np.zeros((len(known), values.shape[1]))
        more[:, -1] = [key == session[-1] for key in known]
        more[:, -2] = 1 - more[:, -1]
        ids, values = [*ids, *known.values()], np.concatenate([values, more])
    return Own(ids, values, texts)


def _label(catalogue: Catalogue, key: str, phrases: Iterable[str]) -> int:
    """Return the id of a query, or one behind the last; `_UNUSED` if it is blocked."""
    if (label := catalogue.find_key(key)) is not None:
        return label
    held = holds_phrase(key, phrases) or holds_phrase(key, catalogue.phrases)
    return _UNUSED if held else len(catalogue)
