"""Types of what users give and get, for annotations."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Protocol, TypeAlias, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._native import Csr
from .lazy import sp

__all__ = [
    "AnyArray",
    "Classes",
    "FilePath",
    "Json",
    "JsonMapping",
    "LabelIds",
    "LabelModel",
    "Labels",
    "Matrix",
    "MatrixLike",
    "Relevance",
    "Sparse",
    "Targets",
    "TopK",
    "WeightedLabels",
]

FilePath: TypeAlias = str | PathLike[str]

AnyArray: TypeAlias = NDArray[Any]
"""An array of any dtype."""

Json: TypeAlias = dict[str, Any]
"""An object of JSON: strings, numbers, booleans, None, lists and such objects."""

JsonMapping: TypeAlias = Mapping[str, Any]
"""What becomes one."""

Sparse: TypeAlias = Union["sp.sparray", "sp.spmatrix"]
"""A sparse matrix of SciPy, of any format."""

Matrix: TypeAlias = Union["sp.sparray", "sp.spmatrix", AnyArray]
"""A sparse matrix of SciPy, or an array of two dimensions."""

MatrixLike: TypeAlias = Union[Csr, "sp.sparray", "sp.spmatrix", ArrayLike]
"""A sparse matrix of SciPy of any format, an array, a data frame of numbers, or nested lists of numbers."""

Targets: TypeAlias = Union[MatrixLike, Iterable[Iterable[int]], Iterable[int], Iterable[str]]  # noqa: UP007
"""Labels of instances: an indicator matrix, a list of label ids per row, or one class per row."""

LabelIds: TypeAlias = Union[MatrixLike, Iterable[int], Iterable[Iterable[int]]]  # noqa: UP007
"""Label ids for all rows, one list of them per row, or an indicator matrix."""

Labels: TypeAlias = Sequence[Iterable[str] | str]
"""Label names of every row: a list or set of them, or a single one."""

Classes: TypeAlias = Sequence[str] | ArrayLike
"""One class for every row: all str, or all numbers."""

WeightedLabels: TypeAlias = Sequence[Iterable[str] | str | Mapping[str, float]]
"""`Labels`, of which rows may map names to relevance."""

Relevance: TypeAlias = Sequence[Iterable[float]]
"""Numbers for the labels of every row, in their order."""

TopK: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Ids and scores of the best labels of every row, best first, padded with -1 and -inf."""


class LabelModel(Protocol):
    """What ranks labels by their ids: `XRLinear`, another estimator of this package, or one of your own."""

    @property
    def fit(self) -> Callable[..., object]:
        """Method that learns from instances and labels."""

    @property
    def predict_topk(self) -> Callable[..., TopK]:
        """Method that returns ids and scores of the best labels of instances."""
