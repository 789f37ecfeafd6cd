"""From a part of a log that was held out to the weights of the evidence."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .blend import Blend, Example, learn_blend
from .contexts import read_context
from .fitted import POOL, Asked, FittedCompleter
from .history import History
from .normal import normalize
from .options import CompleterOptions
from .pairs import Pairs
from .prefixes import sample_lengths
from .replay import in_order_of_time
from .sessions import SESSION

__all__ = ["blend_of", "held_out", "of_rankers", "taught"]

_SHARE = 0.1  # of the log, to learn from
_FEWEST = 300  # queries of it
_DRAWN, _TIMED = 1_000, 800  # of which so many teach, at most; a history tells more of each
_OF_SMALL = 1 / 3  # of a log of which that is too little, at most
_SMALLEST = 150  # queries of a log
_ENOUGH = 2_000  # queries that teach rankers well, so that a small log teaches all of it
_NEWER = 100  # queries of an update, at most, that weights learn from
_LONG = 16  # queries of a user in an update, from which on they stand for the history


def held_out(pairs: Pairs) -> NDArray[np.bool_] | None:
    """Return which pairs teach weights: the latest; where users and times are not known, some that are drawn.

    Half of these are all pairs of some contexts, as completers meet known contexts and new ones. None if there are
    too few.
    """
    n = len(pairs.queries)
    if n < _SMALLEST:
        return None
    share = max(_SHARE, min(_FEWEST / n, _OF_SMALL))
    if pairs.users is not None and pairs.times is not None:
        times = np.array(pairs.times)
        late: NDArray[np.bool_] = times >= np.sort(times)[-round(n * share)]
        return late
    numbers: dict[tuple[str, ...], int] = {}
    contexts = np.array([numbers.setdefault(tuple(before), len(numbers)) for before in pairs.previous])
    random = np.random.default_rng(0)
    alone, together = random.random(n) < share / 2, random.random(len(numbers)) < share / 2
    chosen: NDArray[np.bool_] = alone | together[contexts]
    return chosen


def of_rankers(pairs: Pairs) -> float:
    """Return the share of the other pairs that teaches rankers to learn weights with."""
    return min(max(0.3 if pairs.times is None else 0.12, _ENOUGH / len(pairs.queries)), 1.0)


def blend_of(
    fitted: FittedCompleter, pairs: Pairs, chosen: NDArray[np.bool_], options: CompleterOptions
) -> Blend:
    """Learn weights from how well each kind of evidence tells the queries that were held out.

    Parameters
    ----------
    fitted : FittedCompleter
        Fitted on the rest.
    pairs : Pairs
        The whole log.
    chosen : bool array
        What was held out.
    options : CompleterOptions
    """
    rest, tail = (pairs.selected(np.flatnonzero(part).tolist()) for part in (~chosen, chosen))
    most = _DRAWN if pairs.times is None else _TIMED
    return learn_blend(list(_examples(fitted, rest, tail, options, most)))


def taught(fitted: FittedCompleter, newer: Pairs, options: CompleterOptions) -> Blend | None:
    """Return the weights after a newer log, whose users' earlier queries are not known.

    Those with a history learn only from users who sent many queries in that log.
    """
    if fitted.blend is None or newer.times is None:
        return fitted.blend
    nothing = newer.selected([])
    return fitted.blend.taught(list(_examples(fitted, nothing, newer, options, _NEWER, _LONG)))


def _examples(
    fitted: FittedCompleter,
    before: Pairs,
    tail: Pairs,
    options: CompleterOptions,
    most: int,
    long_enough: int = 1,
) -> Iterator[Example]:
    """Return what was known when each query was sent, of ``most`` that are drawn."""
    random = np.random.default_rng(options.random_state)
    n, n_previous = len(tail.queries), fitted.rows.n_previous
    chosen = np.zeros(n, np.bool_)
    chosen[random.permutation(n)[:most]] = True
    asked: dict[int, Asked] = {}
    wanted: dict[int, str] = {}
    for row in range(n):
        if not chosen[row] or not (query := normalize(tail.queries[row])):
            continue
        # every other prefix short, which leaves a choice
        law = "uniform" if row % 2 else "reciprocal"
        typed = int(sample_lengths([len(query) + 1], law, random)[0]) - 1
        session = read_context(tail.previous[row], max(n_previous, SESSION))
        now = None if tail.times is None else tail.times[row]
        prefix = fitted.catalogue.compare.form(query[:typed])
        asked[row] = Asked(prefix, session[-n_previous:], session, None, now)
        wanted[row] = query
    pool = min(POOL, len(fitted.catalogue))
    many = fitted.found_many(list(asked.values()), pool, n_threads=options.n_threads)
    found = dict(zip(asked, many, strict=True))
    for row, history in _histories(before, tail, list(asked)):
        if row in asked:
            is_known = history is not None and len(history) >= long_enough
            whole = asked[row]._replace(history=history if is_known else None)
            known = fitted.evidence(whole, found[row])
            if known.ids.size:
                place = _place(fitted, known.ids, known.own, wanted[row])
                with_history = whole.history is not None
                yield Example(known.rows, place, len(whole.prefix), with_history, known.in_context)


def _histories(before: Pairs, tail: Pairs, asked: Sequence[int]) -> Iterator[tuple[int, History | None]]:
    """Return the rows that are asked for, and more, in the order of their times; each with its user's history."""
    if tail.users is None or tail.times is None:
        yield from ((row, None) for row in asked)
        return
    users = {tail.users[row] for row in asked}
    theirs = [row for row, user in enumerate(tail.users) if user in users]
    for row, history in in_order_of_time(before, tail.selected(theirs)):
        yield theirs[row], history


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
