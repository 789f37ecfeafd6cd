"""Types of what users give and get, for annotations."""

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["FilePath", "Labels", "Relevance", "TopK", "WeightedLabels"]

FilePath: TypeAlias = str | PathLike[str]

Labels: TypeAlias = Sequence[Iterable[str] | str]
"""Label names of every row: a list or set of them, or a single one."""

WeightedLabels: TypeAlias = Sequence[Iterable[str] | str | Mapping[str, float]]
"""`Labels`, of which rows may map names to relevance."""

Relevance: TypeAlias = Sequence[Iterable[float]]
"""Numbers for the labels of every row, in their order."""

TopK: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Ids and scores of the best labels of every row, best first, padded with -1 and -inf."""
