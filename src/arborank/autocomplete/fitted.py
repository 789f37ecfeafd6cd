"""What a completer has learned: queries, what followed what, and a tree of rankers; it completes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..core.sparse import Csr
from ..core.state import State
from ..linear import XRLinear
from ..linear.defaults import search_of
from .catalogue import Catalogue
from .contexts import Context
from .followers import Followers
from .rows import ContextRows
from .typos import one_edit_ranges

__all__ = ["Completions", "FittedCompleter"]

Completions = list[tuple[str, float]]
Run = tuple[int, int]  # the first id, and the one behind the last

_FREQUENCY = 0.03  # its share where nothing followed: it orders what the model holds alike
_NOTHING = np.zeros((1, 0), np.int64), np.zeros((1, 0), np.float32)  # an empty answer of a search


@dataclass(frozen=True, eq=False)
class FittedCompleter:
    """A fitted completer; all texts that it is asked about are in normal form.

    Attributes
    ----------
    catalogue : Catalogue
        The queries, with their counts.
    followers : Followers
        How often each query followed each context.
    rows : ContextRows
        The fitted vectorisers.
    model : XRLinear
        The fitted rankers; a label is a query, by its position in the catalogue.
    counted : uint64 array
        Marks of the rows that were learned, by which an update knows them again.
    """

    catalogue: Catalogue
    followers: Followers
    rows: ContextRows
    model: XRLinear
    counted: NDArray[np.uint64]

    def complete(
        self, prefix: str, context: Context, k: int, *, strict: bool = True, beam_size: int | None = None
    ) -> Completions:
        """Return the ``k`` likeliest queries that begin with a prefix; see `Autocompleter.complete`."""
        k = min(k, len(self.catalogue))
        run = self.catalogue.matching(prefix)
        found: Completions = []
        if run[0] < run[1]:
            best = _NOTHING
            if (row := self.rows.one(context, prefix)) is not None:
                best = self._searched(row, min(k, run[1] - run[0]), beam_size, ranges=np.array([run]))
            found = self._blended(context, run, k, best[0][0], best[1][0])
        if not strict and len(found) < k:
            found += self._near(prefix, context, k, beam_size, {text for text, _ in found})
        return found[:k]

    def complete_many(
        self,
        prefixes: Sequence[str],
        contexts: Sequence[Context],
        k: int,
        *,
        beam_size: int | None = None,
        n_threads: int = 1,
    ) -> list[Completions]:
        """Return what `complete` does, strictly, for many prefixes."""
        k = min(k, len(self.catalogue))
        runs = [self.catalogue.matching(prefix) for prefix in prefixes]
        typed = [prefix if run[0] < run[1] else "" for prefix, run in zip(prefixes, runs, strict=True)]
        X, known = self.rows.many(contexts, typed)
        ids, scores = self._searched(
            X, k, beam_size, ranges=np.array(runs, np.int64).reshape(-1, 2), n_threads=n_threads
        )
        ids[~known] = -1
        return [
            self._blended(context, run, k, its_ids, its_scores) if run[0] < run[1] else []
            for context, run, its_ids, its_scores in zip(contexts, runs, ids, scores, strict=True)
        ]

    def _searched(
        self, X: Csr, k: int, beam_size: int | None, **options: Any
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the labels that the model ranks highest, with their scores."""
        blocked = self.catalogue.blocked
        own_beam, combine = search_of(self.model)
        return self.model.fitted_.search.topk(
            X,
            k,
            beam_size=beam_size or own_beam,
            combine=combine,
            excluded=blocked.astype(np.int64) if blocked.size else None,
            **options,
        )

    def _blended(
        self, context: Context, run: Run, k: int, ids: NDArray[np.int64], scores: NDArray[np.float32]
    ) -> Completions:
        """Rank a run by what followed the context, what the model finds (-1 stands for nothing), and frequency.

        With ``f`` the share of a query in what was sent, of that run, and ``q`` its score by the model (0 where the
        model does not reach it), the score of one that followed ``n`` times of ``N`` is
        ``(n + f (1 + q) / 2) / (N + 1)``: counts come first, and weigh the more the more there are; all else counts as
        one more sending. Where nothing of the run followed, it is ``0.97 q + 0.03 f``, and ``f`` where the model has
        nothing either.
        """
        catalogue, followers = self.catalogue, self.followers
        after = followers.after(context, self.rows.decay)
        often = catalogue.frequent(*run, k)
        best = catalogue.sent.blend(
            *run, k, ids, scores, followers.labels, followers.times, after, often, _FREQUENCY
        )
        return self._named(*best)

    def _near(
        self, prefix: str, context: Context, k: int, beam_size: int | None, found: set[str]
    ) -> Completions:
        """Complete what differs from a prefix by a typo, or shares its beginning if nothing was found."""
        catalogue = self.catalogue
        prefix = prefix[: catalogue.longest + 2]
        runs = one_edit_ranges(catalogue, prefix)
        more: Completions = []
        if runs:
            every = np.concatenate([np.arange(*run, dtype=np.int64) for run in runs])
            ranked = self._anywhere(self.rows.one(context, prefix), every, k, beam_size)
            more = [(text, score) for text, score in ranked if text not in found]
        while not found and not more and prefix:
            prefix = prefix[:-1]
            run = catalogue.matching(prefix)
            if run[0] < run[1]:
                ids = catalogue.frequent(*run, k)
                more = self._named(ids, (catalogue.counts[ids] / catalogue.sent.total(*run)).tolist())
        return more

    def _anywhere(
        self, row: Csr | None, labels: NDArray[np.int64], k: int, beam_size: int | None
    ) -> Completions:
        """Rank some queries; scores are below those of a run, for the search begins at the root."""
        if row is None:
            counts, blocked = self.catalogue.counts[labels], self.catalogue.blocked
            ids = labels[np.argsort(-counts, kind="stable")[: k + blocked.size]]
            ids = ids[~np.isin(ids, blocked)][:k]
            return self._named(ids.tolist(), (self.catalogue.counts[ids] / counts.sum()).tolist())
        best, scores = self._searched(row, min(k, labels.size), beam_size, allowed=labels)
        some = best[0] >= 0
        return self._named(best[0][some].tolist(), scores[0][some].tolist())

    def _named(self, ids: list[int], scores: list[float]) -> Completions:
        return list(zip(self.catalogue.texts.take(ids), scores, strict=True))

    def blocking(self, phrases: Iterable[str]) -> Self:
        """Return a completer that never suggests what holds one of some words or phrases."""
        return replace(self, catalogue=self.catalogue.blocking(phrases))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    # ------------------------------------------------------------------ save

    def to_state(self) -> State:
        """Return what is saved."""
        parts = {name: getattr(self, name) for name in ("catalogue", "followers", "rows", "model")}
        return State({}, {"counted": self.counted}, parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Restore a saved completer; arrays are used where they lie.

        Raises
        ------
        ValueError
            If its parts are of different sizes.
        """
        catalogue, followers = state.part("catalogue", Catalogue), state.part("followers", Followers)
        rows, model = state.part("rows", ContextRows), state.part("model", XRLinear)
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
        return cls(catalogue, followers, rows, model, state.vector("counted", np.uint64))
