"""CSV: cells that may be quoted, with a header or with columns that are given by number."""

import csv
from collections.abc import Iterator
from itertools import chain

from .columns import Row, shown
from .containers import TextData, TextRow
from .layout import Layout, LayoutError
from .lines import Source, fault, read_lines, suffix
from .rows import text_rows

__all__ = ["iter_csv", "read_cells", "read_csv"]

_LONGEST_CELL = 2**31 - 1
_OTHERS = (";", "\t", "|")


def iter_csv(
    path: Source, layout: Layout | None = None, *, labels_required: bool = True
) -> Iterator[TextRow]:
    """Yield the rows of a CSV file (UTF-8, ``.gz``, ``.xz`` and ``.zst`` unpacked).

    Cells may stand in quotation marks, doubled within them, and then hold delimiters and line ends. Blank lines are
    passed over.

    Parameters
    ----------
    path : path-like
    layout : Layout, optional
        Which columns hold what: by default those that a header calls "text" and "labels" (or "label", or
        "subject_uris"). A cell with several labels needs a ``label_separator``, unless it holds URIs or a list in JSON.
        The delimiter is a comma, or a tab if the name ends in ``.tsv``, unless it is given.
    labels_required : bool, default True
        Whether there must be a column of labels.

    Raises
    ------
    LayoutError
        If the columns, or whether a cell is one label, are not clear.
    ValueError
        With file and line, if a quotation mark is not closed, or a row has another number of cells than the first.
    """
    layout = layout or Layout()
    delimiter = layout.delimiter or ("\t" if suffix(path) == ".tsv" else ",")
    if len(delimiter) != 1:
        raise ValueError(f"delimiter must be one character in a CSV file, found {delimiter!r}")
    rows = read_cells(path, delimiter)
    first = next(rows, None)
    if first is None:
        return
    _check_delimiter(path, first, layout)
    yield from text_rows(path, chain([first], rows), layout, quoted=True, labels_required=labels_required)


def read_csv(path: Source, layout: Layout | None = None, *, labels_required: bool = True) -> TextData:
    """Read a whole CSV file; parameters and errors are those of `iter_csv`."""
    return TextData.from_rows(iter_csv(path, layout, labels_required=labels_required), path)


def read_cells(path: Source, delimiter: str = ",") -> Iterator[Row]:
    """Yield the number of the line and the cells of every row; ``ValueError`` with the place if it is none."""
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))  # of the process; texts may be books
    reader = csv.reader((f"{line}\n" for _, line in read_lines(path)), delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise fault(path, number, f"no row of a CSV file: {error}") from None
        if cells:
            yield number, cells


def _check_delimiter(path: Source, first: Row, layout: Layout) -> None:
    """Refuse a first row of one cell that something else than the delimiter parts."""
    number, cells = first
    if layout.delimiter is None and len(cells) == 1:
        for sign in _OTHERS:
            if sign in cells[0]:
                raise LayoutError(
                    f"{path}:{number}: the first row has one column, and holds {sign!r}: {shown(cells)}",
                    ({"delimiter": sign}, "if that separates the columns"),
                    ({"delimiter": ","}, "if it does not"),
                )
