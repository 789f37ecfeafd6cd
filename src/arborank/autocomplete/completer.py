"""Autocompleter: the previous queries and a prefix in, likely queries out."""

from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Literal, Self

import numpy as np

from ..core.checks import Missing, check_flag, check_integer, check_missing
from ..core.estimator import Estimator, check_fitted, fitted_clone
from ..core.sequences import as_column, text_list
from ..core.state import State, lasting
from ..core.threads import n_threads
from ..features.base import TextTransformer
from ..linear import XRLinear
from ..storage import SaveMixin
from .catalogue import Catalogue
from .contexts import Previous, read_context
from .fitted import Completions, FittedCompleter
from .fitting import fit_completer
from .followers import Followers
from .normal import normalize
from .options import CompleterOptions, Index, Representation
from .pairs import check_pairs
from .rows import ContextRows
from .sessions import LogRows, session_pairs
from .times import Time
from .updating import remove_queries, update_completer

__all__ = ["Autocompleter"]

_PARTS = ("model", "previous_features", "prefix_features")  # parameters that are saved as what they became


class Autocompleter(SaveMixin, Estimator):
    """Session-aware query autocompletion (Yadav et al., KDD 2021).

    Every query of the log is a label. It is ranked from the words of the queries before it and from character n-grams
    of the prefix, in a label tree that the prefix prunes: no node outside the prefix is scored. What followed the
    previous query in the log comes first; see `complete`.

    Queries, prefixes and contexts are compared in the form that `normalize` gives: lower case, composed Unicode,
    single spaces, one shape of apostrophe, nothing invisible. The spelling sent most often is shown.

    Parameters
    ----------
    index : {"hybrid", "trie", "mustlink", "kmeans"}, default="hybrid"
        The label tree: see `arborank.indexing`.
    depth : int, optional
        Levels of characters in it: 4 for ``"hybrid"``, 16 for ``"trie"``, 3 for ``"mustlink"``.
    representation : {"pifa", "names", "pifa-names"}, default="pifa"
        What stands for a query when k-means groups them: the mean of its instances, the prefix features of its whole
        name, or both side by side. ``"trie"`` does not use it.
    model : XRLinear, optional
        Parameters of the rankers; its ``tree`` is replaced. By default ``XRLinear(threshold=0.05)``, for the
        hybrid tree with ``max_leaf_size=16, beam_size=5``. ``combine`` must give scores from 0 to 1.
    previous_features : vectoriser, optional
        Of the previous queries; it is fitted on one text a pair, all its previous queries, without words that too few
        have sent (see ``min_count``, ``min_users``). By default words that occur in two pairs:
        ``NgramTfidf(tokens="word1", min_df=2, sublinear_tf=True)``, with ``min_df=min_count`` where that is more.
    prefix_features : vectoriser, optional
        Of the prefix; by default ``PrefixTfidf()``.
    prefix_weight : float, default=0.1
        Weight of the prefix beside the previous queries. As the tree is pruned by the prefix, little is needed.
    n_previous : int, default=1
        Previous queries of a session that count.
    decay : float, default=0.5
        Weight of each against the one after it.
    prefix_law : {"uniform", "reciprocal"}, default="uniform"
        How the lengths of training prefixes are drawn; see `sample_lengths`.
    prefixes_per_query : int, default=1
        Training prefixes of every pair.
    min_count : int, default=1
        A query sent less often never becomes a label, nor a previous query of fewer pairs a context, nor a word in
        fewer contexts a feature.
    min_users : int, default=1
        Nor does a query, context or word sent in fewer sessions (by fewer users, where these are given).
    blocklist : collection of str, default=()
        Words and phrases: a query that holds one, as whole words, is never suggested, nor learned from.
    session_gap : float or None, default=1800
        Seconds of silence after which `fit` takes a session to be over.
    random_state : int, default=0
        Seed of the prefixes and of the tree.
    n_jobs : int, optional
        Threads; None or -1 for every core. The result does not depend on it.
    verbose : int, default=0
        1 shows progress bars.

    Attributes
    ----------
    fitted_ : FittedCompleter
        All that was learned, of which these are parts:
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
        n_previous: int = CompleterOptions.n_previous,
        decay: float = CompleterOptions.decay,
        prefix_law: Literal["uniform", "reciprocal"] = CompleterOptions.prefix_law,
        prefixes_per_query: int = CompleterOptions.prefixes_per_query,
        min_count: int = CompleterOptions.min_count,
        min_users: int = CompleterOptions.min_users,
        blocklist: Collection[str] = CompleterOptions.blocklist,
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
        self.session_gap = session_gap
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    # ------------------------------------------------------------------ learn

    def fit(self, log: LogRows, y: object = None) -> Self:
        """Learn from a query log; ``y`` is ignored.

        Parameters
        ----------
        log : iterable of (session, time, query)
            In any order; see `session_pairs` and `read_log`.

        Raises
        ------
        TypeError, ValueError
            If a row or a parameter is of the wrong kind or range, or no query is left; the message names it.
        """
        options = CompleterOptions.of(self)
        pairs = session_pairs(log, n_previous=options.n_previous, session_gap=options.session_gap)
        self.fitted_ = fit_completer(pairs, options)
        return self

    def fit_pairs(
        self,
        previous: Iterable[Previous],
        queries: Iterable[str],
        *,
        users: Iterable[Hashable] | None = None,
        times: Iterable[Time] | None = None,
    ) -> Self:
        """Learn from pairs of what came before and the query that followed.

        Parameters
        ----------
        previous : sequence of str, or of sequences of str, oldest first
            None and ``()`` stand for nothing; of longer sequences the last ``n_previous`` count.
        queries : sequence of str
        users : sequence, optional
            Who sent each query; needed when ``min_users`` is more than 1.
        times : sequence, optional
            When, as for `fit`; with users, an update knows by them what was learned before.

        Raises
        ------
        TypeError, ValueError
            As `fit`.
        """
        options = CompleterOptions.of(self)
        self.fitted_ = fit_completer(check_pairs(previous, queries, users, times), options)
        return self

    def update(self, log: LogRows, *, refresh: Collection[str] = ()) -> Self:
        """Return a completer that knows a newer log.

        - Queries that are new and, in this log, frequent enough for ``min_count`` and ``min_users`` are added, in a
          branch of the tree of their own.
        - How often every query was sent, and after which others, adds up: a known query that begins to follow a
          context is completed there at once. Contexts, too, are kept if they are known or frequent enough.
        - The rankers of known queries stay: what follows contexts that only share words with those of this log is
          learned by `fit` alone, or by ``refresh``.
        - Rows that were learned before (the same session, time and query; those of the last four million rows are
          known) do not count again, so that logs may overlap.
        - Queries that hold a word or phrase of ``blocklist`` or of `block` are removed, with all that was learned from
          them.

        Parameters
        ----------
        log : iterable of (session, time, query)
            As for `Autocompleter.fit`. It must hold known queries beside the new ones, as a log does: they are what
            new queries are told apart from.
        refresh : collection of str, default=()
            Known queries to be forgotten and learned from this log.

        Raises
        ------
        TypeError, ValueError
            As `Autocompleter.fit`, but for a log without a query, which only removes what is blocked; or if a query of
            ``refresh`` is unknown or not in the log, no query of the log is known and stays, or every known query is
            blocked.

        Warns
        -----
        UserWarning
            If some rows were learned before.
        """
        check_fitted(self, "fitted_")
        options = CompleterOptions.of(self)
        pairs = session_pairs(log, n_previous=options.n_previous, session_gap=options.session_gap)
        return fitted_clone(self, fitted_=update_completer(self.fitted_, pairs, options, refresh))

    def update_pairs(
        self,
        previous: Iterable[Previous],
        queries: Iterable[str],
        *,
        users: Iterable[Hashable] | None = None,
        times: Iterable[Time] | None = None,
        refresh: Collection[str] = (),
    ) -> Self:
        """Return a completer that knows newer pairs; see `update` and `Autocompleter.fit_pairs`.

        Pairs without ``users`` and ``times`` are not known again one by one. If all of them were given together
        before, there is a warning, and they count once more.
        """
        check_fitted(self, "fitted_")
        options = CompleterOptions.of(self)
        pairs = check_pairs(previous, queries, users, times)
        return fitted_clone(self, fitted_=update_completer(self.fitted_, pairs, options, refresh))

    def remove(self, queries: Iterable[str], *, missing: Missing = "error") -> Self:
        """Return a completer without some queries: neither their text nor a weight of theirs is left.

        An `update` brings them back if they are sent again; `block` is for good.

        Parameters
        ----------
        queries : iterable of str
        missing : {"error", "ignore"}, default="error"
            What a query is that the completer does not know: a `ValueError`, or nothing, so that the same queries may
            be given twice.

        Raises
        ------
        TypeError, ValueError
            If a query is not a str, is unknown, unless that is to be ignored, or none would be left.
        """
        check_fitted(self, "fitted_")
        ids = set(self.catalogue_.find_all("queries", queries, check_missing(missing)))
        return fitted_clone(self, fitted_=remove_queries(self.fitted_, np.array(sorted(ids), np.int64)))

    def block(self, phrases: Iterable[str]) -> Self:
        """Never suggest queries that hold one of some words or phrases, from now on; saved with the completer.

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
        strict: bool = True,
        beam_size: int | None = None,
    ) -> Completions:
        """Return the likeliest queries that begin with a prefix, best first.

        Parameters
        ----------
        prefix : str
            What has been typed; empty for a guess at the whole query. Where no query begins with it, the result is
            empty.
        previous : str or sequence of str, default=()
            The queries before, oldest first; the last ``n_previous`` that are not blank count. They need not be known.
        k : int, default=10
            Most completions.
        strict : bool, default=True
            Whether every completion begins with the prefix. Otherwise a list that is not full goes on with queries that
            begin with something one typo away (a character too many, too few, another or two swapped; from three
            characters on, and not in the first). If it is empty even then, the result is the most frequent queries that
            share the longest beginning.
        beam_size : int, optional
            Instead of the model's own.

        Returns
        -------
        list of (query, score)
            Scores are from 0 to 1, and compare completions of one prefix. What followed the previous queries comes
            first, by how often it did; then what the model ranks high and what is frequent. Where nothing of the prefix
            followed, the model decides. Where the previous queries are not known either, nor any word of theirs,
            completions are ranked by frequency, and the score is their share of what was sent with this prefix.

        Raises
        ------
        TypeError
            If the prefix or a previous query is not a str, ``strict`` not a bool, or ``k`` or ``beam_size`` no integer.
        ValueError
            If ``k`` or ``beam_size`` is below 1.
        """
        check_fitted(self, "fitted_")
        if not isinstance(prefix, str):
            raise TypeError(f"prefix must be a str, found {type(prefix).__name__}")
        check_flag("strict", strict)
        k, beam_size = _sizes(k, beam_size)
        context = read_context(previous, self.n_previous)
        return self.fitted_.complete(
            normalize(prefix, prefix=True), context, k, strict=strict, beam_size=beam_size
        )

    def complete_batch(
        self,
        prefixes: Iterable[str],
        previous: Iterable[Previous] | None = None,
        k: int = 10,
        *,
        beam_size: int | None = None,
    ) -> list[Completions]:
        """Return what `complete` does, strictly, for many prefixes.

        Parameters
        ----------
        prefixes : sequence of str
        previous : sequence with the previous queries of each, optional
        k, beam_size
            As for `complete`.

        Raises
        ------
        TypeError, ValueError
            As `complete`, and if ``previous`` has not one entry a prefix.
        """
        check_fitted(self, "fitted_")
        k, beam_size = _sizes(k, beam_size)
        keys = [normalize(prefix, prefix=True) for prefix in text_list(prefixes, "prefixes")]
        before: Sequence[Previous] = [()] * len(keys)
        if previous is not None:
            before = list(as_column(previous, "previous", "a sequence with an entry a prefix"))
        if len(before) != len(keys):
            raise ValueError(f"previous must have {len(keys)} entries, one a prefix, found {len(before)}")
        contexts = [
            read_context(texts, self.n_previous, f"previous[{row}]") for row, texts in enumerate(before)
        ]
        return self.fitted_.complete_many(
            keys, contexts, k, beam_size=beam_size, n_threads=n_threads(self.n_jobs)
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
        config["blocklist"] = list(self.blocklist)
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
        CompleterOptions.of(completer)
        completer.fitted_ = FittedCompleter.from_state(state)
        return completer


def _sizes(k: int, beam_size: int | None) -> tuple[int, int | None]:
    """Return checked numbers of answers and of nodes in a beam."""
    return check_integer("k", k, 1), None if beam_size is None else check_integer("beam_size", beam_size, 1)
