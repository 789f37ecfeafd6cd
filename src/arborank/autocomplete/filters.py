"""Which queries one call may complete, and how much some of them count."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_real
from ..core.sequences import described, text_list
from .catalogue import Catalogue
from .normal import normalize

__all__ = ["UNLIMITED", "QueryFilter"]


@dataclass(frozen=True, eq=False)
class QueryFilter:
    """Which queries a call may complete, by normal forms; `Autocompleter.prepare_filter` makes it.

    Attributes
    ----------
    catalogue : Catalogue, optional
        Of which it holds ids.
    only : set of str, optional
        The queries that may be completed.
    ids : int64 array, optional
        Those of them that are known, ascending.
    exclude : set of str
        Queries that may not.
    weights : dict of str to float
        By which scores are multiplied.
    weighted : tuple of int
        The queries with a weight that are known and not blocked, ascending.
    n_more : int
        How many completions more are needed, as some may be left out or move down.
    """

    catalogue: Catalogue | None = None
    only: frozenset[str] | None = None
    ids: NDArray[np.int64] | None = None
    exclude: frozenset[str] = frozenset()
    weights: Mapping[str, float] | None = None
    weighted: tuple[int, ...] = ()
    n_more: int = 0

    @classmethod
    def of(
        cls,
        catalogue: Catalogue,
        candidates: Collection[str] | None,
        exclude: Collection[str],
        weights: Mapping[str, float] | None,
    ) -> Self:
        """Read the arguments of a call.

        Raises
        ------
        TypeError, ValueError
            If one is of the wrong kind, or a weight below 0; the message names it.
        """

        def known(keys: Iterable[str]) -> NDArray[np.int64]:
            return np.array(
                sorted(label for key in keys if (label := catalogue.find_key(key)) is not None), np.int64
            )

        only = None if candidates is None else _keys("candidates", candidates)
        factors = None
        if weights is not None:
            if not isinstance(weights, Mapping):
                raise TypeError(
                    f"weights must be a mapping of queries to numbers, found {described(weights)}"
                )
            factors = {
                normalize(query): check_real(f"weights[{query!r}]", weights[query], least=0.0)
                for query in text_list(list(weights), "weights")
            }
        without = _keys("exclude", exclude)
        return cls(
            catalogue,
            only,
            None if only is None else known(only),
            without,
            factors,
            tuple(np.setdiff1d(known(factors or ()), catalogue.blocked).tolist()),
            len(without) + len(factors or ()),
        )

    def applied(self, ranked: list[tuple[str, float]]) -> list[tuple[str, float]]:
        """Return what is left of a ranking, in the order of the weighted scores."""
        weights = self.weights or {}
        kept = []
        for text, score in ranked:
            key = normalize(text)
            if key in self.exclude or (self.only is not None and key not in self.only):
                continue
            if (weight := weights.get(key, 1.0)) > 0:
                kept.append((text, score * weight))
        return sorted(kept, key=lambda one: -one[1]) if weights else kept


UNLIMITED = QueryFilter()


def _keys(name: str, queries: Collection[str]) -> frozenset[str]:
    return frozenset(map(normalize, text_list(queries, name, ordered=False)))
