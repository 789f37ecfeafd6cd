"""Where the words of queries begin, for prefixes that begin any of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .._native import endings_with, near
from ..core.spelling import word_pattern
from ..core.state import State
from ..core.strings import StringTable
from .phrases import UNSPACED

__all__ = ["WordStarts", "word_starts"]

_ASCII = re.compile(r"\w+", re.ASCII)


def word_starts(form: str) -> list[int]:
    """Return where the words of a form begin, and 0; in scripts without spaces, every letter."""
    words = (_ASCII if form.isascii() else word_pattern()).finditer(form)
    starts = dict.fromkeys((0, *(word.start() for word in words)))
    if not form.isascii() and UNSPACED.search(form):
        for place in range(1, len(form)):
            if form[place].isalnum() and UNSPACED.search(form[place - 1 : place + 1]):
                starts[place] = None
    return sorted(starts)


@dataclass(frozen=True, eq=False)
class WordStarts:
    """The rest of every query from each of its words on, in code point order.

    Attributes
    ----------
    labels, begins : int32 arrays
        Which query each belongs to, and the byte of its form where the word begins.
    """

    labels: NDArray[np.int32]
    begins: NDArray[np.int32]

    @classmethod
    def of(cls, forms: Sequence[str]) -> Self:
        """Find the words of some forms."""
        rows = [
            (form[start:].encode(), label, len(form[:start].encode()))
            for label, form in enumerate(forms)
            for start in word_starts(form)
        ]
        rows.sort()
        return cls(
            np.array([label for _, label, _ in rows], np.int32),
            np.array([begin for *_, begin in rows], np.int32),
        )

    def matching(self, forms: StringTable, prefix: str) -> NDArray[np.int64]:
        """Return the ids of the queries with a word that a prefix begins, ascending."""
        first, end = endings_with(forms.text, forms.offsets, self.labels, self.begins, prefix.encode())
        return np.unique(self.labels[first:end]).astype(np.int64)

    def near(self, forms: StringTable, typed: str, errors: int) -> list[tuple[int, int, int]]:
        """Return runs of places here that begin with what was typed but for some errors; see `near`."""
        return near(forms.text, forms.offsets, self.labels, self.begins, typed.encode(), errors)

    def to_arrays(self) -> dict[str, NDArray[np.int32]]:
        """Return what is saved."""
        return {"word_labels": self.labels, "word_begins": self.begins}

    @classmethod
    def from_state(cls, state: State, n_queries: int) -> Self:
        """Restore what was saved.

        Raises
        ------
        ValueError
            If the arrays do not fit each other or so many queries.
        """
        labels, begins = state.vector("word_labels", np.int32), state.vector("word_begins", np.int32)
        if labels.size != begins.size or (labels.size and not 0 <= labels.min() <= labels.max() < n_queries):
            raise ValueError(f"word_labels must be ids of {n_queries} queries, as many as word_begins")
        return cls(labels, begins)
