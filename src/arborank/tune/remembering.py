"""Rows of texts that several trainings share: features are fitted once for each setting of them and each sample."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import Self

from ..core.estimator import Estimator, clone
from ..core.memory import available_memory
from ..features.base import TextTransformer, fit_rows, rows_of

__all__ = ["Memory", "Remembered"]

_SHARE = 0.2  # of the memory that is free


@dataclass
class _Fitted:
    """Features that were fitted to some texts, and rows of texts by their key."""

    features: TextTransformer
    rows: dict[int, object]
    seconds: float


class Remembered(Estimator):
    """Features that give the rows of texts which they have seen before without reading them again.

    Parameters
    ----------
    features : vectoriser
        Not fitted; copies of it are.

    Attributes
    ----------
    fitted : vectoriser
        Fitted to the texts of the last `fit_transform`.
    seconds : float
        What this took, whenever it was done.
    is_fresh : bool
        Whether it was done by the last `fit_transform`.
    """

    is_fresh: bool

    def __init__(self, features: TextTransformer) -> None:
        self.features = features
        self._known: dict[int, _Fitted] = {}
        self._last: _Fitted

    @property
    def fitted(self) -> TextTransformer:
        """The fitted vectoriser."""
        return self._last.features

    @property
    def seconds(self) -> float:
        """The time it took to fit it."""
        return self._last.seconds

    @property
    def n_bytes(self) -> int:
        """Size of all rows."""
        rows = (one for fitted in self._known.values() for one in fitted.rows.values())
        arrays = (getattr(one, name, None) for one in rows for name in ("indptr", "indices", "data"))
        return sum(array.nbytes for array in arrays if array is not None)

    def fit(self, texts: Iterable[str]) -> Self:
        """Learn from texts."""
        self.fit_transform(texts)
        return self

    def fit_transform(self, texts: Iterable[str]) -> object:
        """Learn from texts, unless that was done before, and return their rows."""
        texts = list(texts)
        key = hash(tuple(texts))
        self.is_fresh = key not in self._known
        if self.is_fresh:
            start = perf_counter()
            features = clone(self.features)
            rows = fit_rows(features, texts)
            self._known[key] = _Fitted(features, {key: rows}, perf_counter() - start)
        self._last = self._known[key]
        return self._last.rows[key]

    def transform(self, texts: Iterable[str]) -> object:
        """Return the rows of texts."""
        texts = list(texts)
        rows, key = self._last.rows, hash(tuple(texts))
        if key not in rows:
            rows[key] = rows_of(self._last.features, texts)
        return rows[key]

    def __sklearn_clone__(self) -> Self:
        """Return this object: the rows are there to be shared."""
        return self


class Memory:
    """Some `Remembered`, those that were asked for last, as far as memory goes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Remembered] = OrderedDict()

    def of(self, key: Hashable, features: TextTransformer) -> Remembered:
        """Return what was kept under a key, or else begin it with features that are not fitted."""
        found = self._kept.pop(key, None) or Remembered(features)
        room = (available_memory() or 0) * _SHARE
        while self._kept and sum(one.n_bytes for one in self._kept.values()) > room:
            self._kept.popitem(last=False)
        self._kept[key] = found
        return found
