"""Data frames in and out: whatever library they are of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..core.arrow import from_arrow
from ..core.sequences import as_column, column_names, described, is_missing
from .containers import TextData, TextRow
from .jsonl import row_of_record
from .layout import Layout, LayoutError

__all__ = ["ranking_columns", "read_frame"]


def read_frame(frame: object, layout: Layout | None = None, *, labels_required: bool = True) -> TextData:
    """Read texts and label names from the columns of a data frame.

    Parameters
    ----------
    frame : data frame of pandas, Polars or PyArrow, anything with the Arrow interface, or mapping of names to columns
        Of other libraries (DuckDB, nanoarrow, ...) pyarrow or polars reads it.
    layout : Layout, optional
        Which columns hold texts, labels, their relevance, ids and weights: by default "text", "labels", "relevance" (if
        there is one) and no others. Labels are lists of strings or integers; with a ``label_separator`` they may also
        stand in one string, ``""`` for a label each.
    labels_required : bool, default True
        Whether a frame without the column of the labels is an error; otherwise its texts have no labels.

    Raises
    ------
    TypeError
        If it is no data frame.
    LayoutError
        If a column is missing or named twice, or a cell is of another kind.
    ValueError
        With the row (from 0), if a value is null or empty, or columns are of different lengths.
    ImportError
        If nothing is installed that reads the frame.

    Examples
    --------
    >>> import pandas
    >>> from arborank.datasets import Layout, read_frame
    >>> books = pandas.DataFrame({"title": ["Canals", "Bread"], "subjects": ["water;history", "food"]})
    >>> data = read_frame(books, Layout(text_column="title", label_column="subjects", label_separator=";"))
    >>> data.labels
    [['water', 'history'], ['food']]
    """
    layout = layout or Layout()
    frame = from_arrow(frame)
    names = list(frame) if isinstance(frame, Mapping) else column_names(frame)
    if names is None:
        raise TypeError(f"frame must be a data frame, found {described(frame)}")
    columns = {name: _values(frame, name) for name in _wanted(names, layout, labels_required)}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name!r} has {length}" for name, length in lengths.items())
        raise ValueError(f"columns of a frame must have as many rows as each other, but {found}")
    rows = (
        dict(zip(columns, map(_plain, cells), strict=True)) for cells in zip(*columns.values(), strict=True)
    )
    return TextData.from_rows(_texts(rows, layout, labels_required), "the frame")


def ranking_columns(
    rankings: Iterable[Sequence[tuple[str, float]]], ids: Iterable[object] | None = None
) -> dict[str, list[object]]:
    """Return what `TextRanker.rank_batch` gives as columns, a row for every label: any library makes a frame of it.

    Parameters
    ----------
    rankings : iterable of lists of (name, score)
    ids : iterable, optional
        What each text is called; by default there is no such column.

    Returns
    -------
    dict of str to list
        ``row`` (from 0), ``id`` where ids are given, ``rank`` (from 1), ``label`` and ``score``.

    Raises
    ------
    ValueError
        If there are not as many ids as rankings.

    Examples
    --------
    >>> import pandas
    >>> from arborank.datasets import ranking_columns
    >>> pandas.DataFrame(ranking_columns([[("apple", 0.5), ("pear", 0.25)]]))
       row  rank  label  score
    0    0     1  apple   0.50
    1    0     2   pear   0.25
    """
    lists = list(rankings)
    rows = [row for row, ranked in enumerate(lists) for _ in ranked]
    found: dict[str, list[object]] = {"row": list(rows)}
    if ids is not None:
        names = list(as_column(ids, "ids", "a list with one for each ranking"))
        if len(names) != len(lists):
            raise ValueError(f"ids has {len(names)} entries, but there are {len(lists)} rankings")
        found["id"] = [names[row] for row in rows]
    found["rank"] = [rank for ranked in lists for rank in range(1, len(ranked) + 1)]
    found["label"] = [label for ranked in lists for label, _ in ranked]
    found["score"] = [score for ranked in lists for _, score in ranked]
    return found


def _wanted(names: list[Any], layout: Layout, labels_required: bool) -> list[str]:
    """Return the columns that are read, or raise if one is missing or there twice."""
    wanted: dict[str, str] = {"text_column": "text", "label_column": "labels"}
    wanted |= {argument: str(column) for argument, column in layout.columns().items()}
    if not labels_required and wanted["label_column"] not in names:
        del wanted["label_column"]
    if layout.relevance_column in names and "label_column" in wanted:
        wanted["relevance_column"] = str(layout.relevance_column)
    for argument, column in wanted.items():
        if names.count(column) > 1:
            raise LayoutError(
                f"is {column!r}, as {names.count(column)} columns of the frame are called", argument=argument
            )
        if column not in names:
            other = next((name for name in names if name not in wanted.values()), None)
            raise LayoutError(
                f"the frame has no column {column!r}; found {', '.join(map(repr, names[:12]))}",
                *([({argument: other}, "for instance")] if other is not None else []),
            )
    return list(wanted.values())


def _values(frame: Any, name: str) -> list[Any]:
    return list(as_column(frame[name], f"the column {name!r}", "a column"))


def _plain(value: Any) -> Any:
    """Return a cell as JSON has it: frames hold arrays for lists, and several kinds of nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, np.ndarray | tuple | set | frozenset):
        value = sorted(value) if isinstance(value, set | frozenset) else list(value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if is_missing(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _texts(rows: Iterable[dict[str, Any]], layout: Layout, labels_required: bool) -> Iterable[TextRow]:
    for number, record in enumerate(rows):
        yield row_of_record(f"the frame: row {number}", record, layout, labels_required)
