"""The terms of a vectoriser, in flat arrays that may be memory-mapped and are used as they are."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..core.strings import shown_first

__all__ = ["Vocabulary"]


@dataclass(frozen=True, repr=False)
class Vocabulary:
    """Terms in code point order; the position of a term is its column.

    Attributes
    ----------
    terms : uint8 array
        The UTF-8 bytes of all terms, one after another (lone surrogates encoded as by ``surrogatepass``).
    offsets : int64 array of shape (n_terms + 1,)
        Term ``i`` is ``terms[offsets[i]:offsets[i + 1]]``.
    slots : uint64 array of shape (n_slots, 2)
        Hash table: key and column of a term. The layout is that of ``native/text/table.hpp``.
    """

    terms: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    slots: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def names(self) -> list[str]:
        """Return all terms."""
        return self._first(len(self))

    def _first(self, n: int) -> list[str]:
        ends = self.offsets[: n + 1].tolist()
        data = self.terms[: ends[-1]].tobytes()
        return [data[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(ends)]

    def __repr__(self) -> str:
        return shown_first("Vocabulary", self._first(3), len(self), "terms")
