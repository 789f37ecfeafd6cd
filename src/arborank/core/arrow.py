"""Tables and columns of any library that has the Arrow interface, as those of a library that is known here."""

import importlib
from typing import Any, TypeVar, cast

__all__ = ["from_arrow"]

T = TypeVar("T")
_KNOWN = (
    "pandas",
    "polars",
    "pyarrow",
    "narwhals",
)  # whose frames and columns have lists and arrays of their own
_READERS = ("pyarrow", "polars")  # of the interface
_STREAM = "__arrow_c_stream__"


def from_arrow(value: T) -> T:
    """Return a value with the Arrow PyCapsule interface as a table or column of PyArrow or Polars; others as they are.

    Raises
    ------
    ImportError
        If neither is installed.
    """
    kind = type(value)
    if not hasattr(kind, _STREAM):
        return value
    if kind.__module__.partition(".")[0] in _KNOWN and kind.__name__ != "RecordBatchReader":
        return value
    for name in _READERS:
        try:
            library: Any = importlib.import_module(name)
        except ImportError:
            continue
        if name == "polars":
            return cast(T, _first(value, library.DataFrame, library.Series))
        return cast(T, _first(value, library.table, library.chunked_array))
    raise ImportError(
        f"a {kind.__module__.partition('.')[0]} {kind.__name__} is read by pyarrow or polars; install one, such as "
        "pip install 'arborank[parquet]'"
    )


def _first(value: Any, table: Any, column: Any) -> Any:
    try:
        return table(value)
    except Exception:  # a column has no table
        return column(value)
