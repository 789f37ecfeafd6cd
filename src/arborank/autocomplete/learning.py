"""From the latest part of a log to the weights of the evidence."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .blend import Blend, Example, learn_blend
from .contexts import read_context
from .fitted import POOL, Asked, FittedCompleter
from .normal import normalize
from .options import CompleterOptions
from .pairs import Pairs
from .prefixes import sample_lengths
from .replay import in_order_of_time
from .sessions import SESSION

__all__ = ["OF_RANKERS", "blend_of_latest", "latest_part"]

_SHARE = 0.1  # of the log, the latest, to learn from
_FEWEST, _MOST = 500, 1_500  # queries of it
OF_RANKERS = 0.2  # share of the log before that, its latest part, which teaches rankers for it


def latest_part(pairs: Pairs) -> float | None:
    """Return the time from which on a log teaches weights; None if it is short, or users or times are not known."""
    n_latest = round(len(pairs.queries) * _SHARE)
    if pairs.users is None or pairs.times is None or n_latest < _FEWEST:
        return None
    return float(np.sort(np.array(pairs.times))[-n_latest])


def blend_of_latest(fitted: FittedCompleter, pairs: Pairs, cut: float, options: CompleterOptions) -> Blend:
    """Learn weights from how well each kind of evidence tells the latest queries of a log.

    Parameters
    ----------
    fitted : FittedCompleter
        Fitted on what was sent before ``cut``.
    pairs : Pairs
        The whole log, with users and times.
    cut : float
    options : CompleterOptions
    """
    is_late = np.array(pairs.times) >= cut
    before, tail = (pairs.selected(np.flatnonzero(part).tolist()) for part in (~is_late, is_late))
    return learn_blend(list(_examples(fitted, before, tail, options)))


def _examples(
    fitted: FittedCompleter, before: Pairs, tail: Pairs, options: CompleterOptions
) -> Iterator[Example]:
    """Return what was known when each query was sent."""
    random = np.random.default_rng(options.random_state)
    n = len(tail.queries)
    chosen = np.zeros(n, np.bool_)
    chosen[random.permutation(n)[:_MOST]] = True
    asked: dict[int, Asked] = {}
    wanted: dict[int, str] = {}
    for row in np.argsort(np.array(tail.times), kind="stable").tolist():
        if not chosen[row] or not (query := normalize(tail.queries[row])):
            continue
        # every other prefix short, which leaves a choice
        law = "uniform" if row % 2 else "reciprocal"
        typed = int(sample_lengths([len(query) + 1], law, random)[0]) - 1
        session = read_context(tail.previous[row], max(options.n_previous, SESSION))
        now = None if tail.times is None else tail.times[row]
        asked[row] = Asked(query[:typed], session[-options.n_previous :], session, None, now)
        wanted[row] = query
    pool = min(POOL, len(fitted.catalogue))
    many = fitted.found_many(list(asked.values()), pool, n_threads=options.n_threads)
    found = dict(zip(asked, many, strict=True))
    for row, history in in_order_of_time(before, tail):
        if row in asked:
            whole = asked[row]._replace(history=history if len(history) else None)
            known = fitted.evidence(whole, found[row])
            if known.ids.size:
                place = _place(fitted, known.ids, known.own, wanted[row])
                with_history = whole.history is not None
                yield Example(known.rows, place, len(whole.prefix), with_history, known.in_context)


def _place(fitted: FittedCompleter, ids: NDArray[np.int64], own: list[str], wanted: str) -> int:
    """Return where a query stands among candidates, or -1."""
    label = fitted.catalogue.find(wanted)
    if label is None:
        keys = [normalize(text) for text in own]
        if wanted not in keys:
            return -1
        label = len(fitted.catalogue) + keys.index(wanted)
    place = int(np.searchsorted(ids, label))
    return place if place < ids.size and ids[place] == label else -1
