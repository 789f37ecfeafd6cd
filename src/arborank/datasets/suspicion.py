"""Signs that the columns of a file are not what they were taken for; each is refused with what says otherwise."""

import re
from collections.abc import Container, Sequence
from unicodedata import normalize

from .cells import is_uris
from .columns import Columns, Row
from .layout import LayoutError
from .lines import Source

__all__ = ["check_ids", "check_known", "check_order", "check_separator"]

_WORD = re.compile(r"[^\s,;|]+")
_IDS = re.compile(r"\s*\d+(?:\s*[,;| ]\s*\d+)*\s*")
_CODE = re.compile(r"\S*\d\S*")
_FEW = 20  # rows that may have labels of their own each
_SPLIT = re.compile(r"[,;|]")


def check_order(path: Source, rows: Sequence[Row], columns: Columns, names: Sequence[list[str]]) -> None:
    """Refuse columns of which the one taken for the labels looks more like the texts; ``rows`` are without a header."""
    assert columns.labels is not None
    cells = [
        (row[columns.labels], row[columns.text], own)
        for (_, row), own in zip(rows, names, strict=True)
        if row[columns.labels].strip() and row[columns.text].strip()
    ]
    if not cells:
        return
    in_labels = _words([label for label, _, _ in cells])
    in_texts = _words([text for _, text, _ in cells])
    labels = [name for _, _, own in cells for name in own]
    pieces = [piece.strip() for _, text, _ in cells for piece in _SPLIT.split(text) if piece.strip()]
    longer = in_labels >= 2 * in_texts and in_labels >= 2 * len(labels)
    ids = all(_IDS.fullmatch(text) for _, text, _ in cells) and not all(
        _IDS.fullmatch(label) for label, _, _ in cells
    )
    uris = all(is_uris(text) for _, text, _ in cells)
    never_again = len(labels) >= 4 and len(set(labels)) > 0.9 * len(labels)
    often = len(set(pieces)) <= 0.75 * len(pieces) and _words(pieces) <= 4 * len(pieces)
    like_texts = len(cells) >= 20 and never_again and in_labels >= max(in_texts, 3 * len(labels))
    if longer or ids or uris or (never_again and often) or like_texts:
        _, text, own = cells[0]
        raise LayoutError(
            f"{path}:{rows[0][0]}: labels and text seem to stand the other way round: the first row was read as labels "
            f"{_short(own)} and text {_short(text)}",
            ({"text_column": columns.labels + 1, "label_column": columns.text + 1}, "if they do"),
            ({"text_column": columns.text + 1, "label_column": columns.labels + 1}, "if they do not"),
        )


def check_ids(path: Source, rows: Sequence[Row], columns: Columns, names: Sequence[list[str]]) -> None:
    """Refuse what was taken for labels, if it is a number or a code in every row that no other row has."""
    assert columns.labels is not None
    labels = [own[0] for own in names if len(own) == 1]
    if not len(set(labels)) == len(names) >= _FEW or not all(map(_CODE.fullmatch, labels)):
        return
    raise LayoutError(
        f"{path}:{rows[0][0]}: column {columns.labels + 1} seems to hold ids and no labels: each of {len(labels)} rows "
        f"has another one, such as {_short(labels[0])} and {_short(labels[1])}",
        ({"text_column": columns.text + 1, "label_column": columns.labels + 1}, "if they are labels"),
    )


def check_known(
    path: Source,
    rows: Sequence[Row],
    columns: Columns,
    names: Sequence[list[str]],
    known: Container[str],
) -> None:
    """Refuse what was taken for labels, if hardly a row has one that a model knows."""
    labelled = [own for own in names if own]
    n_known = sum(any(name in known or normalize("NFC", name) in known for name in own) for own in labelled)
    if 10 * n_known < len(labelled):
        first = next(place for place, own in enumerate(names) if own)
        number, row = rows[first]
        raise LayoutError(
            f"{path}:{number}: what stands first seems to be no labels: {_short(names[first])} was read before the "
            f"text {_short(row[columns.text])}, and the model knows labels of {n_known} of {len(labelled)} rows",
            ({"format": "lines"}, "if every line is a text as it stands"),
            ({"text_column": columns.text + 1}, "if it is right"),
        )


def check_separator(path: Source, rows: Sequence[Row], column: int) -> None:
    """Refuse cells of labels that hold no comma but, most of them, something else that stands between labels."""
    cells = [(number, row[column]) for number, row in rows if row[column].strip()]
    if any("," in cell for _, cell in cells):
        return
    for separator, sign in ((";", ";"), ("|", r"\|"), (" ", r"^\s*\d+(?: +\d+)+\s*$")):
        found = [(number, cell) for number, cell in cells if re.search(sign, cell) and not is_uris(cell)]
        if len(found) * 2 >= len(cells) > 0:
            number, cell = found[0]
            raise LayoutError(
                f"{path}:{number}: labels seem to be separated by {separator!r} and not by a comma: {cell[:60]!r} was "
                "read as one label",
                ({"label_separator": separator}, "if they are"),
                ({"label_separator": ","}, "if they are not"),
            )


def _words(texts: Sequence[str]) -> int:
    return sum(len(_WORD.findall(text)) for text in texts)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"
