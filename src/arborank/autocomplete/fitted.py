"""What a completer has learned: queries, what followed what, and a tree of rankers; it completes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import compress
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .._native import N_EVIDENCE
from ..core.sparse import Csr
from ..core.state import State
from ..linear import XRLinear
from ..linear.defaults import search_of
from .blend import UNLEARNED, Blend
from .catalogue import Catalogue
from .contexts import Context
from .filters import UNLIMITED, QueryFilter
from .followers import Followers
from .history import History
from .lesson import KINDS
from .matches import Matches
from .own import NOTHING, Own, gather_own
from .rows import ContextRows
from .typos import near_queries
from .words import SharedWords

__all__ = ["POOL", "Asked", "Completions", "Evidence", "Explanation", "FittedCompleter", "Found"]

Completions = list[tuple[str, float]]
POOL = 20  # candidates of each source, at least, for weights to choose from
_WIDE = 32  # nodes of a beam, at least, for queries that are no run
_WHOLE = [1.0, 1.0]  # what is left of counts that age, where no time is given
_FREQUENCY = 0.03  # its share where nothing followed: it orders what the model holds alike


class Asked(NamedTuple):
    """What a completer is asked; all texts are in normal form.

    Attributes
    ----------
    prefix : str
        Its form, by which it is compared.
    context : tuple of str
        The previous queries that count, oldest first.
    session : tuple of str
        The previous queries of the session, oldest first, more of them.
    history : History, optional
        What the user sent before, at least one query.
    now : float, optional
        The time, in seconds.
    limits : QueryFilter
        Which queries may be among the completions.
    """

    prefix: str
    context: Context = ()
    session: Context = ()
    history: History | None = None
    now: float | None = None
    limits: QueryFilter = UNLIMITED


class Found(NamedTuple):
    """What is known of a prefix and its context before counting.

    Attributes
    ----------
    matches : Matches
        The queries that match the prefix.
    ids, scores : int64 and float32 arrays
        Those that the model ranks highest, -1 for none.
    columns, values : int32 and float32 arrays
        Features of context and prefix; none where nothing is known of the context.
    """

    matches: Matches
    ids: NDArray[np.int64] = np.zeros(0, np.int64)
    scores: NDArray[np.float32] = np.zeros(0, np.float32)
    columns: NDArray[np.int32] = np.zeros(0, np.int32)
    values: NDArray[np.float32] = np.zeros(0, np.float32)


class Evidence(NamedTuple):
    """Candidates for a prefix and what is known of each.

    Attributes
    ----------
    ids : int64 array of shape (n_candidates,)
        Ascending; from the number of queries in the catalogue on, they stand for ``own``.
    rows : float64 array of shape (n_candidates, N_EVIDENCE)
    in_context : bool
        Whether anything is known of the context.
    own : list of str
        Queries that are in the history only.
    """

    ids: NDArray[np.int64]
    rows: NDArray[np.float64]
    in_context: bool
    own: list[str]


class Explanation(NamedTuple):
    """Why a query stands where it does among the completions of a prefix.

    Attributes
    ----------
    query : str
    score : float
        Its share of the chances of all candidates.
    evidence : dict of float
        What each kind of evidence adds, in units of the logarithm of chances, against the mean of all candidates:
        ``"formula"`` (what followed and what is frequent, by fixed rules), ``"frequency"``, ``"lately"``,
        ``"context"``, ``"words"``, ``"session"`` and ``"history"``. A kind of no weight adds 0.
    """

    query: str
    score: float
    evidence: dict[str, float]


@dataclass(frozen=True, eq=False)
class FittedCompleter:
    """A fitted completer.

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
    blend : Blend, optional
        Weights of the evidence, where users and times are known and enough was sent to learn them.
    phrases : tuple of str
        Normal forms of words and phrases that no query of a user's history may hold to be shown.
    words : SharedWords, optional
        Words of queries and of their contexts, where weights were learned.
    """

    catalogue: Catalogue
    followers: Followers
    rows: ContextRows
    model: XRLinear
    counted: NDArray[np.uint64]
    blend: Blend | None = None
    phrases: tuple[str, ...] = ()
    words: SharedWords | None = None

    def complete(self, asked: Asked, k: int, *, typos: int = 0, beam_size: int | None = None) -> Completions:
        """Return the ``k`` likeliest queries that match a prefix; see `Autocompleter.complete`."""
        matches = self.catalogue.matches(asked.prefix, asked.limits.ids)
        found = self._found(asked, matches, k + asked.limits.n_more, beam_size)
        return self._completed(asked, found, k, typos, beam_size)

    def _completed(
        self, asked: Asked, found: Found, k: int, typos: int, beam_size: int | None
    ) -> Completions:
        own, limits = self._own(asked), asked.limits
        more = k + limits.n_more
        if limits.only is not None:
            more += len(own.ids)
        more = min(more, len(self.catalogue) + len(own.texts))
        ranked: Completions = []
        if own.ids or len(found.matches):
            ranked = self._ranked(asked, own, found, more)
            if limits is not UNLIMITED:
                ranked = limits.applied(ranked)
        if typos and len(ranked) < k:
            ranked += limits.applied(self._near(asked, more, typos, beam_size, ranked))
        return ranked[:k]

    def complete_many(
        self,
        asked: Sequence[Asked],
        k: int,
        *,
        typos: int = 0,
        beam_size: int | None = None,
        n_threads: int = 1,
    ) -> list[Completions]:
        """Return what `complete` does for many prefixes."""
        more = k + max((one.limits.n_more for one in asked), default=0)
        found = self.found_many(asked, self._pool(more), beam_size=beam_size, n_threads=n_threads)
        return [self._completed(one, its, k, typos, beam_size) for one, its in zip(asked, found, strict=True)]

    def found_many(
        self, asked: Sequence[Asked], k: int, *, beam_size: int | None = None, n_threads: int = 1
    ) -> list[Found]:
        """Return what is known of each prefix and its context, with the ``k`` that the model ranks highest."""
        every = [self.catalogue.matches(one.prefix, one.limits.ids) for one in asked]
        runs = [matches.run if matches.ids is None else (0, 0) for matches in every]
        typed = [one.prefix if run[0] < run[1] else "" for one, run in zip(asked, runs, strict=True)]
        X, known = self.rows.many([one.context for one in asked], typed)
        ids, scores = self._searched(
            X, k, beam_size, ranges=np.array(runs, np.int64).reshape(-1, 2), n_threads=n_threads
        )
        ids[~known] = -1
        columns, values = X.indices, X.data
        bounds = (X.indptr[1:] * known).tolist()  # an empty range where nothing is known
        parts = [slice(*pair) for pair in zip(X.indptr[:-1].tolist(), bounds, strict=True)]
        return [
            Found(matches, its, highest, columns[part], values[part])
            if matches.ids is None
            else self._found(one, matches, k, beam_size)
            for one, matches, its, highest, part in zip(asked, every, ids, scores, parts, strict=True)
        ]

    def evidence(self, asked: Asked, found: Found | None = None) -> Evidence:
        """Return the candidates for a prefix and what is known of each; ``found`` is what `found_many` returned."""
        if found is None:
            (found,) = self.found_many([asked], min(POOL, len(self.catalogue)))
        given = asked.session, asked.history, asked.now, self.phrases
        own = gather_own(self.catalogue, asked.prefix, *given)
        known = (*self._given(asked, own, found, POOL), found.matches.native)
        ids, rows, in_context = self.catalogue.sent.evidence(*known)
        return Evidence(ids, rows.reshape(ids.size, N_EVIDENCE), in_context, own.texts)

    def explain(self, asked: Asked, k: int) -> list[Explanation]:
        """Return the ``k`` likeliest queries, each with what puts it there; see `Autocompleter.explain`."""
        found = self.evidence(asked)
        if not found.ids.size:
            return []
        weights = self.weights(asked)
        chosen = (UNLEARNED[0] if weights is None else weights)[int(found.in_context)]
        scores = found.rows @ chosen
        chances = np.exp(scores - scores.max())
        parts = chosen * (found.rows - found.rows.mean(axis=0))
        order = np.argsort(-scores, kind="stable")
        named = self._named(found.ids[order].tolist(), (chances / chances.sum())[order].tolist(), found.own)
        rows = {query: row for row, (query, _) in zip(order.tolist(), named, strict=True)}
        return [
            Explanation(
                query,
                score,
                {kind: float(parts[rows[query], columns].sum()) for kind, columns in KINDS.items()},
            )
            for query, score in asked.limits.applied(named)[:k]
        ]

    def _own(self, asked: Asked) -> Own:
        """Return what history and session hold, where it counts."""
        if self.blend is None and asked.history is None:
            return NOTHING
        return gather_own(self.catalogue, asked.prefix, asked.session, asked.history, asked.now, self.phrases)

    def _pool(self, k: int) -> int:
        """Return how many candidates a source must give for ``k`` completions."""
        return min(k if self.blend is None else max(k, POOL), len(self.catalogue))

    def _found(self, asked: Asked, matches: Matches, k: int, beam_size: int | None) -> Found:
        """Return what is known of the queries that match and the context."""
        typed = "" if matches.ids is not None and self.catalogue.compare.infix else asked.prefix
        if not len(matches) or (row := self.rows.one(asked.context, typed)) is None:
            return Found(matches)
        k = min(self._pool(k), len(matches))
        if matches.ids is None:
            ids, scores = self._searched(row, k, beam_size, ranges=np.array([matches.run]))
        elif not (likely := matches.likely).size:
            return Found(matches)
        else:
            ids, scores = self._searched(row, min(k, likely.size), beam_size or _WIDE, allowed=likely)
        return Found(matches, ids[0], scores[0], row.indices, row.data)

    def weights(self, asked: Asked) -> NDArray[np.float64] | None:
        """Return the weights of the evidence, without and with a known context; None if the formula ranks."""
        if self.blend is not None:
            return self.blend.of(asked.history is not None, len(asked.prefix))
        return None if asked.history is None else UNLEARNED[1]

    def _given(self, asked: Asked, own: Own, found: Found, k: int) -> tuple[Any, ...]:
        """Return what native code takes to weigh the evidence."""
        catalogue, followers, matches = self.catalogue, self.followers, found.matches
        after = followers.after(asked.context, self.rows.decay)
        pool = max(k, POOL)
        also = list(filter(matches.has, asked.limits.weighted))
        if matches.ids is not None:  # else native code finds them
            also += [*matches.frequent(pool), *matches.lately(pool)]
            pool = 0
        extends = (0, 0)
        if asked.session:
            last = catalogue.compare.form(asked.session[-1])
            if last.startswith(asked.prefix) or asked.prefix.startswith(last):
                extends = catalogue.matching(last)
        counts = followers.labels, followers.times, after, also, _FREQUENCY, pool
        words: tuple[Any, ...] = None, found.columns, found.values, found.columns[:0], found.values[:0]
        if self.words is not None:
            words = self.words.native, found.columns, found.values, *self.words.begun(asked.context)
        aged, left = catalogue.aged, _WHOLE
        if aged is not None and asked.now is not None:
            left = aged.left(asked.now)
        if asked.limits.weights:  # any candidate may come first
            k = len(catalogue) + len(own.texts)
        return matches.run, k, found.ids, found.scores, *counts, own.ids, own.values, extends, left, *words

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

    def _ranked(self, asked: Asked, own: Own, found: Found, k: int) -> Completions:
        """Rank a run by what followed the context, what the model finds (-1 stands for nothing), and frequency.

        Where there are weights, they rank all that is known. Otherwise, with ``f`` the share of a query in what was
        sent, of that run, and ``q`` its score by the model (0 where the model does not reach it), the score of one that
        followed ``n`` times of ``N`` is ``(n + f (1 + q) / 2) / (N + 1)``: counts come first, and weigh the more the
        more there are; all else counts as one more sending. Where nothing of the run followed, it is
        ``0.97 q + 0.03 f``, and ``f`` where the model has nothing either.
        """
        catalogue, followers = self.catalogue, self.followers
        if (weights := self.weights(asked)) is not None:
            given = (*self._given(asked, own, found, k), weights, found.matches.native)
            best, shares = catalogue.sent.weighted(*given)
            return self._named(best, shares, own.texts)
        after = followers.after(asked.context, self.rows.decay)
        matches, ids, scores = found[:3]
        often = list(dict.fromkeys([*matches.frequent(k), *filter(matches.has, asked.limits.weighted)]))
        k = len(catalogue) if asked.limits.weights else k
        counts = followers.labels, followers.times, after, often, _FREQUENCY
        ranked = catalogue.sent.blend(matches.run, k, ids, scores, *counts, among=matches.native)
        return self._named(*ranked)

    def _near(
        self, asked: Asked, k: int, typos: int, beam_size: int | None, before: Completions
    ) -> Completions:
        """Complete what differs from a prefix by typos, or shares its beginning if nothing was found ``before``."""
        catalogue, only = self.catalogue, asked.limits.ids
        prefix = asked.prefix[: catalogue.longest + 2]
        own = self._own(asked._replace(prefix=""))
        asked = asked._replace(prefix=prefix)
        known = {text for text, _ in before}
        more: Completions = []
        for ids in near_queries(catalogue, prefix, typos):
            if len(more) >= k:
                break
            matches = Matches(catalogue, (0, len(catalogue)), ids)
            matches = matches if only is None else matches.among(only)
            if len(matches):
                inside = [matches.has(label) for label in own.ids]
                mine = Own(list(compress(own.ids, inside)), own.values[np.array(inside, np.bool_)], [])
                ranked = self._ranked(asked, mine, self._found(asked, matches, k, beam_size), k)
                most = (more or before or [("", 1.0)])[-1][1]
                more += [(text, most * score) for text, score in ranked if text not in known]
        while not before and not more and prefix:
            prefix = prefix[:-1]
            matches = catalogue.matches(prefix, only)
            if len(matches):
                best = matches.frequent(k)
                more = self._named(best, (catalogue.counts[best] / matches.total).tolist())
        return more

    def _named(self, ids: list[int], scores: list[float], own: Sequence[str] = ()) -> Completions:
        """Return queries with their scores; ids from the number of queries on stand for own ones."""
        if not own:
            return list(zip(self.catalogue.texts.take(ids), scores, strict=True))
        texts, n = self.catalogue.texts, len(self.catalogue)
        return [(texts[i] if i < n else own[i - n], score) for i, score in zip(ids, scores, strict=True)]

    def blocking(self, phrases: Iterable[str]) -> Self:
        """Return a completer that never suggests what holds one of some words or phrases."""
        return replace(self, catalogue=self.catalogue.blocking(phrases))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    # ------------------------------------------------------------------ save

    def to_state(self) -> State:
        """Return what is saved."""
        names = ("catalogue", "followers", "rows", "model", "blend", "words")
        parts = {name: part for name in names if (part := getattr(self, name)) is not None}
        return State({}, {"counted": self.counted}, parts)

    @classmethod
    def from_state(cls, state: State, phrases: tuple[str, ...] = ()) -> Self:
        """Restore a saved completer; arrays are used where they lie. ``phrases`` are not saved with it.

        Raises
        ------
        ValueError
            If its parts are of different sizes.
        """
        catalogue, followers = state.part("catalogue", Catalogue), state.part("followers", Followers)
        rows, model = state.part("rows", ContextRows), state.part("model", XRLinear)
        words = state.part("words", SharedWords) if "words" in state.parts else None
        sizes = {
            "catalogue": len(catalogue),
            "followers": followers.n_queries,
            "model": model.n_labels_,
            "tree": model.tree_.n_labels,
        }
        if words is not None:
            sizes["words"] = len(words)
        if len(set(sizes.values())) > 1:
            raise ValueError(f"the parts have different numbers of queries: {sizes}")
        if rows.n_features != model.n_features_in_:
            raise ValueError(
                f"rows have {rows.n_features} features, but the model has {model.n_features_in_}"
            )
        blend = state.part("blend", Blend) if "blend" in state.parts else None
        return cls(
            catalogue, followers, rows, model, state.vector("counted", np.uint64), blend, phrases, words
        )
