r"""The PECOS text layout: ``label,label<TAB>text`` a line."""

import math
from collections.abc import Iterator

from .containers import TextData, TextRow
from .lines import StrPath, fault, read_lines

__all__ = ["iter_tabbed", "read_tabbed"]


def iter_tabbed(
    path: StrPath,
    *,
    text_pos: int = 1,
    label_pos: int = 0,
    maxsplit: int = 1,
    relevance: bool = False,
    labels_required: bool = True,
) -> Iterator[TextRow]:
    """Yield the rows of a file with labels and text in tab-separated columns.

    The file is UTF-8; ``.gz`` and ``.xz`` are unpacked.

    Parameters
    ----------
    path : path-like
    text_pos, label_pos : int, default 1 and 0
        Columns of the text and of the comma-separated labels, from 0.
    maxsplit : int, default 1
        Split at the first so many tabs only, so that a text may hold tabs; -1: at every one.
    relevance : bool, default False
        Whether labels read ``name::number``; otherwise ``::`` is part of a name.
    labels_required : bool, default True
        Whether a line without a tab is an error; otherwise it is a text without labels. An empty label column
        is a text without labels in either case.

    Raises
    ------
    ValueError
        With file and line, if a column is missing, a label is empty, or a relevance is not a finite number >=
        0; or if the positions are impossible.
    """
    columns = max(text_pos, label_pos) + 1
    if min(text_pos, label_pos) < 0 or text_pos == label_pos:
        raise ValueError(
            f"text_pos is {text_pos} and label_pos is {label_pos}; two different columns were expected"
        )
    if maxsplit != -1 and maxsplit < columns - 1:
        raise ValueError(f"maxsplit is {maxsplit}, which cannot give column {columns - 1}")
    for number, line in read_lines(path):
        parts = line.split("\t", maxsplit)
        if len(parts) == 1 and not labels_required:
            yield TextRow(line, [], [] if relevance else None)
            continue
        if len(parts) < columns:
            message = (
                f"{columns} tab-separated columns (labels in {label_pos}, text in {text_pos}) were expected"
            )
            raise fault(path, number, f"{message}, found {len(parts)} in {line[:60]!r}")
        names = [name.strip() for name in parts[label_pos].split(",")] if parts[label_pos].strip() else []
        weights = [_split(path, number, name) for name in names] if relevance else None
        if weights is not None:
            names = [name for name, _ in weights]
        if "" in names:
            raise fault(path, number, f"an empty label in {parts[label_pos][:60]!r}")
        yield TextRow(parts[text_pos], names, None if weights is None else [weight for _, weight in weights])


def read_tabbed(
    path: StrPath,
    *,
    text_pos: int = 1,
    label_pos: int = 0,
    maxsplit: int = 1,
    relevance: bool = False,
    labels_required: bool = True,
) -> TextData:
    """Read a whole file of labels and text; parameters and errors are those of `iter_tabbed`."""
    return TextData.from_rows(
        iter_tabbed(
            path,
            text_pos=text_pos,
            label_pos=label_pos,
            maxsplit=maxsplit,
            relevance=relevance,
            labels_required=labels_required,
        )
    )


def _split(path: StrPath, number: int, label: str) -> tuple[str, float]:
    name, mark, value = label.rpartition("::")
    try:
        weight = float(value)
    except ValueError:
        weight = math.nan
    if not mark or not math.isfinite(weight) or weight < 0:
        raise fault(path, number, f"label::relevance with a number >= 0 was expected, found {label[:60]!r}")
    return name, weight
