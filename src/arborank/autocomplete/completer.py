"""Autocompleter: the previous queries and a prefix in, likely queries out."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any, Literal, Self

import numpy as np
import scipy.sparse as sp

from ..core.estimator import check_fitted, clone
from ..core.sparse import as_csr
from ..core.state import State, lasting
from ..core.threads import n_threads
from ..features import NgramTfidf, PrefixTfidf
from ..linear import XRLinear
from ..storage import SaveMixin
from .catalogue import Catalogue
from .contexts import drop_blocked, shared_words
from .counted import marks_of, remember
from .followers import Followers, count_followers
from .gather import gather_queries
from .growing import default_model, grow_tree
from .parameters import check_parameters
from .prefixes import sample_prefixes
from .rows import ContextRows
from .sessions import Pairs, check_pairs, check_times, timed_pairs
from .updating import UpdateMixin

__all__ = ["Autocompleter"]


class Autocompleter(SaveMixin, UpdateMixin):
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
    catalogue_ : Catalogue
        The queries, with their counts.
    followers_ : Followers
        How often each query followed each context.
    counted_ : uint64 array
        Marks of the rows that were learned, by which an update knows them again.
    rows_ : ContextRows
        The fitted vectorisers.
    model_ : XRLinear

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
        index: Literal["hybrid", "trie", "mustlink", "kmeans"] = "hybrid",
        depth: int | None = None,
        representation: Literal["pifa", "names", "pifa-names"] = "pifa",
        model: XRLinear | None = None,
        previous_features: Any = None,
        prefix_features: Any = None,
        prefix_weight: float = 0.1,
        n_previous: int = 1,
        decay: float = 0.5,
        prefix_law: Literal["uniform", "reciprocal"] = "uniform",
        prefixes_per_query: int = 1,
        min_count: int = 1,
        min_users: int = 1,
        blocklist: Collection[str] = (),
        session_gap: float | None = 1800.0,
        random_state: int = 0,
        n_jobs: int | None = None,
        verbose: int = 0,
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

    # ------------------------------------------------------------------ fit

    def fit(self, log: Iterable[Any], y: Any = None) -> Self:
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
        check_parameters(self)
        return self._fit(*timed_pairs(log, n_previous=self.n_previous, session_gap=self.session_gap))

    def fit_pairs(
        self,
        previous: Iterable[str | Sequence[str] | None],
        queries: Iterable[str],
        *,
        users: Iterable[Any] | None = None,
        times: Iterable[Any] | None = None,
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
        check_parameters(self)
        pairs = check_pairs(previous, queries, users)
        return self._fit(pairs, check_times(times, pairs))

    def _fit(self, pairs: Pairs, times: list[float] | None) -> Self:
        catalogue, kept, labels = gather_queries(
            pairs, min_count=self.min_count, min_users=self.min_users, blocklist=self.blocklist
        )
        contexts = drop_blocked([self._context(pairs.previous[row]) for row in kept.tolist()], self.blocklist)
        users = None if pairs.users is None else [pairs.users[row] for row in kept.tolist()]
        followers = count_followers(
            contexts, labels, users, len(catalogue), min_count=self.min_count, min_users=self.min_users
        )
        counted = remember(np.array([], np.uint64), *marks_of(pairs, times, kept))
        previous = self._fit_previous(
            shared_words(contexts, users, min_count=self.min_count, min_users=self.min_users)
        )
        contexts *= self.prefixes_per_query
        labels = np.tile(labels, self.prefixes_per_query)
        keys = list(catalogue.keys)
        prefixes = sample_prefixes(keys, labels, self.prefix_law, self.random_state)
        rows = ContextRows(
            previous,
            self._fit_prefix([prefix for prefix in prefixes if prefix] or keys),
            decay=float(self.decay),
            prefix_weight=float(self.prefix_weight),
        )
        X, _ = rows.many(contexts, prefixes, n_threads=n_threads(self.n_jobs))
        del contexts, prefixes
        ones = np.ones(labels.size, np.float32)
        matrix = sp.csr_array((ones, labels, np.arange(labels.size + 1)), shape=(labels.size, len(keys)))
        Y = as_csr(matrix, "labels")
        model = clone(self.model) if self.model is not None else default_model(self.index)
        if self.n_jobs is not None:
            model.set_params(n_jobs=self.n_jobs)
        if self.verbose:
            model.set_params(verbose=self.verbose)
        model.set_params(
            tree=grow_tree(self.index, self.depth, self.representation, keys, X, Y, rows.prefix, model)
        )
        model._fit(X, Y, row_length=1.0)
        # together, and last: a fit that fails leaves the completer as it was
        self._set_fitted(catalogue, followers, counted, rows, model)
        return self

    def _fit_prefix(self, prefixes: list[str]) -> Any:
        features = (
            PrefixTfidf(n_jobs=self.n_jobs) if self.prefix_features is None else clone(self.prefix_features)
        )
        return features.fit(prefixes)

    def _fit_previous(self, texts: list[str]) -> Any:
        if self.previous_features is not None:
            return clone(self.previous_features).fit(texts)
        features = NgramTfidf(
            tokens="word1", min_df=max(2, self.min_count), sublinear_tf=True, n_jobs=self.n_jobs
        )
        for min_df in (features.min_df, 1)[: 2 if self.min_count == 1 else 1]:  # of too little text, any word
            with suppress(ValueError):  # no word is left
                return features.set_params(min_df=min_df).fit(texts)
        return features.set_params(min_df=1).fit(["nothing"])

    # ------------------------------------------------------------------ save

    def to_state(self) -> State:
        """Take the fitted completer apart for saving.

        Raises
        ------
        TypeError, ValueError
            If a parameter was set since to what `from_state` would refuse.
        """
        check_fitted(self, "model_")
        check_parameters(self)
        stages = ("model", "previous_features", "prefix_features")  # saved as what they became
        params = lasting(self.get_params(deep=False))
        config = {name: value for name, value in params.items() if name not in stages}
        config["blocklist"] = list(self.blocklist)
        parts = {
            "catalogue": self.catalogue_,
            "followers": self.followers_,
            "rows": self.rows_,
            "model": self.model_,
        }
        return State(config, {"counted": self.counted_}, parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved completer together again; arrays are used where they lie.

        Raises
        ------
        ValueError
            If its parts are of different sizes.
        """
        completer = cls(**lasting(state.config))
        check_parameters(completer)
        catalogue, followers = state.part("catalogue", Catalogue), state.part("followers", Followers)
        rows, model = state.part("rows", ContextRows), state.part("model", XRLinear)
        counted = state.arrays["counted"]
        if counted.dtype != np.uint64 or counted.ndim != 1:
            raise ValueError(
                f"counted must be a vector of uint64, found {counted.dtype} of shape {counted.shape}"
            )
        sizes = {
            "catalogue": len(catalogue),
            "followers": followers.n_queries,
            "model": model.n_labels_,
            "tree": model.tree_.n_labels,
        }
        if len(set(sizes.values())) > 1:
            raise ValueError(f"the parts have different numbers of queries: {sizes}")
        if rows.n_features != model.n_features_in_:
            raise ValueError(
                f"rows have {rows.n_features} features, but the model has {model.n_features_in_}"
            )
        completer._set_fitted(catalogue, followers, counted, rows, model)
        return completer
