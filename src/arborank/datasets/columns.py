"""Which columns of a file hold what: as the layout says, as a header says, or found out from the first rows."""

from collections.abc import Sequence
from typing import NamedTuple

from .cells import is_uris
from .layout import Column, Layout, LayoutError
from .lines import Source

__all__ = ["Columns", "Row", "find_columns", "shown"]

Row = tuple[int, list[str]]  # number of the line, and its cells

_SHOWN = 6  # cells of a row
_TEXTS = ("text",)
_LABELS = ("labels", "label", "subject_uris")  # the last in the CSV files of Annif
# Words that stand in headers, and hardly ever as a text beside a label of this kind.
# fmt: off
_HEADER_WORDS = frozenset((
    "abstract", "abstracts", "body", "categories", "category", "class", "classes", "content", "contents",
    "description", "descriptions", "doc", "doc_id", "docid", "document", "documents", "headline", "id",
    "ids", "index", "item", "items", "key", "keyword", "keywords", "label", "label_id", "label_ids",
    "labels", "name", "names", "product", "products", "query", "queries", "review", "sentence", "sentences",
    "subject", "subject_uri", "subject_uris", "subjects", "summary", "tag", "tags", "target", "targets",
    "term", "terms", "text", "texts", "title", "titles", "topic", "topics", "uid", "uri", "uris", "url",
))
# fmt: on


class Columns(NamedTuple):
    """Places from 0, and how they were found."""

    text: int
    labels: int | None
    id: int | None
    weight: int | None
    width: int
    header: bool
    guessed: bool  # that text and labels are where they are, from nothing but their order


def find_columns(
    path: Source, rows: Sequence[Row], layout: Layout, *, ordered: bool, labels_required: bool
) -> Columns:
    """Find the columns of text, labels and id by the first rows; ``LayoutError`` if one is missing or not clear.

    ``ordered`` says whether labels stand first and the text second where nothing is said, as in tabbed lines.
    """
    first = rows[0][1]
    header = _has_header(path, rows, layout, ordered, labels_required)
    names = [name.strip() for name in first] if header else None
    width = len(first) if header else _width(rows, layout)
    place = f"{path}:{rows[0][0]}"

    def at(argument: str, column: Column | None) -> int | None:
        return None if column is None else _place(place, argument, column, names, width, first)

    text, labels = at("text_column", layout.text_column), at("label_column", layout.label_column)
    number = at("id_column", layout.id_column)
    weight = at("weight_column", layout.weight_column)
    if names is not None:
        text = _named(names, _TEXTS, labels) if text is None else text
        labels = _named(names, _LABELS, text) if labels is None else labels
    if text is not None and (labels is not None or not labels_required):
        return Columns(text, labels, number, weight, width, header, False)
    rest = [column for column in range(width) if column not in (text, labels, number, weight)]
    guessed = False
    if text is None and labels is None and rest and (len(rest) == 1 and not labels_required):
        text = rest[0]
    elif text is None and labels is None and len(rest) == 2 and ordered:
        labels, text = rest
        guessed = True
        if _holds_uris(rows[header:], text) and not _holds_uris(rows[header:], labels):
            labels, text, guessed = text, labels, False
    elif len(rest) == 1 and (text is None) != (labels is None):
        text, labels = (rest[0], labels) if text is None else (text, rest[0])
    else:
        raise _unclear(place, rows, names, width, text, labels, ordered)
    return Columns(text, labels, number, weight, width, header, guessed)


def shown(cells: Sequence[str]) -> str:
    """Return cells as an error shows them, numbered."""
    parts = [f"{number}: {_short(cell)}" for number, cell in enumerate(cells[:_SHOWN], 1)]
    return ", ".join(parts) + (" …" if len(cells) > _SHOWN else "")


def _short(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else cell[:39] + "…")


def _has_header(
    path: Source, rows: Sequence[Row], layout: Layout, ordered: bool, labels_required: bool
) -> bool:
    if layout.header is not None:
        return layout.header
    if any(isinstance(column, str) and not column.isdecimal() for column in layout.columns().values()):
        return True
    words = [cell.strip().strip('"').casefold() for cell in rows[0][1]]
    if any(name in words for name in _TEXTS) and (
        any(name in words for name in _LABELS) or (not labels_required and len(words) > 1)
    ):
        return True
    alone = len(words) == 1 and words[0] in _TEXTS
    if alone and not ordered and not labels_required:
        return True
    if alone or (len(words) > 1 and all(word in _HEADER_WORDS for word in words)) or _stands_out(rows):
        raise LayoutError(
            f"{path}:{rows[0][0]}: the first row looks like a header: {shown(rows[0][1])}",
            ({"header": True}, "if it is one"),
            ({"header": False}, "if it is data like the others"),
        )
    return False


def _stands_out(rows: Sequence[Row]) -> bool:
    """Whether the first row holds words that no other has, one per cell, where others have several in some column."""
    (_, first), others = rows[0], [cells for _, cells in rows[1:] if any(cell.strip() for cell in cells)]
    if len(first) < 2 or len(others) < 4 or any(len(cells) < len(first) for cells in others):
        return False
    if not all(cell.strip().replace("_", "").replace("-", "").isalpha() for cell in first):
        return False
    columns = [[cells[place] for cells in others] for place in range(len(first))]
    again = any(
        first[place].strip() in _pieces(cell) for place, column in enumerate(columns) for cell in column
    )
    return not again and any(all(len(cell.split()) > 1 for cell in column) for column in columns)


def _width(rows: Sequence[Row], layout: Layout) -> int:
    """Return how many columns every row has, or must have for those that the layout numbers."""
    lengths = [len(cells) for _, cells in rows]
    numbers = [int(column) for column in layout.columns().values() if str(column).isdecimal()]
    return max(min(lengths), max((number for number in numbers if number <= max(lengths)), default=0))


def _pieces(cell: str) -> list[str]:
    return [piece.strip() for piece in cell.replace(";", ",").replace("|", ",").split(",")]


def _place(
    place: str, argument: str, column: Column, names: list[str] | None, width: int, first: Sequence[str]
) -> int:
    if isinstance(column, str) and names is not None:
        same = [number for number, name in enumerate(names) if name == column]
        same = same or [n for n, name in enumerate(names) if name.casefold() == column.strip().casefold()]
        if len(same) == 1:
            return same[0]
        if same:
            problem = f"is {column!r}, as {len(same)} columns are called; give its number"
            raise LayoutError(problem, argument=argument, place=place)
    if isinstance(column, str) and not column.isdecimal():
        there = f"are called {', '.join(map(repr, names[:12]))}" if names else "have numbers and no names"
        raise LayoutError(f"is {column!r}, but the columns {there}", argument=argument, place=place)
    number = int(column)
    if not 1 <= number <= width:
        problem = f"is {number}, but there are {width} columns in every row; the first has {shown(first)}"
        raise LayoutError(problem, argument=argument, place=place)
    return number - 1


def _named(names: Sequence[str], wanted: Sequence[str], other: int | None) -> int | None:
    for name in wanted:
        same = [place for place, own in enumerate(names) if own.strip('"').casefold() == name]
        found = [place for place in same if place != other]
        if len(found) == 1:
            return found[0]
    return None


def _holds_uris(rows: Sequence[Row], column: int) -> bool:
    cells = [cells[column] for _, cells in rows if len(cells) > column and cells[column].strip()]
    return bool(cells) and all(map(is_uris, cells))


def _unclear(
    place: str,
    rows: Sequence[Row],
    names: list[str] | None,
    width: int,
    text: int | None,
    labels: int | None,
    ordered: bool,
) -> LayoutError:
    """Return the error that columns cannot be told apart, with a proposal that fits this file."""
    first = rows[0][1]
    if width < 2 and ordered:
        row, cells = next((number, cells) for number, cells in rows if len(cells) < 2)
        return LayoutError(
            f"{place.rpartition(':')[0]}:{row}: 2 tab-separated columns (labels in 1, text in 2) were expected, "
            f"found 1 in {(cells[0] if cells else '')[:60]!r}"
        )
    body = [cells for _, cells in rows[names is not None :] if len(cells) >= width] or [first]
    sizes = [sum(len(cells[column]) for cells in body) for column in range(width)]
    by_size = sorted(range(width), key=lambda column: -sizes[column])
    likely = text if text is not None else next((c for c in by_size if c != labels), 0)
    others = [c for c in by_size if c != likely]
    second = labels if labels is not None else (others[0] if others else 0)
    unique = names is not None and len(set(names)) == len(names)
    called: Sequence[Column] = names if names is not None and unique else range(1, width + 1)
    columns = f"columns {', '.join(map(repr, names[:12]))}" if names else f"columns {shown(first)}"
    roles = [role for role, known in (("the text", text), ("the labels", labels)) if known is None]
    remedy: dict[str, Column] = {"text_column": called[likely], "label_column": called[second]}
    if names is None:
        remedy["header"] = False
    problem = f"{place}: which column holds {' and which '.join(roles)} is not clear: {columns}"
    return LayoutError(problem, (remedy, "for instance"))
