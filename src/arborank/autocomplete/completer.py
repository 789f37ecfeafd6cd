"""Autocompleter: the previous queries and a prefix in, likely queries out."""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np

from ..core.checks import MISSING, Missing, check_choice, check_flag, check_integer
from ..core.estimator import Estimator, check_fitted, fitted_clone
from ..core.sequences import as_column, described, text_list
from ..core.state import State, lasting
from ..core.threads import n_threads
from ..features.base import TextTransformer
from ..linear import XRLinear
from ..storage import SaveMixin
from .catalogue import Catalogue
from .contexts import Context, Previous, Rows, is_rows, read_context
from .filters import QueryFilter
from .fitted import Asked, Completions, Explanation, FittedCompleter
from .fitting import fit_completer, fit_counts
from .followers import Followers
from .history import Entries, History, as_history
from .matching import Fold
from .normal import normalize
from .options import CompleterOptions, Index, Representation
from .own_rows import row_texts
from .pairs import Pairs, check_pairs
from .phrases import normal_phrases
from .rows import ContextRows
from .sessions import SESSION, LogRows, session_pairs
from .times import Time, seconds
from .updating import remove_queries, update_completer

__all__ = ["Autocompleter"]

_PARTS = ("model", "previous_features", "prefix_features")  # parameters that are saved as what they became


class Autocompleter(SaveMixin, Estimator):
    """Session-aware query autocompletion (Yadav et al., KDD 2021).

    Every query of the log is a label. Its rankers see the words of the queries before it and character n-grams of the
    prefix. The prefix prunes the label tree: no node outside it is scored. What followed the previous query in the log
    comes first; see `complete`.

    Queries, prefixes and contexts are compared in normal form: lower case, composed Unicode, single spaces, one kind of
    apostrophe, no invisible characters. The most frequent spelling of a query is shown.

    Parameters
    ----------
    index : {"hybrid", "trie", "mustlink", "kmeans"}, default="hybrid"
        Kind of label tree; see `arborank.indexing`.
    depth : int, optional
        Levels of characters in the tree; by default 4 for ``"hybrid"``, 16 for ``"trie"``, 3 for ``"mustlink"``.
    representation : {"pifa", "names", "pifa-names"}, default="pifa"
        Vector of a query for k-means: the mean of its instances, the prefix features of its whole text, or both side by
        side. ``"trie"`` does not use it.
    model : XRLinear, optional
        Parameters of the rankers; its ``tree`` is replaced. By default ``XRLinear(threshold=0.05)``, with
        ``max_leaf_size=16, beam_size=5`` for the hybrid tree. ``"auto"`` stands for the values of
        ``XRLinear.preset("pecos")`` here, whatever the data. ``combine`` must give scores from 0 to 1.
    previous_features : vectoriser, optional
        Features of the previous queries. It is fitted on one text per pair, its previous queries joined, without rare
        words (see ``min_count``, ``min_users``). By default words that occur in two pairs:
        ``NgramTfidf(tokens="word1", min_df=2, sublinear_tf=True)``, with ``min_df=min_count`` if that is larger.
    prefix_features : vectoriser, optional
        Features of the prefix; by default ``PrefixTfidf()``.
    prefix_weight : float, default=0.1
        Weight of the prefix features beside those of the previous queries. It can be small, as the prefix prunes the
        tree.
    n_previous : int, optional
        Number of previous queries in a session that count. By default the last one, or the last five where a part of
        the log that was held out is completed better then; ``rows_.n_previous`` tells.
    decay : float, default=0.7
        Weight of a previous query relative to the one after it; above 0, at most 1.
    prefix_law : {"uniform", "reciprocal"}, default="uniform"
        Distribution of the lengths of training prefixes; see `sample_lengths`.
    prefixes_per_query : int, default=1
        Number of training prefixes per pair.
    min_count : int, default=1
        Least number of times that a query must be sent to be suggested, of pairs that a context must have to be
        counted, and of contexts that a word must occur in to be a feature.
    min_users : int, default=1
        Least number of different sessions (or users, if given) that must have sent a query, context or word.
    blocklist : collection of str, default=()
        Words and phrases. Queries that contain one of them, as whole words, are neither suggested nor learned from.
    fold : collection of {"accents", "letters", "hangul"}, default=()
        Differences between a prefix and a query that do not count. ``"accents"``: marks above, below and through
        letters, and vowel points of Hebrew and Arabic. ``"letters"``: ``İ``, ``ı`` and ``i``; ``ß`` and ``ss``;
        ligatures, ``œ`` and ``æ``; full and half width; other letters that Unicode takes for the same (NFKC, case
        folding). ``"hangul"``: whether the last syllable is finished, as Hangul is compared by the keys typed.
    infix : bool, default=False
        Whether a prefix may begin any word of a query instead of its first one. In scripts without spaces, every letter
        begins one.
    typos : int, default=1
        How many typos `complete` forgives with ``strict=False``: 1, or 2 in prefixes of six characters and more.
    session_gap : float or None, default=1800
        Seconds of silence that end a session in `fit` and `update`; None for no limit.
    random_state : int, default=0
        Seed of the training prefixes.
    n_jobs : int, optional
        Number of threads; None or -1 for every core. The result does not depend on it.
    verbose : int, default=0
        1 shows progress bars.

    Attributes
    ----------
    fitted_ : FittedCompleter
        All that was learned. The other attributes are parts of it.
    catalogue_ : Catalogue
        The queries, with their counts.
    followers_ : Followers
        How often each query followed each context.
    rows_ : ContextRows
        The fitted vectorisers.
    model_ : XRLinear
        The fitted rankers.

    Examples
    --------
    >>> from arborank import Autocompleter
    >>> log = [("a", 0, "camera"), ("a", 9, "nikon"), ("b", 0, "camera"), ("b", 5, "nikon"),
    ...        ("c", 0, "running shoes"), ("c", 7, "nike"), ("d", 1, "running shoes"), ("d", 2, "nike")]
    >>> completer = Autocompleter().fit(log)
    >>> [query for query, score in completer.complete("n", previous=["camera"])]
    ['nikon', 'nike']
    >>> [query for query, score in completer.complete("n", previous=["running shoes"], k=1)]
    ['nike']
    """

    def __init__(
        self,
        *,
        index: Index = CompleterOptions.index,
        depth: int | None = CompleterOptions.depth,
        representation: Representation = CompleterOptions.representation,
        model: XRLinear | None = CompleterOptions.model,
        previous_features: TextTransformer | None = CompleterOptions.previous_features,
        prefix_features: TextTransformer | None = CompleterOptions.prefix_features,
        prefix_weight: float = CompleterOptions.prefix_weight,
        n_previous: int | None = CompleterOptions.n_previous,
        decay: float = CompleterOptions.decay,
        prefix_law: Literal["uniform", "reciprocal"] = CompleterOptions.prefix_law,
        prefixes_per_query: int = CompleterOptions.prefixes_per_query,
        min_count: int = CompleterOptions.min_count,
        min_users: int = CompleterOptions.min_users,
        blocklist: Collection[str] = CompleterOptions.blocklist,
        fold: Collection[Fold] = CompleterOptions.fold,
        infix: bool = CompleterOptions.infix,
        typos: int = CompleterOptions.typos,
        session_gap: float | None = CompleterOptions.session_gap,
        random_state: int = CompleterOptions.random_state,
        n_jobs: int | None = CompleterOptions.n_jobs,
        verbose: int = CompleterOptions.verbose,
    ) -> None:
        self.index = index
        self.depth = depth
        self.representation = representation
        self.model = model
        self.previous_features = previous_features
        self.prefix_features = prefix_features
        self.prefix_weight = prefix_weight
        self.n_previous = n_previous
        self.decay = decay
        self.prefix_law = prefix_law
        self.prefixes_per_query = prefixes_per_query
        self.min_count = min_count
        self.min_users = min_users
        self.blocklist = blocklist
        self.fold = fold
        self.infix = infix
        self.typos = typos
        self.session_gap = session_gap
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    # ------------------------------------------------------------------ learn

    def fit(self, log: LogRows, y: object = None) -> Self:
        """Learn from a query log; ``y`` is ignored.

        Parameters
        ----------
        log : iterable of (session, time, query) or (session, time, query, user), or a data frame with such columns
            In any order; see `session_pairs` and `read_log`.

        Raises
        ------
        TypeError, ValueError
            If a row or a parameter is of the wrong kind or range, or no query is left; the message names it.
        """
        options = CompleterOptions.of(self)
        pairs = _session_pairs(log, options)
        self.fitted_ = fit_completer(pairs, options)
        return self

    def fit_pairs(
        self,
        previous: Iterable[Previous] | Rows,
        queries: Iterable[str],
        *,
        users: Iterable[Hashable] | None = None,
        times: Iterable[Time] | None = None,
    ) -> Self:
        """Learn from pairs of what came before and the query that followed.

        Parameters
        ----------
        previous : sequence of str, or of sequences of str, oldest first, or sparse matrix with a row each
            What came before each query; None or ``()`` for nothing. The last ``n_previous`` of each count. Rows of a
            matrix are contexts of any kind by features of your own; then `complete` takes such rows, too, and words as
            well as ``previous_features`` play no part.
        queries : sequence of str
        users : sequence, optional
            Who sent each query; needed when ``min_users`` is more than 1.
        times : sequence, optional
            When each query was sent, as for `fit`. With users and times, an update recognises pairs that were learned
            before.

        Raises
        ------
        TypeError, ValueError
            As `fit`.
        """
        options = CompleterOptions.of(self)
        self.fitted_ = fit_completer(check_pairs(previous, queries, users, times), options)
        return self

    def fit_counts(self, counts: Mapping[str, int]) -> Self:
        """Learn from how often queries were sent, without a log; nothing is known of contexts then.

        Parameters
        ----------
        counts : mapping of str to int
            Counts of different spellings of a query add up; the most frequent one is shown. Queries below ``min_count``
            are left out.

        Raises
        ------
        TypeError, ValueError
            If ``counts`` is no mapping, a query no str, a count no integer or below 0, or a parameter out of range; if
            ``min_users`` is above 1, as users are not known; or if no query is left.
        """
        options = CompleterOptions.of(self)
        if not isinstance(counts, Mapping):
            raise TypeError(f"counts must be a mapping of queries to numbers, found {described(counts)}")
        queries = text_list(list(counts), "counts")
        numbers = [check_integer(f"counts[{query!r}]", counts[query], 0) for query in queries]
        self.fitted_ = fit_counts(queries, numbers, options)
        return self

    def update(self, log: LogRows, *, refresh: Collection[str] = ()) -> Self:
        """Return a completer that has learned a newer log, too.

        It shares features and most weights with this one, which stays as it is and can serve meanwhile.

        - New queries that are frequent enough in this log (``min_count``, ``min_users``) are added, in a branch of the
          tree of their own.
        - Counts add up: how often every query was sent, and after which others. A known query that begins to follow a
          context is completed there at once. Contexts are kept if they are known or frequent enough.
        - The weights of the evidence learn from some of the queries, if their times are known.
        - The rankers of known queries stay. Only `fit` or ``refresh`` teaches them what follows contexts that merely
          share words with those of this log.
        - Rows that were learned before (same session, time and query, among the last four million rows) do not count
          again, so logs may overlap.
        - Queries that contain a word or phrase of ``blocklist`` or of `block` are removed, with all that was learned
          from them.

        Parameters
        ----------
        log : iterable of (session, time, query) or (session, time, query, user), or a data frame with such columns
            As for `fit`. It must contain known queries beside the new ones, whose rankers need them as negatives.
        refresh : collection of str, default=()
            Known queries to forget and to learn again from this log.

        Raises
        ------
        TypeError, ValueError
            As `fit`, except that a log without queries is allowed: it only removes what is blocked. Also if a query of
            ``refresh`` is unknown or not in the log, if the log contains new queries only, or if every known query is
            blocked.

        Warns
        -----
        UserWarning
            If some rows were learned before.
        """
        check_fitted(self, "fitted_")
        options = CompleterOptions.of(self)
        pairs = _session_pairs(log, options)
        return fitted_clone(self, fitted_=update_completer(self.fitted_, pairs, options, refresh))

    def update_pairs(
        self,
        previous: Iterable[Previous] | Rows,
        queries: Iterable[str],
        *,
        users: Iterable[Hashable] | None = None,
        times: Iterable[Time] | None = None,
        refresh: Collection[str] = (),
    ) -> Self:
        """Return a completer that has learned newer pairs, too; see `update` and `fit_pairs`.

        Pairs without ``users`` and ``times`` are not recognised one by one: they count again. If the very same pairs
        were learned before, there is a warning.
        """
        check_fitted(self, "fitted_")
        options = CompleterOptions.of(self)
        pairs = check_pairs(previous, queries, users, times)
        return fitted_clone(self, fitted_=update_completer(self.fitted_, pairs, options, refresh))

    def remove(self, queries: Iterable[str], *, missing: Missing = "error") -> Self:
        """Return a completer without some queries, their texts and their weights.

        An `update` adds them again if they are sent again; `block` is permanent.

        Parameters
        ----------
        queries : iterable of str
        missing : {"error", "ignore"}, default="error"
            Whether an unknown query is a `ValueError`. With ``"ignore"`` the same queries may be given twice.

        Raises
        ------
        TypeError, ValueError
            If a query is not a str or, unless ``missing="ignore"``, is unknown; or if no query would be left.
        """
        check_fitted(self, "fitted_")
        check_choice("missing", missing, MISSING)
        ids = set(self.catalogue_.find_all("queries", queries, missing))
        return fitted_clone(self, fitted_=remove_queries(self.fitted_, np.array(sorted(ids), np.int64)))

    def block(self, phrases: Iterable[str]) -> Self:
        """Never suggest queries that contain one of some words or phrases, from now on; saved with the completer.

        Raises
        ------
        TypeError
            If ``phrases`` is anything else than an iterable of str.
        """
        check_fitted(self, "fitted_")
        self.fitted_ = self.fitted_.blocking(text_list(phrases, "phrases", ordered=False))
        return self

    # ------------------------------------------------------------------ complete

    def complete(
        self,
        prefix: str,
        previous: Previous = (),
        k: int = 10,
        *,
        history: History | Entries | None = None,
        now: Time | None = None,
        candidates: Collection[str] | None = None,
        exclude: Collection[str] = (),
        weights: Mapping[str, float] | None = None,
        query_filter: QueryFilter | None = None,
        strict: bool = True,
        beam_size: int | None = None,
    ) -> Completions:
        """Return the likeliest queries that begin with a prefix, best first.

        Parameters
        ----------
        prefix : str
            What has been typed; empty for suggestions of the next query. If no query begins with it, the result is
            empty.
        previous : str, sequence of str or sparse matrix of one row, default=()
            The queries sent before, oldest first. The last ``n_previous`` that are not blank count, known or not.
            A row holds the features of the context, after `fit_pairs` with such rows.
        k : int, default=10
            Largest number of completions.
        history : History or iterable of (query, time), optional
            What this user sent before, in any order; the last 1,000 of an iterable count. It is used for this call
            only. Its queries may be completed even if they are not in the catalogue, unless they contain a word or
            phrase of ``blocklist`` or of `block`. A `History` that is kept saves the time to read it again.
        now : number, str or date, optional
            The time, for how long ago queries of ``history`` and of the log were sent; by default that of the last one
            of each. What was sent later counts as sent now.
        candidates : collection of str, optional
            The only queries to be completed in this call, in any spelling; unknown ones do nothing.
        exclude : collection of str, default=()
            Queries that are not to be completed in this call.
        weights : mapping of str to float, optional
            By which the scores of some queries are multiplied, before they are put in order; at least 0, which leaves
            a query out.
        query_filter : QueryFilter, optional
            In place of these three for many calls: what `prepare_filter` has made of them.
        strict : bool, default=True
            Whether every completion must begin with the prefix. If False, a list of fewer than ``k`` goes on with
            queries that begin with something one typo away: a character too many, too few, a wrong one, or two swapped;
            for prefixes of at least three characters, and not in the first one. Where ``typos=2``, it then goes on with
            those two typos away. If nothing is found even then, the result is the most frequent queries that share the
            longest beginning.
        beam_size : int, optional
            Nodes kept at every inner level of the search; by default the ``beam_size`` of the model.

        Returns
        -------
        list of (query, score)
            Scores are from 0 to 1, and comparable for one prefix only. After a fit on 300 queries or more, learned
            weights rank what all evidence speaks for, and a score is a query's share of all chances. Otherwise
            queries of the history come first, the latest at the top, then those that followed the previous ones, by
            how often, then those that the model ranks high, and frequent ones. If no query with this prefix followed,
            the model decides. If neither the previous queries nor their words are known, completions are ranked by
            frequency, and a score is a query's share of all sent with this prefix.

        Raises
        ------
        TypeError
            If the prefix or a previous query is not a str, ``strict`` not a bool, ``k`` or ``beam_size`` no integer, or
            an entry of ``history`` not a query and its time.
        ValueError
            If ``k`` or ``beam_size`` is below 1, or ``now`` or a time of ``history`` is none.
        """
        check_flag("strict", strict)
        k, beam_size = _sizes(k, beam_size)
        asked = self._asked(prefix, previous, history, now)
        if query_filter is not None or candidates is not None or exclude or weights is not None:
            asked = asked._replace(limits=self._limits(query_filter, candidates, exclude, weights))
        return self.fitted_.complete(asked, k, typos=0 if strict else self.typos, beam_size=beam_size)

    def prepare_filter(
        self,
        *,
        candidates: Collection[str] | None = None,
        exclude: Collection[str] = (),
        weights: Mapping[str, float] | None = None,
    ) -> QueryFilter:
        """Prepare a filter that many calls share, so that they need not look its queries up again.

        Parameters
        ----------
        candidates, exclude, weights
            As for `complete`.

        Returns
        -------
        QueryFilter
            For ``query_filter`` of `complete`, `complete_batch` and `explain` of this completer, until it is fitted
            again or `block` is called.

        Raises
        ------
        TypeError, ValueError
            As `complete`.
        """
        check_fitted(self, "fitted_")
        return QueryFilter.of(self.catalogue_, candidates, exclude, weights)

    def _limits(
        self,
        query_filter: QueryFilter | None,
        candidates: Collection[str] | None,
        exclude: Collection[str],
        weights: Mapping[str, float] | None,
    ) -> QueryFilter:
        if query_filter is None:
            return self.prepare_filter(candidates=candidates, exclude=exclude, weights=weights)
        if not isinstance(query_filter, QueryFilter):
            raise TypeError(
                f"query_filter must be what prepare_filter returned, found {type(query_filter).__name__}"
            )
        if query_filter.catalogue is not self.catalogue_:
            raise ValueError(
                "query_filter is of other queries; prepare_filter of this completer makes one that fits"
            )
        if candidates is not None or exclude or weights is not None:
            raise ValueError(
                "query_filter stands in place of candidates, exclude and weights; give these to prepare_filter"
            )
        return query_filter

    def _asked(
        self, prefix: str, previous: Previous, history: History | Entries | None, now: Time | None
    ) -> Asked:
        check_fitted(self, "fitted_")
        if not isinstance(prefix, str):
            raise TypeError(f"prefix must be a str, found {type(prefix).__name__}")
        form = self.catalogue_.compare.form(normalize(prefix, prefix=True))
        return Asked(form, *self._before(previous), as_history(history), _moment(now, "now"))

    def _before(self, previous: Previous, name: str = "previous") -> tuple[Context, Context]:
        """Return the previous queries that count, and more of the session."""
        n_previous = self.rows_.n_previous
        session = read_context(previous, max(n_previous, SESSION), name)
        return session[-n_previous:], session

    def explain(
        self,
        prefix: str,
        previous: Previous = (),
        k: int = 10,
        *,
        history: History | Entries | None = None,
        now: Time | None = None,
        candidates: Collection[str] | None = None,
        exclude: Collection[str] = (),
        weights: Mapping[str, float] | None = None,
        query_filter: QueryFilter | None = None,
    ) -> list[Explanation]:
        """Return the likeliest completions of a prefix, each with what the kinds of evidence add to its chances.

        Where weights were learned, the order is that of `complete`. Without them, all but a history counts by fixed
        rules, as one kind.

        Parameters
        ----------
        prefix, previous, k, history, now, candidates, exclude, weights, query_filter
            As for `complete`.

        Returns
        -------
        list of Explanation

        Raises
        ------
        TypeError, ValueError
            As `complete`.
        """
        asked = self._asked(prefix, previous, history, now)
        asked = asked._replace(limits=self._limits(query_filter, candidates, exclude, weights))
        return self.fitted_.explain(asked, check_integer("k", k, 1))

    def complete_batch(
        self,
        prefixes: Iterable[str],
        previous: Iterable[Previous] | Rows | None = None,
        k: int = 10,
        *,
        histories: Iterable[History | Entries | None] | None = None,
        now: Iterable[Time | None] | None = None,
        candidates: Collection[str] | None = None,
        exclude: Collection[str] = (),
        weights: Mapping[str, float] | None = None,
        query_filter: QueryFilter | None = None,
        strict: bool = True,
        beam_size: int | None = None,
    ) -> list[Completions]:
        """Return what `complete` does for many prefixes.

        Parameters
        ----------
        prefixes : sequence of str
        previous : sequence with the previous queries of each, or sparse matrix with a row of each, optional
        histories : sequence with the history of each user or None, optional
        now : sequence with the time of each or None, optional
        k, candidates, exclude, weights, query_filter, strict, beam_size
            As for `complete`; they hold for all.

        Raises
        ------
        TypeError, ValueError
            As `complete`, and if ``previous``, ``histories`` or ``now`` has not one entry per prefix.
        """
        check_fitted(self, "fitted_")
        check_flag("strict", strict)
        k, beam_size = _sizes(k, beam_size)
        form = self.catalogue_.compare.form
        keys = [form(normalize(prefix, prefix=True)) for prefix in text_list(prefixes, "prefixes")]
        rows = row_texts(previous, "previous") if is_rows(previous) else previous
        before = _one_each("previous", rows, len(keys))
        kept = _one_each("histories", histories, len(keys))
        times = _one_each("now", now, len(keys))
        limits = self._limits(query_filter, candidates, exclude, weights)
        asked = [
            Asked(
                key,
                *self._before(texts, f"previous[{row}]"),
                as_history(history, f"histories[{row}]"),
                _moment(time, f"now[{row}]"),
                limits,
            )
            for row, (key, texts, history, time) in enumerate(zip(keys, before, kept, times, strict=True))
        ]
        return self.fitted_.complete_many(
            asked, k, typos=0 if strict else self.typos, beam_size=beam_size, n_threads=n_threads(self.n_jobs)
        )

    @property
    def catalogue_(self) -> Catalogue:
        """The queries, with their counts."""
        return self.fitted_.catalogue

    @property
    def followers_(self) -> Followers:
        """How often each query followed each context."""
        return self.fitted_.followers

    @property
    def rows_(self) -> ContextRows:
        """The fitted vectorisers."""
        return self.fitted_.rows

    @property
    def model_(self) -> XRLinear:
        """The fitted rankers."""
        return self.fitted_.model

    def _fitted_stages(self) -> Mapping[str, Any]:
        if not hasattr(self, "fitted_"):
            return {}
        rows = self.rows_
        return {"previous_features": rows.previous, "prefix_features": rows.prefix, "model": self.model_}

    # ------------------------------------------------------------------ save

    def to_state(self) -> State:
        """Take the fitted completer apart for saving.

        Raises
        ------
        TypeError, ValueError
            If a parameter was set since to what `from_state` would refuse.
        """
        check_fitted(self, "fitted_")
        CompleterOptions.of(self)
        params = lasting(self.get_params(deep=False))
        config = {name: value for name, value in params.items() if name not in _PARTS}
        config |= {"blocklist": list(self.blocklist), "fold": list(self.fold)}
        state = self.fitted_.to_state()
        return State(config, state.arrays, state.parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved completer together again; arrays are used where they lie.

        Raises
        ------
        TypeError, ValueError
            If a parameter is out of its range, or parts are of different sizes.
        """
        completer = cls(**lasting(state.config))
        options = CompleterOptions.of(completer)
        completer.fitted_ = FittedCompleter.from_state(state, normal_phrases(options.blocklist))
        return completer


def _session_pairs(log: LogRows, options: CompleterOptions) -> Pairs:
    n_previous = max(options.n_previous or 1, SESSION)
    return session_pairs(log, n_previous=n_previous, session_gap=options.session_gap)


def _one_each(name: str, values: Iterable[Any] | None, n: int) -> Sequence[Any]:
    """Return an argument that has an entry for each prefix; without it, None for each."""
    if values is None:
        return [None] * n
    entries = list(as_column(values, name, "a sequence with one entry per prefix"))
    if len(entries) != n:
        raise ValueError(f"{name} must have {n} entries, one per prefix, found {len(entries)}")
    return entries


def _moment(now: Time | None, name: str) -> float | None:
    """Return a time in seconds, if there is one."""
    try:
        return None if now is None else seconds(now)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _sizes(k: int, beam_size: int | None) -> tuple[int, int | None]:
    """Return checked numbers of answers and of nodes in a beam."""
    return check_integer("k", k, 1), None if beam_size is None else check_integer("beam_size", beam_size, 1)
