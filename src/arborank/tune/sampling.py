"""Samples of rows and labels, on which a setting is tried before it is on everything."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ArgumentError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["ETA", "Sample", "hold_out", "sample", "shares"]

_LEAST = 10  # rows with labels, on either side
_ENOUGH = 10.0  # rows of a label that tell settings apart as all of them do
ETA = 3
_MOST_RUNGS = 4


class Sample(NamedTuple):
    """Rows to learn from and labels to learn, as masks."""

    rows: NDArray[np.bool_]
    labels: NDArray[np.bool_]


def hold_out(Y: "csr_array", share: float | None, seed: int) -> NDArray[np.bool_]:
    """Choose rows with labels to compare settings on.

    Parameters
    ----------
    Y : csr_array of shape (n_rows, n_labels)
    share : float, optional
        By default a tenth of the rows, but 2000 where these are no more than a quarter, and 10,000 at most.
    seed : int

    Raises
    ------
    ValueError
        If there are too few rows.
    """
    labelled = np.flatnonzero(np.diff(Y.indptr))
    n = labelled.size
    usual = min(max(n // 10, min(2000, n // 4)), 10_000)
    n_held = usual if share is None else round(n * share)
    if n_held < _LEAST or n - n_held < _LEAST:
        raise ArgumentError(
            "holdout",
            f"leaves {n_held} of {n} rows with labels to compare settings on and {n - n_held} to learn from; at "
            f"least {_LEAST} of each are needed. Give more rows, or validation data of their own",
        )
    held = np.zeros(Y.shape[0], np.bool_)
    held[np.random.default_rng([seed, 0]).choice(labelled, n_held, replace=False)] = True
    return held


def shares(n_rows: int, min_rows: int) -> list[float]:
    """Return the shares of the data that settings are tried on, ascending; the last is 1."""
    found = [1.0]
    while len(found) < _MOST_RUNGS and n_rows * found[0] / ETA >= min_rows:
        found.insert(0, found[0] / ETA)
    return found


def sample(Y: "csr_array", share: float, seed: int) -> Sample:
    """Return about a share of all pairs of row and label: some of the labels, in some of the rows.

    A label keeps all its instances in the rows of the sample, and rows without any of the labels are left out. Where
    labels have few instances, the sample has fewer labels rather than fewer rows, for otherwise they would have none.
    A smaller sample is part of a larger one of the same seed.
    """
    n_rows, n_labels = Y.shape
    if share >= 1:
        return Sample(np.ones(n_rows, np.bool_), np.ones(n_labels, np.bool_))
    counts = np.bincount(Y.indices, minlength=n_labels)
    per_label = max(Y.nnz / max(int((counts > 0).sum()), 1), 1.0)
    of_rows = float(np.clip(_ENOUGH / per_label, np.sqrt(share), 1.0))
    rng = np.random.default_rng([seed, 1])
    labels = rng.random(n_labels) < share / of_rows
    labels[np.argmax(counts)] = True  # never none
    in_rows = rng.random(n_rows) < of_rows
    chosen = np.flatnonzero(labels[Y.indices])
    owners = np.searchsorted(Y.indptr, chosen, side="right") - 1
    rows = np.zeros(n_rows, np.bool_)
    rows[owners] = True
    return Sample(rows & in_rows, labels)
