"""A completer that follows its log: queries come, are learned anew, and go, without the rest being trained again."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..core.checks import IGNORE_MISSING, Missing, check_missing
from ..core.errors import ArgumentError
from ..core.notices import warn
from ..core.sequences import text_list
from ..core.sparse import as_csr
from ..core.strings import find_all
from ..core.threads import n_threads
from ..linear import XRLinear
from .catalogue import Catalogue
from .contexts import drop_blocked
from .counted import marks_of, remember
from .followers import Followers, count_followers
from .gather import gather_queries
from .growing import grow_tree
from .normal import normalize
from .parameters import check_parameters
from .prefixes import sample_prefixes
from .sessions import Pairs, check_pairs, check_times, timed_pairs
from .suggester import Suggester

__all__ = ["UpdateMixin"]


class UpdateMixin(Suggester):
    """Adds, refreshes and removes queries of a fitted `Autocompleter`.

    Every method returns a new completer that shares the features and most weights with the old one, which stays as it
    is and can serve meanwhile; whatever stops an update leaves no trace.
    """

    index: str
    depth: int | None
    representation: str
    prefix_law: str
    prefixes_per_query: int
    min_count: int
    min_users: int
    blocklist: Collection[str]
    session_gap: float | None
    random_state: int

    def update(self, log: Iterable[Any], *, refresh: Collection[str] = ()) -> Self:
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
        self._check_fitted()
        check_parameters(self)
        pairs, times = timed_pairs(log, n_previous=self.n_previous, session_gap=self.session_gap)
        return self._updated(pairs, times, refresh)

    def update_pairs(
        self,
        previous: Iterable[str | Sequence[str] | None],
        queries: Iterable[str],
        *,
        users: Iterable[Any] | None = None,
        times: Iterable[Any] | None = None,
        refresh: Collection[str] = (),
    ) -> Self:
        """Return a completer that knows newer pairs; see `update` and `Autocompleter.fit_pairs`.

        Pairs without ``users`` and ``times`` are not known again one by one. If all of them were given together
        before, there is a warning, and they count once more.
        """
        self._check_fitted()
        check_parameters(self)
        pairs = check_pairs(previous, queries, users)
        return self._updated(pairs, check_times(times, pairs), refresh)

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
        self._check_fitted()
        ids = np.array(sorted(set(self._ids("queries", queries, check_missing(missing)))), np.int64)
        return self._without(ids, ())

    # ------------------------------------------------------------------ parts

    def _updated(self, pairs: Pairs, times: Sequence[float] | None, refresh: Collection[str]) -> Self:
        blocklist = [*self.blocklist, *self.catalogue_.phrases]
        blocked = np.union1d(self.catalogue_.blocked, self.catalogue_.holding(self.blocklist))
        base = self._without(blocked.astype(np.int64), blocklist)
        refreshed = {base.catalogue_.keys[i] for i in base._ids("refresh", refresh)}
        newer, rows, labels = gather_queries(
            pairs,
            min_count=self.min_count,
            min_users=self.min_users,
            blocklist=blocklist,
            known=base.catalogue_.keys,
        )
        contexts = drop_blocked([self._context(pairs.previous[row]) for row in rows.tolist()], blocklist)
        marks, when = marks_of(pairs, times, rows)
        known = np.array([key in base.catalogue_.keys for key in newer.keys], np.bool_)
        counts = ~(np.isin(marks, base.counted_) & known[labels]) if when is not None else labels >= 0
        _warn_of_repetition(counts, when is None and bool(np.isin(marks, base.counted_).any()))
        newer = Catalogue(newer.keys, newer.texts, np.bincount(labels[counts], minlength=len(newer)))
        again = np.array([key in refreshed for key in newer.keys], np.bool_)
        taught = np.flatnonzero(counts | again[labels])
        users = None if pairs.users is None else [pairs.users[rows[row]] for row in taught.tolist()]
        followers = count_followers(
            [contexts[row] for row in taught.tolist()],
            labels[taught],
            users,
            len(newer),
            min_count=self.min_count,
            min_users=self.min_users,
            known=base.followers_,
        )
        counted = remember(base.counted_, marks, when)
        return base._learned(newer, followers, counted, labels, contexts, refreshed)

    def _learned(
        self,
        newer: Catalogue,
        followers: Followers,
        counted: NDArray[np.uint64],
        labels: NDArray[np.int64],
        contexts: list[tuple[str, ...]],
        refreshed: set[str],
    ) -> Self:
        """Merge a newer log's queries into this completer, and learn those that are new or to be refreshed."""
        catalogue, own, others = self.catalogue_.merged(newer, refreshed)
        missing = refreshed.difference(newer.keys)
        if missing:
            raise ArgumentError("refresh", f"holds {min(missing)!r}, which is not in the log")
        ids = np.full(
            len(catalogue), -1, np.int64
        )  # of the model, before it is numbered by the new catalogue
        ids[own] = np.arange(own.size)
        fresh = np.flatnonzero(ids < 0)
        ids[fresh] = own.size + np.arange(fresh.size)
        wanted = np.array(
            [ids[i] >= own.size or catalogue.keys[i] in refreshed for i in others.tolist()], np.bool_
        )
        model = self.model_
        if wanted.any():
            model = self._trained(newer, labels, contexts, wanted, ids[others[wanted]])
        numbers = np.empty(len(catalogue), np.int64)
        numbers[ids] = np.arange(len(catalogue))
        stays = np.array([key not in refreshed for key in self.catalogue_.keys], np.bool_)
        older = self.followers_.selected(stays, (), ()) if refreshed else self.followers_
        followers = older.merged(followers, own[stays], others, len(catalogue))
        model = model.renumber_labels(numbers, len(catalogue))
        return self._successor(catalogue, followers, counted, model)

    def _trained(
        self,
        newer: Catalogue,
        labels: NDArray[np.int64],
        contexts: list[tuple[str, ...]],
        wanted: NDArray[np.bool_],
        ids: NDArray[np.int64],
    ) -> XRLinear:
        """Learn some queries of a newer log, in a branch that is a tree of their own."""
        contexts = contexts * self.prefixes_per_query
        labels = np.tile(labels, self.prefixes_per_query)
        if wanted[labels].all():
            raise ValueError(
                "the log holds no query that is known and not to be refreshed; new ones need such beside them, to be "
                "told apart from"
            )
        prefixes = sample_prefixes(list(newer.keys), labels, self.prefix_law, self.random_state)
        X, _ = self.rows_.many(contexts, prefixes, n_threads=n_threads(self.n_jobs))
        column = np.cumsum(wanted) - 1
        marked = wanted[labels]
        indptr = np.concatenate([[0], np.cumsum(marked)])
        ones = np.ones(indptr[-1], np.float32)
        Y = sp.csr_array((ones, column[labels[marked]], indptr), (labels.size, ids.size))
        names = [key for key, is_wanted in zip(newer.keys, wanted.tolist(), strict=True) if is_wanted]
        tree = grow_tree(
            self.index,
            self.depth,
            self.representation,
            names,
            X,
            as_csr(Y, "labels"),
            self.rows_.prefix,
            self.model_,
        )
        return self.model_.learn_labels(ids, X, Y, tree=tree)

    def _without(self, ids: NDArray[np.int64], phrases: Iterable[str]) -> Self:
        """Drop some queries, as what followed and as what came before, and contexts that hold a phrase."""
        kept = np.ones(len(self.catalogue_), np.bool_)
        kept[ids] = False
        if not kept.any():
            raise ValueError(f"all {kept.size} queries would be removed; at least one must be left")
        held = [key for key in map(normalize, phrases) if key]
        catalogue, followers, model = self.catalogue_, self.followers_, self.model_
        if ids.size or held:
            followers = followers.selected(kept, {catalogue.keys[i] for i in ids.tolist()}, held)
        if ids.size:
            catalogue, model = catalogue.selected(kept), model.remove_labels(ids, renumber=True)
        return self._successor(catalogue, followers, self.counted_, model)

    def _ids(self, name: str, queries: Iterable[str], missing: Missing | None = None) -> list[int]:
        wanted = text_list(queries, name, ordered=False)
        if missing == "ignore":
            wanted = [query for query in wanted if self.catalogue_.find(query) is not None]
        remedies = [IGNORE_MISSING] if missing == "error" else []
        return find_all(name, wanted, self.catalogue_.find, "which this completer does not know", *remedies)

    def _successor(
        self, catalogue: Catalogue, followers: Followers, counted: NDArray[np.uint64], model: XRLinear
    ) -> Self:
        completer = type(self)(**self.get_params(deep=False))
        completer._set_fitted(catalogue, followers, counted, self.rows_, model)
        return completer


def _warn_of_repetition(counts: NDArray[np.bool_], all_again: bool) -> None:
    n_again = int(counts.size - counts.sum())
    if n_again:
        warn(
            f"{n_again:,} of {counts.size:,} rows were learned before (same session, time and query); they do not "
            "count again"
        )
    elif all_again:
        warn(
            "the very same pairs were learned before; they count once more. With users and times, rows are known again "
            "and count once"
        )
