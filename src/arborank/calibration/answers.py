"""What a calibrated model answers to the rows that it was calibrated on: what rules of decision are tuned on."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..core.state import State
from ..core.types import AnyArray

__all__ = ["Answers"]


@dataclass(frozen=True, eq=False)
class Answers:
    """Held-out rows: their best labels with probabilities, and which of them are relevant.

    Attributes
    ----------
    ids : int32 array of shape (n_rows, width)
        Best first, padded with -1.
    chances : float32 array of shape (n_rows, width)
        Probabilities, padded with -inf. What a label's own hits say comes from other rows.
    hits : bool array of shape (n_rows, width)
    n_relevant : int32 array of shape (n_rows,)
        Relevant labels of every row, listed or not.
    """

    ids: NDArray[np.int32]
    chances: NDArray[np.float32]
    hits: NDArray[np.bool_]
    n_relevant: NDArray[np.int32]

    def after_update(self, places: NDArray[np.int64], n_labels: int) -> Self:
        """Follow labels that came, changed or went: those that are not what they were are nobody's answer.

        Parameters
        ----------
        places : int64 array
            The old id of every label; -1 for those that were learned since.
        n_labels : int
            Labels before.
        """
        new = np.full(n_labels + 1, -1, np.int32)
        kept = places >= 0
        new[places[kept]] = np.flatnonzero(kept)
        ids = new[self.ids]
        order = np.argsort(ids < 0, axis=1, kind="stable")  # padding comes last
        lost = (self.hits & (ids < 0)).sum(axis=1)
        chances, hits = np.where(ids >= 0, self.chances, np.float32(-np.inf)), self.hits & (ids >= 0)
        return replace(
            self,
            ids=np.take_along_axis(ids, order, axis=1),
            chances=np.take_along_axis(chances, order, axis=1),
            hits=np.take_along_axis(hits, order, axis=1),
            n_relevant=(self.n_relevant - lost).astype(np.int32),
        )

    def to_state(self) -> State:
        """Return what is saved."""
        hits = self.hits.astype(np.uint8)
        arrays: dict[str, AnyArray] = {
            "ids": self.ids,
            "chances": self.chances,
            "hits": hits,
            "n_relevant": self.n_relevant,
        }
        return State({}, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put saved ones together again.

        Raises
        ------
        ValueError
            If arrays do not fit one another.
        """
        ids, chances, hits = (state.arrays[name] for name in ("ids", "chances", "hits"))
        n_relevant = state.vector("n_relevant", np.int32)
        kinds = ids.dtype == np.int32, chances.dtype == np.float32, hits.dtype == np.uint8
        if ids.ndim != 2 or not ids.shape == chances.shape == hits.shape or not all(kinds):
            raise ValueError("the answers of a calibration are arrays of ids, chances and hits of one shape")
        if len(ids) != n_relevant.size:
            raise ValueError(
                f"a calibration has answers to {len(ids)} rows, but {n_relevant.size} numbers of labels"
            )
        listed = np.asarray(ids) >= 0
        if listed.any() and not (np.min(chances[listed]) >= 0 and np.max(chances[listed]) <= 1):
            raise ValueError("a calibration has answers with chances that are not between 0 and 1")
        return cls(ids, chances, hits != 0, n_relevant)
