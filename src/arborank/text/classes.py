"""Targets of one class a text: numbers or names, as scikit-learn's tools pass them on."""

import numpy as np
from numpy.typing import NDArray

from ..core.sequences import as_column, is_missing
from ..core.spelling import spell
from ..core.strings import StringTable
from ..core.types import AnyArray

__all__ = ["class_names", "classes_of_names"]


def class_names(labels: object, normalization: str | None) -> tuple[list[str], AnyArray]:
    """Return the name of every text's class, and the distinct classes in ascending order.

    Raises
    ------
    TypeError
        If an entry is no single str or number, or there are both.
    """
    column = list(as_column(labels, "labels", "one class for every text"))
    for row, one in enumerate(column):
        if not isinstance(one, str | int | float | np.generic) or is_missing(one):
            raise TypeError(
                f"labels of row {row} are {one!r}; one class, a str or a number, was expected: single_label is True"
            )
    texts = [isinstance(one, str) for one in column]
    if any(texts) and not all(texts):
        raise TypeError(f"labels hold both str and numbers, such as {column[texts.index(False)]!r}")
    if all(texts):
        names = [spell(one, normalization) for one in column]
        return names, np.unique(np.array(names, dtype=np.str_))
    values = np.asarray(column)
    return [str(one) for one in values.tolist()], np.unique(values)


def classes_of_names(names: StringTable, classes: AnyArray) -> NDArray[np.int64]:
    """Return the label id of every class."""
    found = names.find_each([str(one) for one in classes.tolist()])
    return np.array(found, np.int64)
