"""A fitted completer answers: from a keystroke to completions."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer
from ..core.estimator import Estimator, check_fitted
from ..core.sequences import as_column, text_list
from ..core.sparse import Csr
from ..core.threads import n_threads
from ..linear import XRLinear
from ..matching import BeamSearch
from .backoff import blend
from .catalogue import Catalogue
from .followers import Followers
from .normal import normalize
from .rows import ContextRows
from .sessions import as_context
from .typos import one_edit_ranges

__all__ = ["Suggester"]

Completions = list[tuple[str, float]]


class Suggester(Estimator):
    """What `Autocompleter` has beside its ``fit``, which calls `_set_fitted`.

    Attributes
    ----------
    catalogue_ : Catalogue
        The queries, with their counts.
    followers_ : Followers
        How often each query followed each context.
    rows_ : ContextRows
        The fitted vectorisers.
    model_ : XRLinear
    """

    n_previous: int
    n_jobs: int | None
    catalogue_: Catalogue
    followers_: Followers
    counted_: NDArray[np.uint64]
    rows_: ContextRows
    model_: XRLinear

    def _set_fitted(
        self,
        catalogue: Catalogue,
        followers: Followers,
        counted: NDArray[np.uint64],
        rows: ContextRows,
        model: XRLinear,
    ) -> None:
        self.catalogue_ = catalogue
        self.followers_ = followers
        self.counted_ = counted
        self.rows_ = rows
        self.model_ = model
        self._search = BeamSearch(
            model.tree_.branches, model.layers_, model.tree_.labels, model.n_labels_, model.row_length_
        )
        self._set_excluded()

    def _set_excluded(self) -> None:
        blocked = self.catalogue_.blocked
        ones = np.ones(blocked.size, np.float32)
        some = blocked.size > 0
        self._excluded = (
            Csr(np.array([0, blocked.size]), blocked, ones, len(self.catalogue_)) if some else None
        )

    def complete(
        self,
        prefix: str,
        previous: str | Sequence[str] = (),
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
        self._check_fitted()
        if not isinstance(prefix, str):
            raise TypeError(f"prefix must be a str, found {type(prefix).__name__}")
        if not isinstance(strict, bool | np.bool_):
            raise TypeError(f"strict must be True or False, found {strict!r}")
        k = k if type(k) is int and k > 0 else check_integer("k", k, 1)
        key = normalize(prefix, prefix=True)
        run = self.catalogue_.matching(key)
        possible = run[0] < run[1]
        if not possible and strict:
            return []
        context = self._context(previous)
        found: Completions = []
        if possible:
            found = self._ranked(context, key, run, k, beam_size)
        if not strict and len(found) < k:
            self._forgive(found, key, context, k, beam_size)
        return found

    def complete_batch(
        self,
        prefixes: Sequence[str],
        previous: Sequence[str | Sequence[str]] | None = None,
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
        self._check_fitted()
        check_integer("k", k, 1)
        prefixes = text_list(prefixes, "prefixes")
        before: Sequence[Any] = [()] * len(prefixes)
        if previous is not None:
            before = list(as_column(previous, "previous", "a sequence with an entry a prefix"))
        if len(before) != len(prefixes):
            raise ValueError(f"previous must have {len(prefixes)} entries, one a prefix, found {len(before)}")
        keys = [normalize(prefix, prefix=True) for prefix in prefixes]
        ranges = np.array([self.catalogue_.matching(key) for key in keys], dtype=np.int64).reshape(-1, 2)
        possible = ranges[:, 0] < ranges[:, 1]
        typed = [key if any_ else "" for key, any_ in zip(keys, possible.tolist(), strict=True)]
        contexts = [self._context(texts, f"previous[{row}]") for row, texts in enumerate(before)]
        X, known = self.rows_.many(contexts, typed, n_threads=n_threads(self.n_jobs))
        ids, scores = self._search.topk(
            X,
            min(k, len(self.catalogue_)),
            **self._options(beam_size),
            ranges=ranges,
            n_threads=n_threads(self.n_jobs),
        )
        ids[~known] = -1
        rows = zip(contexts, ids.tolist(), scores.tolist(), ranges.tolist(), strict=True)
        return [
            self._blended(context, its_ids, its_scores, (first, end), k) if first < end else []
            for context, its_ids, its_scores, (first, end) in rows
        ]

    def block(self, phrases: Iterable[str]) -> Self:
        """Never suggest queries that hold one of some words or phrases, from now on; saved with the completer.

        Raises
        ------
        TypeError
            If ``phrases`` is anything else than an iterable of str.
        """
        self._check_fitted()
        self.catalogue_.block(text_list(phrases, "phrases", ordered=False))
        self._set_excluded()
        return self

    def _ranked(
        self, context: tuple[str, ...], key: str, run: tuple[int, int], k: int, beam_size: int | None
    ) -> Completions:
        """Complete from a run of ids."""
        options = self._options(beam_size)
        ids: list[int] = []
        scores: list[float] = []
        if (row := self.rows_.one(context, key)) is not None:
            best, theirs = self._search.topk(row, min(k, run[1] - run[0]), **options, ranges=np.array([run]))
            ids, scores = best[0].tolist(), theirs[0].tolist()
        return self._blended(context, ids, scores, run, k)

    def _blended(
        self, context: tuple[str, ...], ids: list[int], scores: list[float], run: tuple[int, int], k: int
    ) -> Completions:
        """Rank a run of ids by what followed the context, what the model finds, and frequency."""
        after = self.followers_.after(context, self.rows_.decay, *run)
        return self._named(*blend(self.catalogue_, run, k, ids, scores, after))

    def _named(self, ids: list[int], scores: list[float]) -> Completions:
        texts = self.catalogue_.texts
        return [(texts[i], score) for i, score in zip(ids, scores, strict=True) if i >= 0]

    def _frequent(self, run: Sequence[int], k: int) -> Completions:
        """Return the most frequent completions of a run with their shares of it."""
        ids = self.catalogue_.frequent(run[0], run[1], k)
        shares = self.catalogue_.shares(ids, run[0], run[1])
        return [
            (self.catalogue_.texts[i], share) for i, share in zip(ids.tolist(), shares.tolist(), strict=True)
        ]

    def _forgive(
        self, found: Completions, key: str, context: tuple[str, ...], k: int, beam_size: int | None
    ) -> None:
        """Append completions of prefixes that differ by a typo, or share the beginning."""
        catalogue = self.catalogue_
        key = key[: catalogue.longest + 2]
        runs = one_edit_ranges(catalogue, key)
        if runs:
            known = {text for text, _ in found}
            more = self._ranked_anywhere(self.rows_.one(context, key), runs, k, beam_size)
            found += [(text, score) for text, score in more if text not in known]
        while not found and key:
            key = key[:-1]
            run = catalogue.matching(key)
            if run[0] < run[1]:
                found += self._frequent(run, k)
        del found[k:]

    def _ranked_anywhere(
        self, row: Csr | None, runs: list[tuple[int, int]], k: int, beam_size: int | None
    ) -> Completions:
        """Complete from several runs of ids; scores are below those of a single run, for they begin at the root."""
        labels = np.concatenate([np.arange(*run, dtype=np.int32) for run in runs])
        if row is None:
            counts = self.catalogue_.counts[labels]
            ids = labels[np.argsort(-counts, kind="stable")[: k + self.catalogue_.blocked.size]]
            ids = ids[~np.isin(ids, self.catalogue_.blocked)][:k]
            scores = self.catalogue_.counts[ids] / counts.sum()
            return self._named(ids.tolist(), scores.tolist())
        ones = np.ones(labels.size, np.float32)
        allowed = Csr(np.array([0, labels.size]), labels, ones, len(self.catalogue_))
        best, their_scores = self._search.topk(
            row, min(k, labels.size), **self._options(beam_size), allowed=allowed
        )
        return self._named(best[0].tolist(), their_scores[0].tolist())

    def _options(self, beam_size: int | None) -> dict[str, Any]:
        model = self.model_
        size = model.beam_size if beam_size is None else check_integer("beam_size", beam_size, 1)
        return {"beam_size": size, "combine": model.combine, "excluded": self._excluded}

    def _context(self, previous: str | Sequence[str] | None, name: str = "previous") -> tuple[str, ...]:
        """Return the normal forms of the last ``n_previous`` queries that are not blank, oldest first."""
        latest: list[str] = []
        for text in reversed(as_context(previous, name)):
            if key := normalize(text):
                latest.append(key)
                if len(latest) == self.n_previous:
                    break
        return tuple(reversed(latest))

    def _check_fitted(self) -> None:
        check_fitted(self, "model_")

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in super().__getstate__().items()
            if name not in ("_search", "_excluded")
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if hasattr(self, "model_"):
            self._set_fitted(self.catalogue_, self.followers_, self.counted_, self.rows_, self.model_)
