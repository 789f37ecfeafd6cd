r"""Lines with tabs between columns, such as ``label,label<TAB>text``, the layout of PECOS."""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import chain

from .columns import Row
from .containers import TextData, TextRow
from .jsonl import row_of_line
from .layout import Layout, LayoutError
from .lines import Source, read_lines, sampled
from .rows import SAMPLE, text_rows

__all__ = ["iter_lines", "iter_tabbed", "iter_untyped", "read_tabbed"]

_HEADER_OF_XMC = re.compile(r"\s*\d+ \d+(?: \d+)?\s*")
_ROW_OF_XMC = re.compile(r"(?:\d+(?:,\d+)*)?(?:\s*\d+:[-+.\deE]+)(?:\s+\d+:[-+.\deE]+)*\s*")
_JSON = re.compile(r'\{\s*"')

TAB = "\t"
Line = tuple[int, str]


def iter_tabbed(
    path: Source,
    layout: Layout | None = None,
    *,
    labels_required: bool = True,
    known: Container[str] | None = None,
    unique_labels: bool = False,
) -> Iterator[TextRow]:
    """Yield the rows of a file with labels and text in columns.

    The file is UTF-8; ``.gz``, ``.xz`` and ``.zst`` are unpacked. A line is cut into as many columns as every line has;
    what is more belongs to the last of them, if that is the text. An empty cell of labels is a text without labels.

    Parameters
    ----------
    path : path-like
    layout : Layout, optional
        Which columns hold what, and what stands between labels. By default two columns are labels with commas between
        them and a text; or a text and URIs.
    labels_required : bool, default True
        Whether lines must have a column of labels; otherwise lines without a tab are texts.
    known, unique_labels
        As for `read_texts`.

    Raises
    ------
    LayoutError
        If the layout is not clear, or seems to be another one, by the first thousand lines. The error shows the first
        row as it was read, and what to set in `Layout`.
    ValueError
        With file and line, if a column is missing, a label is empty, or a relevance is not a finite number >= 0.
    """
    layout = layout or Layout()
    if not labels_required:
        yield from iter_untyped(path, layout, known, json=False)
        return
    first, lines = sampled(read_lines(path), SAMPLE)
    _check_tabbed(path, first, layout)
    if layout.format is None and first and _JSON.match(first[0][1]):
        raise LayoutError(
            f"{path}:{first[0][0]}: the first line looks like JSON and not like columns: {first[0][1][:60]!r}",
            ({"format": "jsonl"}, "if it is"),
            ({"format": "tabbed"}, "if it is not"),
        )
    rows = _cut(path, chain(first, lines), layout.delimiter or TAB)
    yield from text_rows(path, rows, layout, quoted=False, known=known, unique_labels=unique_labels)


def read_tabbed(path: Source, layout: Layout | None = None, *, labels_required: bool = True) -> TextData:
    """Read a whole file of labels and text; parameters and errors are those of `iter_tabbed`."""
    rows = iter_tabbed(path, layout, labels_required=labels_required)
    return TextData.from_rows(rows, path)


def iter_untyped(
    path: Source,
    layout: Layout,
    known: Container[str] | None = None,
    *,
    json: bool = True,
) -> Iterator[TextRow]:
    """Yield the texts of lines of which nothing is known, such as those of a pipe, with the labels beside them.

    A line is a text, or, unless ``json`` is off, a JSON object with one; or, if every line has a tab or the layout says
    so, labels and a text in columns. If the first line begins like an object with a key, all that do so must be such
    objects.
    """
    first, lines = sampled(read_lines(path), SAMPLE)
    _check_tabbed(path, first, layout)
    delimiter = layout.delimiter or TAB
    begins = next((line for _, line in first if line), "")
    columns = layout.says_columns or layout.header or delimiter in begins
    objects = json and _JSON.match(begins) is not None
    if columns and not objects:
        empty = delimiter * begins.count(delimiter)  # a row like the others, for an empty line
        filled = ((number, line or empty) for number, line in chain(first, lines))
        rows = _cut(path, filled, delimiter, even=not layout.says_columns)
        yield from text_rows(path, rows, layout, quoted=False, labels_required=False, known=known)
        return
    for number, line in chain(first, lines):
        row = _of_object(path, number, line, layout, only=objects) if json else None
        if row is None and delimiter in line:
            raise _uneven(path, number, line, delimiter)
        yield row or TextRow(line, [], [] if layout.relevance_separator else None)


def iter_lines(path: Source) -> Iterator[TextRow]:
    """Yield every line at once, as soon as it is there: a text, tabs and all, or a JSON object as in `iter_untyped`."""
    objects = None
    for number, line in read_lines(path):
        if objects is None and line:
            objects = _JSON.match(line) is not None
        yield _of_object(path, number, line, Layout(), only=objects is True) or TextRow(line, [])


def _of_object(path: Source, number: int, line: str, layout: Layout, *, only: bool) -> TextRow | None:
    """Return the row of a line that is a JSON object, or None; an error if it begins like one and ``only`` is set."""
    if not _JSON.match(line):
        return None
    try:
        return row_of_line(path, number, line, layout, labels_required=False)
    except ValueError as error:
        if not only:
            return None
        own = error.remedies if isinstance(error, LayoutError) else ()
        problem = error.problem if isinstance(error, LayoutError) else str(error)
        lines_are_texts = ({"format": "lines"}, "if every line is a text as it stands")
        raise LayoutError(problem, *own, lines_are_texts) from None


def _uneven(path: Source, number: int, line: str, delimiter: str) -> LayoutError:
    sign = "tab" if delimiter == TAB else repr(delimiter)
    what, others = (
        (f"a {sign}", "others have none") if delimiter in line else (f"no {sign}", "others have one")
    )
    return LayoutError(
        f"{path}:{number}: a line with {what}, where {others}: {line[:60]!r}",
        ({"format": "lines"}, "if every line is a text as it stands"),
        ({"text_column": 2, "label_column": 1}, "if every line should have these columns"),
    )


def _cut(path: Source, lines: Iterable[Line], delimiter: str, *, even: bool = False) -> Iterator[Row]:
    """Cut lines into cells; if ``even``, all must have the delimiter. `text_rows` finds what lacks a column."""
    for number, line in lines:
        if even and delimiter not in line:
            raise _uneven(path, number, line, delimiter)
        yield number, line.split(delimiter)


def _check_tabbed(path: Source, first: Sequence[Line], layout: Layout) -> None:
    """Refuse what is another format by its first lines."""
    if layout.format is not None or layout.says_columns:
        return
    lines = [line for _, line in first[:2]]
    headed = len(lines) == 2 and _HEADER_OF_XMC.fullmatch(lines[0]) and _ROW_OF_XMC.fullmatch(lines[1])
    if headed or (lines and TAB not in lines[0] and _ROW_OF_XMC.fullmatch(lines[0])):
        raise LayoutError(
            f"{path}:1: this looks like features and labels in the N D L layout: {lines[0][:60]!r}",
            ({"xmc": True}, "if it is"),
            ({"format": "tabbed"}, "if it is not"),
        )
    delimiter = layout.delimiter or TAB
    for number, line in first:
        cell = line.rpartition(delimiter)[2]
        if delimiter in line and _csv_quoted(cell):
            raise LayoutError(
                f"{path}:{number}: a cell looks quoted as in a CSV file: {cell[:60]!r}",
                ({"format": "csv", "delimiter": delimiter}, "if it is"),
                ({"format": "tabbed"}, "if quotation marks are letters"),
            )


def _csv_quoted(cell: str) -> bool:
    """Whether a cell stands in quotation marks, and all within it are doubled, of which there are some."""
    inner = cell[1:-1]
    return (
        len(cell) > 4 and cell[0] == cell[-1] == '"' and '""' in inner and '"' not in inner.replace('""', "")
    )
