"""The weights of one tree layer, in the chunked layout that prediction reads (see ``native/weights.hpp``)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LayerWeights:
    """One linear ranker for every child of every parent node, siblings stored side by side.

    Attributes
    ----------
    branches : int64 array of shape (n_parents + 1,)
        Children of parent ``p`` are ``branches[p]`` to ``branches[p + 1]``.
    rows, bases : int64 arrays of shape (n_parents + 1,)
        Extents of each parent's chunk in ``keys``/``starts`` and in ``words``.
    keys, starts : uint32 arrays of shape (n_rows,)
        The hashed feature of a row, ascending within a chunk, and the row's first word relative to its chunk.
        The last row of a chunk is a sentinel.
    words : uint32 array
        Rows: for every block of 16 siblings a header ``block << 16 | lane mask`` and the packed float32 weights.
    bias : float32 array of shape (n_children,)
        The contribution of the constant feature to every child's margin.
    n_features : int
        Width of the instances that the layer scores.
    """

    branches: NDArray[np.int64]
    rows: NDArray[np.int64]
    bases: NDArray[np.int64]
    keys: NDArray[np.uint32]
    starts: NDArray[np.uint32]
    words: NDArray[np.uint32]
    bias: NDArray[np.float32]
    n_features: int
