"""From pairs to a fitted completer."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from ..core.estimator import clone
from ..core.sparse import as_csr, lists_to_csr
from ..features import NgramTfidf, PrefixTfidf
from ..features.base import TextTransformer
from .aged import AgedCounts
from .blend import Blend
from .contexts import Context, shared_words
from .counted import remember
from .fitted import FittedCompleter
from .followers import count_followers
from .gather import Instances, gather
from .growing import grow_query_tree, new_model
from .learning import blend_of, held_out, of_rankers
from .normal import normalize
from .options import CompleterOptions
from .own_rows import OwnRows
from .pairs import Pairs
from .phrases import normal_phrases
from .prefixes import sample_prefixes
from .rows import ContextRows
from .words import SharedWords

__all__ = ["examples", "fit_completer", "fit_counts"]

_SEVERAL = 5  # previous queries that count where that ranks better than the last one alone


def fit_completer(pairs: Pairs, options: CompleterOptions) -> FittedCompleter:
    """Learn from pairs of what came before and the query that followed.

    Raises
    ------
    ValueError
        If no query is left to learn from.
    """
    phrases = normal_phrases(options.blocklist)
    chosen = held_out(pairs)
    is_open = (
        options.n_previous is None and chosen is not None and any(len(one) > 1 for one in pairs.previous)
    )
    tried = (1, _SEVERAL) if is_open else (options.n_previous or 1,)
    learned = gather(pairs, options, phrases, tried[0])
    ways = []
    for n_previous in tried:
        if n_previous != tried[0]:
            learned = learned.after(pairs, n_previous, phrases)
        own = replace(options, n_previous=n_previous)
        blend = None if chosen is None else _blend(learned, pairs, chosen, own, phrases)
        ways.append((0.0 if blend is None else blend.gained, blend, learned, own))
    _, blend, learned, options = max(ways, key=itemgetter(0))
    del ways
    with_words = blend is not None and blend.uses("words")
    # of what people send one after another, this tells nothing that counts do not
    with_names = blend is not None and pairs.times is None and blend.names_help
    fitted = _fit_once(learned, options, phrases, with_words=with_words, with_names=with_names)
    return replace(fitted, blend=blend)


def _blend(
    learned: Instances,
    pairs: Pairs,
    chosen: NDArray[np.bool_],
    options: CompleterOptions,
    phrases: tuple[str, ...],
) -> Blend | None:
    """Learn weights from some pairs, with what a fit on the others knows; None if these are too few."""
    rest = learned.without(chosen, options.threshold)
    if rest is None:
        return None
    try:
        fitted = _fit_once(rest, replace(options, verbose=0), phrases, of_rankers(pairs), with_words=True)
    except ValueError:  # too little for a vectoriser; what is wrong with all of the log is raised later
        return None
    return blend_of(fitted, pairs, chosen, options)


def fit_counts(queries: Sequence[str], counts: Sequence[int], options: CompleterOptions) -> FittedCompleter:
    """Learn from queries and how often each was sent; see `Autocompleter.fit_counts`."""
    phrases = normal_phrases(options.blocklist)
    sums: Counter[str] = Counter()
    shown: dict[str, tuple[int, str]] = {}
    for query, count in zip(queries, counts, strict=True):
        if (key := normalize(query)) and count:
            sums[key] += count
            shown[key] = min(shown.get(key, (0, "")), (-count, query))
    texts = [shown[key][1] for key, count in sorted(sums.items()) if count >= options.min_count]
    learned = gather(Pairs([()] * len(texts), texts), replace(options, min_count=1), phrases, 1)
    counted = np.array([sums[key] for key in learned.catalogue.keys], np.int64)
    catalogue = learned.catalogue.counting(counted)
    return _fit_once(replace(learned, catalogue=catalogue), options, phrases, with_words=False)


def _fit_once(
    learned: Instances,
    options: CompleterOptions,
    phrases: tuple[str, ...],
    share: float = 1.0,
    *,
    with_words: bool,
    with_names: bool = False,
) -> FittedCompleter:
    """Learn counts, and rankers from the latest share of the pairs only, maybe from queries as their own contexts."""
    catalogue, forms = learned.catalogue, list(learned.catalogue.forms)
    followers = count_followers(
        learned.contexts, learned.labels, learned.users, len(forms), options.threshold
    )
    if learned.times is not None:
        aged = AgedCounts.of_log(learned.labels, np.array(learned.times), len(forms))
        catalogue = catalogue.counting(catalogue.counts, aged)
    every = learned
    if share < 1:
        learned = learned.latest(share)
    contexts, labels, prefixes = examples(learned, options)
    if with_names:
        every_label = np.arange(len(forms))
        contexts = [*contexts, *((key,) for key in catalogue.keys)]
        labels = np.concatenate([labels, every_label])
        prefixes += sample_prefixes(forms, every_label, options.prefix_law, options.random_state + 1)
    rows = ContextRows(
        _fit_previous(learned, options),
        _fit_prefix([prefix for prefix in prefixes if prefix] or forms, options),
        n_previous=options.n_previous or 1,
        decay=float(options.decay),
        prefix_weight=float(options.prefix_weight),
    )
    X, _ = rows.many(contexts, prefixes)
    del contexts, prefixes
    Y = as_csr(lists_to_csr(labels[:, None], len(forms)), "labels")
    model = new_model(options)
    if options.n_jobs is not None:
        model.set_params(n_jobs=options.n_jobs)
    if options.verbose:
        model.set_params(verbose=options.verbose)
    model.set_params(tree=grow_query_tree(options, forms, X, Y, rows.prefix, model))
    model.fit(X, Y, row_length=1.0)
    counted = remember(np.array([], np.uint64), learned.marks, learned.times)
    words = SharedWords.of(rows, list(catalogue.keys), every.contexts, every.labels) if with_words else None
    return FittedCompleter(catalogue, followers, rows, model, counted, phrases=phrases, words=words)


def examples(
    learned: Instances, options: CompleterOptions
) -> tuple[list[Context], NDArray[np.int64], list[str]]:
    """Return what rankers learn from: contexts, the queries that followed by their ids, and a prefix of each."""
    labels = np.tile(learned.labels, options.prefixes_per_query)
    forms = list(learned.catalogue.forms)
    prefixes = sample_prefixes(forms, labels, options.prefix_law, options.random_state)
    return learned.contexts * options.prefixes_per_query, labels, prefixes


def _fit_prefix(prefixes: list[str], options: CompleterOptions) -> TextTransformer:
    given = options.prefix_features
    features = PrefixTfidf(n_jobs=options.n_jobs) if given is None else clone(given)
    fitted: TextTransformer = features.fit(prefixes)
    return fitted


def _fit_previous(learned: Instances, options: CompleterOptions) -> TextTransformer:
    if options.previous_features is None:
        own_rows = OwnRows.of([text for context in learned.contexts for text in context])
        if own_rows is not None:
            return own_rows
    texts = shared_words(learned.contexts, learned.users, options.threshold)
    if options.previous_features is not None:
        fitted: TextTransformer = clone(options.previous_features).fit(texts)
        return fitted
    features = NgramTfidf(tokens="word1", sublinear_tf=True, n_jobs=options.n_jobs)
    for min_df in (2, 1) if options.min_count == 1 else (options.min_count,):  # of too little text, any word
        with suppress(ValueError):  # no word is left
            return features.set_params(min_df=min_df).fit(texts)
    return features.set_params(min_df=1).fit(["nothing"])
