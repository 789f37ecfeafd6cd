"""Parquet with columns of texts, labels and ids; needs the extra ``parquet``."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ..storage.disk import open_regular
from .containers import TextData, TextRow
from .jsonl import row_of_record
from .layout import Layout, LayoutError
from .lines import StrPath

__all__ = ["iter_parquet", "iter_parquet_rows", "read_parquet", "read_records"]

_ROWS = 1024  # read at a time


def iter_parquet(
    path: StrPath, layout: Layout | None = None, *, labels_required: bool | None = True
) -> Iterator[TextRow]:
    """Yield the rows of a Parquet file, of which little is in memory at a time.

    Parameters
    ----------
    path : path-like
    layout : Layout, optional
        Which columns hold the texts, the labels, their relevance and ids: by default "text", "labels", "relevance" (if
        there is one) and none. Labels are lists of strings or integers, which become strings; with a
        ``label_separator`` they may also stand in one string. Relevance is a list with one number of at least 0 for
        every label.
    labels_required : bool, default True
        Whether a file without the column of the labels is an error; otherwise its texts have no labels.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    ValueError
        With the file's name, if it is damaged, a column is missing or of another type, or a value is null or empty.
    """
    return (read() for read in iter_parquet_rows(path, layout, labels_required=labels_required))


def iter_parquet_rows(
    path: StrPath, layout: Layout | None = None, *, labels_required: bool | None = True
) -> Iterator[Callable[[], TextRow]]:
    """Yield what makes each row, or raises the ``ValueError`` for it alone; otherwise this is `iter_parquet`."""
    pa, pq = _arrow()
    layout = layout or Layout()
    with open_regular(path) as plain:
        try:
            file = pq.ParquetFile(plain)
        except pa.ArrowInvalid as error:
            raise ValueError(f"{path}: not a Parquet file: {error}") from error
        names = file.schema_arrow.names
        labels = "labels" if layout.label_column is None else str(layout.label_column)
        wanted = {"text_column": "text" if layout.text_column is None else str(layout.text_column)}
        if labels_required or (labels_required is not None and labels in names):
            wanted["label_column"] = labels
        if layout.relevance_column in names and "label_column" in wanted:
            wanted["relevance_column"] = str(layout.relevance_column)
        if layout.id_column is not None:
            wanted["id_column"] = str(layout.id_column)
        if layout.weight_column is not None:
            wanted["weight_column"] = str(layout.weight_column)
        for argument, column in wanted.items():
            if names.count(column) > 1:
                raise LayoutError(
                    f"is {column!r}, as {names.count(column)} columns are called",
                    argument=argument,
                    place=str(path),
                )
            if column not in names:
                other = next((name for name in names if name not in wanted.values()), None)
                raise LayoutError(
                    f"{path}: no column {column!r}; found {names}",
                    *([({argument: other}, "for instance")] if other else []),
                )
        batches = file.iter_batches(batch_size=_ROWS, columns=list(wanted.values()))
        try:
            for number, record in enumerate(record for batch in batches for record in batch.to_pylist()):
                yield partial(row_of_record, f"{path}: row {number}", record, layout, labels_required)
        except (pa.ArrowException, OSError) as error:
            raise ValueError(f"{path}: damaged: {error}") from error


def read_parquet(path: StrPath, layout: Layout | None = None, *, labels_required: bool = True) -> TextData:
    """Read a whole Parquet file; parameters and errors are those of `iter_parquet`."""
    return TextData.from_rows(iter_parquet(path, layout, labels_required=labels_required), path)


def read_records(path: StrPath) -> Iterator[tuple[int, list[object]]]:
    """Yield the names of the columns under the number 0, then the cells of every row, numbered from 1.

    Raises
    ------
    ImportError, ValueError
        As `iter_parquet`.
    """
    pa, pq = _arrow()
    with open_regular(path) as plain:
        try:
            file = pq.ParquetFile(plain)
            yield 0, list(file.schema_arrow.names)
            rows = (
                row
                for batch in file.iter_batches(batch_size=_ROWS)
                for row in zip(*batch.to_pydict().values(), strict=True)
            )
            for number, row in enumerate(rows, 1):
                yield number, list(row)
        except (pa.ArrowException, OSError) as error:
            raise ValueError(f"{path}: not a Parquet file, or damaged: {error}") from error


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ImportError("reading Parquet needs pyarrow: pip install 'arborank[parquet]'") from error
    return pa, pq
