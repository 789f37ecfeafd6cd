"""Rows of texts that several trainings share: features are fitted once for each setting of them and each sample."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from time import perf_counter
from typing import Self

from ..core.estimator import Estimator, clone
from ..core.memory import available_memory
from ..features.base import TextTransformer, fit_rows, rows_of

__all__ = ["Memory", "Remembered"]

_SHARE = 0.2  # of the memory that is free


class Remembered(Estimator):
    """Features that give the rows of texts which they have seen before without reading them again.

    Parameters
    ----------
    features : vectoriser
        Fitted by the first call of `fit_transform`.
    """

    def __init__(self, features: TextTransformer) -> None:
        self.features = features
        self.seconds = 0.0
        self.n_bytes = 0
        self._rows: dict[tuple[str, int], object] = {}
        self._fitted_to: int | None = None

    def fit(self, texts: Iterable[str]) -> Self:
        """Learn from texts."""
        self.fit_transform(texts)
        return self

    def fit_transform(self, texts: Iterable[str]) -> object:
        """Learn from texts, unless they are those of the last time, and return their rows."""
        texts = list(texts)
        key = _key(texts)
        if self._fitted_to != key:
            self._rows.clear()
            self.n_bytes = 0
            self.features = clone(self.features)
            start = perf_counter()
            self._keep(("fit", key), fit_rows(self.features, texts))
            self.seconds = perf_counter() - start
            self._fitted_to = key
        return self._rows["fit", key]

    def transform(self, texts: Iterable[str]) -> object:
        """Return the rows of texts."""
        texts = list(texts)
        key = "transform", _key(texts)
        if key not in self._rows:
            start = perf_counter()
            self._keep(key, rows_of(self.features, texts))
            self.seconds += perf_counter() - start
        return self._rows[key]

    def _keep(self, key: tuple[str, int], rows: object) -> None:
        self._rows[key] = rows
        arrays = (getattr(rows, name, None) for name in ("indptr", "indices", "data"))
        self.n_bytes += sum(array.nbytes for array in arrays if array is not None)

    def __sklearn_clone__(self) -> Self:
        """Return this object: the rows are there to be shared."""
        return self


def _key(texts: Sequence[str]) -> int:
    return hash(tuple(texts))


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
