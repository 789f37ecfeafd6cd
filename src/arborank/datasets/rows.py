"""From rows of cells to texts and labels, whatever cut the rows."""

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from .cells import is_uris, split_labels
from .columns import Columns, Row, find_columns
from .containers import TextRow
from .layout import Layout, LayoutError
from .lines import Source, fault, sampled
from .relevance import weighed_names, weight_of
from .suspicion import check_ids, check_known, check_order, check_separator

__all__ = ["SAMPLE", "text_rows"]

_LIST = re.compile(r"\s*\[.*\]\s*", re.DOTALL)
_SPACED = re.compile(r",\s+\S")
SAMPLE = 1000  # rows by which a layout is found and looked at


def text_rows(
    path: Source,
    rows: Iterable[Row],
    layout: Layout,
    *,
    quoted: bool,
    labels_required: bool = True,
    known: Container[str] | None = None,
    unique_labels: bool = False,
) -> Iterator[TextRow]:
    """Yield text and labels of every row; a header may be among the rows.

    ``quoted`` says whether a CSV reader has cut the cells: all rows have the same number then, the columns need names
    or numbers, and a comma in a cell may be of a label. Otherwise the last column takes what is beyond it. The other
    parameters and the errors are those of `iter_tabbed`.
    """
    first, rest = sampled(rows, SAMPLE)
    if not first:
        next(rest, None)  # raises what stopped them, if something did
        return
    columns = find_columns(path, first, layout, ordered=not quoted, labels_required=labels_required)
    first = first[columns.header :]
    cut = _Cutter(path, columns, layout, quoted, labels_required)
    fitted, rest = sampled(((n, cut.fit(n, cells)) for n, cells in chain(first, rest)), len(first))
    found, others = sampled((cut.row(n, cells) for n, cells in chain(fitted, rest)), len(fitted))
    fitted = fitted[: len(found)]
    if columns.labels is not None and fitted:
        names = [row.labels for row in found]
        if columns.guessed and not layout.relevance_separator:  # which a text does not have
            check_order(path, fitted, columns, names)
        if columns.guessed and known is not None:
            check_known(path, fitted, columns, names, known)
        elif columns.guessed and labels_required and not unique_labels:
            check_ids(path, fitted, columns, names)
        if labels_required and layout.label_separator is None and not quoted:
            check_separator(path, fitted, columns.labels)
    for row in chain(found, others):
        if cut.unclear is not None:
            raise cut.unclear
        yield row


@dataclass
class _Cutter:
    """Takes rows apart, once it is known what their columns are."""

    path: Source
    columns: Columns
    layout: Layout
    quoted: bool
    labels_required: bool
    unclear: LayoutError | None = None  # of the first cell that may be one label or several

    def __post_init__(self) -> None:
        columns = self.columns
        places = columns.text, columns.labels, columns.id, columns.weight
        used = [place for place in places if place is not None]
        self.needed = columns.width if self.quoted else max(used) + 1
        # the last column may hold the delimiter, as a text may, if not all rows have the same columns
        self.goes_on = not self.quoted and columns.text == columns.width - 1
        self.delimiter = self.layout.delimiter or "\t"

    def fit(self, number: int, cells: list[str]) -> list[str]:
        """Return the cells of a row with as many columns as all have."""
        columns = self.columns
        if len(cells) < self.needed or (len(cells) > columns.width and not self.goes_on):
            n = self.needed if len(cells) < self.needed else columns.width
            wanted = f"{n} columns"
            if not self.quoted:
                kind = "tab-separated" if self.delimiter == "\t" else "separated"
                wanted = f"{n} {kind} columns ({self._roles()})"
            found = f"{len(cells)} in {self.delimiter.join(cells)[:60]!r}"
            raise fault(self.path, number, f"{wanted} were expected, found {found}")
        if len(cells) > columns.width:
            last = columns.width - 1
            return [*cells[:last], self.delimiter.join(cells[last:])]
        return cells

    def row(self, number: int, cells: list[str]) -> TextRow:
        """Return text, labels and id of a row that fits."""
        columns = self.columns
        names = [] if columns.labels is None else self._labels(number, cells[columns.labels])
        weights = None
        if self.layout.relevance_separator:
            try:
                names, weights = weighed_names(names, self.layout.relevance_separator)
            except ValueError as error:
                raise fault(self.path, number, str(error)) from None
        own = None if columns.id is None else cells[columns.id]
        counts = None if columns.weight is None else self._weight(number, cells[columns.weight])
        return TextRow(cells[columns.text], names, weights, own, counts)

    def _weight(self, number: int, cell: str) -> float:
        try:
            return weight_of(cell.strip())
        except ValueError as error:
            raise fault(self.path, number, str(error)) from None

    def _labels(self, number: int, cell: str) -> list[str]:
        separator = self.layout.label_separator
        if separator is None and not is_uris(cell) and not _LIST.fullmatch(cell):
            if self.quoted:
                found = [sign for sign in (",", ";", "|") if sign in cell]
                separator = ""
            else:  # "a, b" is often one name; with its own number beside each label it is not
                found = (
                    [","]
                    if _SPACED.search(cell) and '"' not in cell and not self.layout.relevance_separator
                    else []
                )
            if found and self.labels_required and self.unclear is None:
                self.unclear = LayoutError(
                    f"{self.path}:{number}: whether the cell {cell[:60]!r} is one label or several is not clear",
                    *(({"label_separator": sign}, f"if {sign!r} separates them") for sign in found),
                    ({"label_separator": ""}, "if every cell is one label"),
                )
        try:
            return split_labels(cell, separator)
        except ValueError as error:
            raise fault(self.path, number, str(error)) from None

    def _roles(self) -> str:
        columns = self.columns
        places = (
            ("labels", columns.labels),
            ("text", columns.text),
            ("id", columns.id),
            ("weight", columns.weight),
        )
        return ", ".join(f"{role} in {place + 1}" for role, place in places if place is not None)
