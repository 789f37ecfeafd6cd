"""A fitted completer and a newer log to one that knows both, without the rest being trained again."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ArgumentError
from ..core.notices import warn
from ..core.sparse import as_csr, lists_to_csr
from ..linear import XRLinear
from .aged import AgedCounts
from .counted import learned_before, remember
from .fitted import FittedCompleter
from .fitting import examples
from .followers import count_followers
from .gather import Instances, gather
from .growing import grow_query_tree
from .learning import taught
from .options import CompleterOptions
from .pairs import Pairs
from .phrases import normal_phrases

__all__ = ["remove_queries", "update_completer"]


def update_completer(
    fitted: FittedCompleter, pairs: Pairs, options: CompleterOptions, refresh: Collection[str]
) -> FittedCompleter:
    """Return what has learned newer pairs, too; see `Autocompleter.update`."""
    phrases = normal_phrases([*options.blocklist, *fitted.catalogue.phrases])
    compare = fitted.catalogue.compare
    options = replace(options, fold=compare.fold, infix=compare.infix)
    blocked = np.union1d(fitted.catalogue.blocked, fitted.catalogue.holding(phrases))
    fitted = remove_queries(fitted, blocked.astype(np.int64), phrases)
    relearned = fitted.catalogue.find_all("refresh", refresh)
    refreshed = {fitted.catalogue.keys[i] for i in relearned}
    newer = gather(pairs, options, phrases, fitted.rows.n_previous, known=fitted.catalogue.keys)
    if missing := refreshed.difference(newer.catalogue.keys):
        raise ArgumentError("refresh", f"holds {min(missing)!r}, which is not in the log")
    counts = _first_time(newer, fitted)
    again = np.array([key in refreshed for key in newer.catalogue.keys], np.bool_)
    sent = newer.catalogue.counting(
        np.bincount(newer.labels[counts], minlength=again.size),
        _aged(newer, counts, fitted.catalogue.aged),
    )
    catalogue, own, others = fitted.catalogue.merged(sent, refreshed)
    # the model's ids until it is numbered by the new catalogue: those of new queries come last
    ids = np.full(len(catalogue), -1, np.int64)
    ids[own] = np.arange(own.size)
    fresh = np.flatnonzero(ids < 0)
    ids[fresh] = own.size + np.arange(fresh.size)
    wanted = (ids[others] >= own.size) | again
    model = fitted.model
    if wanted.any():
        model = _trained(fitted, newer, wanted, ids[others[wanted]], options)
    numbers = np.empty(len(catalogue), np.int64)
    numbers[ids] = np.arange(len(catalogue))

    rows = np.flatnonzero(counts | again[newer.labels]).tolist()
    added = count_followers(
        [newer.contexts[row] for row in rows],
        newer.labels[rows],
        None if newer.users is None else [newer.users[row] for row in rows],
        again.size,
        options.threshold,
        known=fitted.followers,
    )
    stays = np.ones(own.size, np.bool_)
    stays[relearned] = False
    older = fitted.followers.selected(stays, (), ()) if refreshed else fitted.followers
    words = fitted.words
    if words is not None:
        contexts, labels = [newer.contexts[row] for row in rows], others[newer.labels[rows]]
        words = words.merged(fitted.rows, list(catalogue.keys), own, stays, contexts, labels)
    blend = taught(fitted, pairs.selected(newer.places[counts].tolist()), options)
    return replace(
        fitted,
        catalogue=catalogue,
        followers=older.merged(added, own[stays], others, len(catalogue)),
        model=model.renumber_labels(numbers, len(catalogue)),
        counted=remember(fitted.counted, newer.marks, newer.times),
        phrases=normal_phrases(options.blocklist),
        words=words,
        blend=blend,
    )


def _aged(newer: Instances, counts: NDArray[np.bool_], older: AgedCounts | None) -> AgedCounts | None:
    """Return the counts that age of a newer log, where both have times."""
    if older is None or newer.times is None:
        return None
    times = np.array(newer.times, np.float64)[counts]
    return AgedCounts.of_log(newer.labels[counts], times, len(newer.catalogue), older.half_lives)


def remove_queries(
    fitted: FittedCompleter, ids: NDArray[np.int64], phrases: Sequence[str] = ()
) -> FittedCompleter:
    """Drop some queries, as what followed and as what came before, and contexts that hold a phrase.

    Raises
    ------
    ValueError
        If none would be left.
    """
    catalogue, followers, model = fitted.catalogue, fitted.followers, fitted.model
    kept = np.ones(len(catalogue), np.bool_)
    kept[ids] = False
    if not kept.any():
        raise ValueError(f"all {kept.size} queries would be removed; at least one must be left")
    if ids.size or phrases:
        followers = followers.selected(kept, {catalogue.keys[i] for i in ids.tolist()}, phrases)
    words = fitted.words
    if ids.size:
        catalogue, model = catalogue.selected(kept), model.remove_labels(ids, renumber=True)
        words = None if words is None else words.selected(kept)
    return replace(fitted, catalogue=catalogue, followers=followers, model=model, words=words)


def _first_time(newer: Instances, fitted: FittedCompleter) -> NDArray[np.bool_]:
    """Return which pairs count: those not learned before, and all of queries that are not known any more."""
    seen = learned_before(newer.marks, fitted.counted)
    if newer.times is None:
        if seen.any():
            warn(
                "the very same pairs were learned before; they count once more. With users and times, rows are known "
                "again and count once"
            )
        return np.ones(newer.labels.size, np.bool_)
    known = np.array([key in fitted.catalogue.keys for key in newer.catalogue.keys], np.bool_)
    counts: NDArray[np.bool_] = ~(seen & known[newer.labels])
    if n_again := int(counts.size - counts.sum()):
        warn(
            f"{n_again:,} of {counts.size:,} rows were learned before (same session, time and query); they do not "
            "count again"
        )
    return counts


def _trained(
    fitted: FittedCompleter,
    newer: Instances,
    wanted: NDArray[np.bool_],
    ids: NDArray[np.int64],
    options: CompleterOptions,
) -> XRLinear:
    """Learn some queries of a newer log, in a branch that is a tree of their own."""
    contexts, labels, prefixes = examples(newer, options)
    if wanted[labels].all():
        raise ValueError(
            "the log holds no known query besides those to refresh; new queries need known ones as negatives"
        )
    X, _ = fitted.rows.many(contexts, prefixes)
    columns = np.where(wanted, np.cumsum(wanted) - 1, -1)
    Y = as_csr(lists_to_csr(columns[labels][:, None], ids.size), "labels")
    forms = [newer.catalogue.forms[i] for i in np.flatnonzero(wanted).tolist()]
    tree = grow_query_tree(options, forms, X, Y, fitted.rows.prefix, fitted.model)
    return fitted.model.learn_labels(ids, X, Y, tree=tree)
