"""What may stand for a list: a sequence, a generator, an array of one dimension, one column of a data frame.

What only looks like one (a data frame is iterated by its column names, a dict by its keys, a set in any order, a str by
its letters) is refused with what to give instead. Nothing of pandas, Polars or PyArrow is imported here: their objects
are known by what they have.
"""

from collections.abc import Iterable, Mapping, MappingView, Sequence, Set
from typing import Any

import numpy as np

from .arrow import from_arrow
from .errors import ArgumentError

__all__ = [
    "as_column",
    "as_texts",
    "check_columns",
    "column_names",
    "described",
    "frame_rows",
    "is_missing",
    "text_list",
]


def as_column(values: object, name: str, wanted: str, *, ordered: bool = True) -> Iterable[Any]:
    """Return the entries of an argument that stands for a list; what each of them is, is for the caller to check.

    Parameters
    ----------
    values : object
        Lists, tuples, other sequences and iterators are returned as they are. Columns (a Series, a PyArrow array, a
        NumPy array of one dimension, a data frame with a single column) become lists.
    name, wanted : str
        The argument's name, and what it must be, for the error.
    ordered : bool, default True
        Whether sets are refused, because entries go with those of another argument or come back in their order.

    Raises
    ------
    TypeError
        If it is a str, a mapping, a set, a data frame of several columns, an array of several dimensions, or not
        iterable at all. The message tells what to give.
    """
    if type(values) is list or type(values) is tuple:
        return values
    values = _readable(values)
    names = column_names(values)
    if names is not None and len(names) == 1:
        frame: Any = values
        values = frame[names[0]]
    shape = getattr(values, "shape", None)
    if isinstance(values, (str, bytes, bytearray, memoryview)):
        hint = f"one {type(values).__name__}; wrap it in a list"
    elif isinstance(values, Mapping):
        hint = f"{described(values)}; give its values, list({name}.values()), or its keys, list({name})"
    elif ordered and isinstance(values, Set) and not isinstance(values, (MappingView, Sequence)):
        hint = f"{described(values)}, which has no order; give a list, such as sorted({name})"
    elif names is not None and len(names) != 1:
        hint = f"{described(values)}{_choice(names, name)}"
    elif isinstance(shape, tuple) and len(shape) != 1:
        hint = f"{described(values)} of shape {shape}"
        if len(shape) == 2 and isinstance(values, np.ndarray):
            hint += f"; give one column, such as {name}[:, 0]"
    else:
        for method in ("to_pylist", "to_list", "tolist"):
            if hasattr(values, method):
                return getattr(values, method)()  # type: ignore[no-any-return]
        if isinstance(values, Iterable):
            return values
        hint = type(values).__name__
    raise TypeError(f"{name} must be {wanted}, found {hint}")


def _readable(values: object) -> object:
    """Return what only an interface gives access to, of Arrow or of NumPy, as a table, a column or an array."""
    values = from_arrow(values)
    if not isinstance(values, Iterable) and hasattr(values, "__array__") and column_names(values) is None:
        return np.asarray(values)
    return values


def as_texts(texts: Iterable[str]) -> Iterable[str]:
    """Return texts as `as_column` does, those of a sequence checked; an iterator's are left to who reads them.

    Raises
    ------
    TypeError
        As `as_column`, or if an entry is no str; the message tells which.
    """
    column = as_column(texts, "texts", "an iterable of str")
    return _checked(column, "texts") if isinstance(column, Sequence) else column


def text_list(texts: Iterable[str], name: str = "texts", *, ordered: bool = True) -> Sequence[str]:
    """Return texts with a length and places, all of them checked; parameters and errors are as for `as_column`."""
    column = as_column(texts, name, "an iterable of str", ordered=ordered)
    return _checked(column if isinstance(column, (list, tuple)) else list(column), name)


def _checked(texts: Sequence[Any], name: str) -> Sequence[str]:
    if not all(
        issubclass(kind, str) for kind in set(map(type, texts))
    ):  # quick, for it comes with every query
        place = next(i for i, text in enumerate(texts) if not isinstance(text, str))
        wrong = texts[place]
        hint = ", a missing value; leave it out, or give ''" if is_missing(wrong) else ""
        raise TypeError(f"{name} must hold str, found {type(wrong).__name__} at position {place}{hint}")
    return texts


def is_missing(value: object) -> bool:
    """Whether a value says that there is none: None, NaN, or what pandas has for them."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and bool(value != value)


def column_names(values: object) -> list[object] | None:
    """Return the column names of a data frame, of whatever library, or of a structured array; None of anything else.

    Raises
    ------
    TypeError
        If it is a frame that has not been computed yet.
    """
    if isinstance(values, np.ndarray):
        return None if values.dtype.names is None else list(values.dtype.names)
    kind = type(values)
    if kind.__name__ == "LazyFrame":
        raise TypeError(f"found {described(values)}, which holds no data yet; collect() it first")
    if isinstance(values, Mapping):
        return None
    for attribute in ("column_names", "columns"):  # of PyArrow, the second are the columns themselves
        if hasattr(kind, attribute):
            return list(getattr(values, attribute))
    return None


def check_columns(names: list[object], argument: str) -> None:
    """Raise ``ValueError``, naming the argument, if columns of a data frame have the same name."""
    if len(set(names)) < len(names):
        twice = next(one for one in names if names.count(one) > 1)
        raise ArgumentError(
            argument, f"has {names.count(twice)} columns called {twice!r}; each needs a name of its own"
        )


def frame_rows(values: object, name: str) -> list[Any] | None:
    """Return the rows of a data frame as mappings from its columns to cells; None of anything else.

    Raises ``ValueError``, naming the argument, if columns have the same name.
    """
    frame: Any = from_arrow(values)
    names = column_names(frame)
    if names is None:
        return None
    check_columns(names, name)
    columns = [as_column(frame[one], f"the column {one!r}", "a column") for one in names]
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]


def described(value: object) -> str:
    """Return what kind of thing a value is, in words."""
    if isinstance(value, np.ndarray):
        return "a NumPy array"
    kind = type(value)
    library = kind.__module__.partition(".")[0]
    return f"a {kind.__name__}" if library in ("builtins", "arborank") else f"a {library} {kind.__name__}"


def _choice(names: list[object], argument: str) -> str:
    if not names:
        return " without columns"
    shown = ", ".join(map(repr, names[:4])) + (", …" if len(names) > 4 else "")
    wanted = next((name for name in names if name in (argument, argument.removesuffix("s"))), names[0])
    return f" with columns {shown}; give one of them, such as {argument}[{wanted!r}]"
