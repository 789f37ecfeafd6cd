"""Rows that a model has not seen, and what it answers to them: what a calibration is learned from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..core.sparse import Csr, as_csr, places_of, to_scipy
from ..core.types import TopK

__all__ = ["DEPTH", "HeldOut", "cross_fit", "parts_to_hold_out"]

DEPTH = 30
"""Labels of every row that a calibration is learned from."""

_SHARE, _ROWS = 10, 10_000  # a part: a tenth of the rows, at most
_ENOUGH, _PARTS = 4000, 5  # rows of all parts, at least, if there are as many; parts


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Ranked labels of rows that the model has not seen, and which of them are relevant.

    Attributes
    ----------
    ids : int64 array of shape (n_rows, width)
        Best first, padded with -1.
    scores : float32 array of shape (n_rows, width)
    hits : bool array of shape (n_rows, width)
        Whether the label is relevant.
    n_relevant : int64 array of shape (n_rows,)
        Relevant labels of every row, listed or not.
    counts : int64 array of shape (n_rows, width)
        Instances that the model was trained on of every listed label; -1 where that is not known.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    hits: NDArray[np.bool_]
    n_relevant: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, top: TopK, Y: Csr, counts: NDArray[np.int64] | None = None) -> Self:
        """Compare lists with the relevant labels.

        Parameters
        ----------
        top : pair of arrays (ids, scores) of shape (n_rows, width)
        Y : Csr of shape (n_rows, n_labels)
        counts : int64 array of shape (n_labels,), optional
            Training instances of every label.
        """
        ids, scores = top
        listed = ids >= 0
        asked = np.arange(len(ids), dtype=np.int64)[:, None] * Y.shape[1] + ids
        hits = np.isin(asked, places_of(Y)) & listed
        known = np.full(ids.shape, -1) if counts is None else np.where(listed, counts[ids], -1)
        return cls(ids, scores, hits, np.diff(Y.indptr), known)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return all rows of several."""
        width = max(part.ids.shape[1] for part in parts)
        filled = {"ids": -1, "scores": -np.inf, "hits": False, "n_relevant": 0, "counts": -1}
        arrays = {}
        for one in fields(cls):
            values = [getattr(part, one.name) for part in parts]
            if values[0].ndim == 2:
                values = [
                    np.pad(value, ((0, 0), (0, width - value.shape[1])), constant_values=filled[one.name])
                    for value in values
                ]
            arrays[one.name] = np.concatenate(values)
        return cls(**arrays)

    @property
    def listed(self) -> NDArray[np.bool_]:
        """Where there is a label."""
        return self.ids >= 0

    def check_odds(self) -> None:
        """Raise ``ValueError`` if no listed label is relevant, or all are."""
        hits = self.hits[self.listed]
        if not hits.any() or hits.all():
            problem = "none of the labels ranked" if not hits.any() else "every label ranked"
            raise ValueError(
                f"{problem} for {len(self.ids)} held-out rows is relevant, so there are no odds to learn; give rows of "
                "which some answers are right and some wrong"
            )

    @property
    def missed(self) -> NDArray[np.float64]:
        """How many relevant labels a row has, on average, that are not among its first 0, 1, ... answers."""
        found = np.cumsum(self.hits, axis=1).mean(axis=0)
        return np.asarray(np.maximum(self.n_relevant.mean() - np.append(0.0, found), 0.0), np.float64)


def cross_fit(
    Y: Csr,
    answer: Callable[[NDArray[np.bool_], NDArray[np.int64]], TopK],
    *,
    n_rows: int | None = None,
    seed: int = 0,
) -> HeldOut:
    """Ask models about rows that each of them has not seen.

    Parameters
    ----------
    Y : Csr of shape (n, n_labels)
        The labels of all rows.
    answer : callable
        Gets which rows to train on, a bool array of shape (n,), and which to rank, their numbers in ascending order;
        returns their best labels.
    n_rows : int, optional
        Only the first so many rows are held out.
    seed : int, default=0

    Returns
    -------
    HeldOut
        A tenth of the rows, at most 10,000; where that is less than 4000, several tenths in turn, five at most.
    """
    n = Y.shape[0]
    rows = to_scipy(Y)
    parts = []
    for held in parts_to_hold_out(n if n_rows is None else n_rows, seed):
        rest = np.ones(n, np.bool_)
        rest[held] = False
        counts = np.bincount(rows[rest].indices, minlength=Y.shape[1])
        parts.append(HeldOut.of(answer(rest, held), as_csr(rows[held]), counts))
    return HeldOut.joined(parts)


def parts_to_hold_out(n_rows: int, seed: int) -> list[NDArray[np.int64]]:
    """Return disjoint sets of rows to hold out in turn.

    Raises
    ------
    ValueError
        If there are fewer than two rows.
    """
    if n_rows < 2:
        raise ValueError(f"calibrate=True holds rows out and needs at least 2, found {n_rows}")
    order = np.random.default_rng(seed).permutation(n_rows)
    size = min(max(n_rows // _SHARE, 1), _ROWS)
    n_parts = min(-(-_ENOUGH // size), n_rows // size, _PARTS)
    return [np.sort(order[part * size : (part + 1) * size]) for part in range(n_parts)]
