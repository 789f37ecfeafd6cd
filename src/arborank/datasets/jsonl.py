"""JSON lines: one ``{"text": ..., "labels": [...]}`` a line."""

import json
from collections.abc import Iterator
from typing import Any

from ..core.types import Json
from .cells import label_names, split_labels
from .containers import TextData, TextRow
from .layout import Layout, LayoutError
from .lines import Source, StrPath, fault, open_bytes, read_lines, refuse_other_format
from .relevance import relevance_of, weighed_names, weight_of

__all__ = ["iter_jsonl", "read_jsonl", "row_of_line", "row_of_record", "write_jsonl"]


def iter_jsonl(
    path: Source, layout: Layout | None = None, *, labels_required: bool | None = True
) -> Iterator[TextRow]:
    """Yield the rows of a JSON-lines file (UTF-8, ``.gz``, ``.xz`` and ``.zst`` unpacked).

    Parameters
    ----------
    path : path-like
    layout : Layout, optional
        Which keys hold the text, the labels, their relevance and an id: by default "text", "labels", "relevance" and
        none. Labels are a list of strings or integers, which become strings, or an object with the relevance of each;
        with a ``label_separator`` they may also stand in one string. The relevance is a list with one number of at
        least 0 for every label. Other keys may stand beside these; lists and objects by a name such as ``"weights"``
        are an error, unless ``relevance_column`` is None.
    labels_required : bool, default True
        Whether a line without the key of the labels is an error; otherwise it has no labels.

    Raises
    ------
    ValueError
        With file and line, if a line is blank, is not a JSON object, lacks a key or holds another type there, or may
        have meant another key.
    """
    layout = layout or Layout()
    for number, line in read_lines(path):
        yield row_of_line(path, number, line, layout, labels_required)


def read_jsonl(path: Source, layout: Layout | None = None, *, labels_required: bool = True) -> TextData:
    """Read a whole JSON-lines file; parameters and errors are those of `iter_jsonl`.

    Either all rows with labels have a relevance, or none has.
    """
    return TextData.from_rows(iter_jsonl(path, layout, labels_required=labels_required), path)


def write_jsonl(path: StrPath, data: TextData) -> None:
    """Write texts, labels and, where there are some, relevance and weights; packed by ``.gz``, ``.xz`` or ``.zst``.

    Raises
    ------
    ValueError
        If the name ends as that of another format does.
    """
    refuse_other_format(path, "JSON lines")
    with open_bytes(path, "wb") as file:
        for number, (text, labels) in enumerate(zip(data.texts, data.labels, strict=True)):
            record: dict[str, Any] = {"text": text, "labels": labels}
            if data.relevance is not None:
                record["relevance"] = data.relevance[number]
            if data.sample_weight is not None:
                record["weight"] = data.sample_weight[number]
            file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")


def row_of_line(
    path: Source, number: int, line: str, layout: Layout, labels_required: bool | None
) -> TextRow:
    """Return what a line of JSON holds; errors as in `iter_jsonl`."""
    try:
        record = json.loads(line)
    # ValueError: JSONDecodeError is one, and so is what a number of thousands of digits raises
    except (ValueError, RecursionError) as error:
        found = f"{line[:60]!r} ({error})" if line.strip() else "a blank line"
        raise fault(path, number, f"a JSON object was expected, found {found}") from None
    if not isinstance(record, dict):
        raise fault(path, number, f"a JSON object was expected, found {type(record).__name__}")
    return row_of_record(f"{path}:{number}", record, layout, labels_required)


def row_of_record(place: str, record: Json, layout: Layout, labels_required: bool | None) -> TextRow:
    """Return a row from values by name; ``ValueError`` with the place if one is missing or of another type.

    Where ``labels_required`` is None, labels are left aside, whatever they are.
    """
    key = "text" if layout.text_column is None else str(layout.text_column)
    text = record.get(key)
    if not isinstance(text, str):
        raise _lacking(place, record, key, "text_column", "a string")
    number = None
    if layout.id_column is not None:
        name = str(layout.id_column)
        number = record.get(name)
        if not isinstance(number, str) and type(number) is not int:
            raise _lacking(place, record, name, "id_column", "a string or an integer")
    key = "labels" if layout.label_column is None else str(layout.label_column)
    names = _labels(place, record, key, layout, labels_required)
    relevance = None
    if layout.relevance_column is not None and isinstance(record.get(key), list | dict):
        try:
            relevance = relevance_of(record, key, layout.relevance_column)
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
    if layout.relevance_separator is not None:
        if relevance is not None:
            raise ValueError(
                f'{place}: "{key}" has a relevance already; relevance_separator is for those in names'
            )
        try:
            names, relevance = weighed_names(names, layout.relevance_separator)
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
    weight = None
    if layout.weight_column is not None:
        name = str(layout.weight_column)
        if name not in record:
            raise _lacking(place, record, name, "weight_column", "a number of at least 0")
        try:
            weight = weight_of(record[name])
        except ValueError as error:
            raise ValueError(f'{place}: "{name}": {error}') from None
    return TextRow(text, names, relevance, None if number is None else str(number), weight)


def _labels(
    place: str, record: dict[str, Any], key: str, layout: Layout, labels_required: bool | None
) -> list[str]:
    if labels_required is None or (key not in record and not labels_required):
        return []
    found = record.get(key)
    if type(found) is int and layout.label_separator is not None:
        return [str(found)]
    if isinstance(found, str):
        if layout.label_separator is not None:
            try:
                return split_labels(found, layout.label_separator)
            except ValueError as error:
                raise ValueError(f"{place}: {error}") from None
        if not labels_required:
            return [found] if found else []
    names = label_names(list(found) if isinstance(found, dict) else found)
    if names is None:
        raise _lacking(place, record, key, "label_column", "a list of non-empty strings")
    return names


def _lacking(place: str, record: dict[str, Any], key: str, column: str, wanted: str) -> LayoutError:
    """Return the error that a key is missing or of another type, with what may have been meant."""
    problem = f'{place}: "{key}" must be {wanted}, found '
    if key in record:
        if column == "label_column" and (isinstance(record[key], str) or type(record[key]) is int):
            cases = (
                ({"label_separator": ""}, "if it is one label"),
                ({"label_separator": ","}, "if commas part it"),
            )
            return LayoutError(problem + repr(record[key])[:60], *cases)
        return LayoutError(problem + repr(record[key])[:60])
    kinds: Any = list if column == "label_column" else str
    if column == "weight_column":
        kinds = int | float
    others = [name for name in record if isinstance(record[name], kinds) and name not in ("text", "labels")]
    meant: list[tuple[dict[str, Any], str]] = [({column: others[0]}, "for instance")] if others else []
    if column == "label_column" and not others and isinstance(record.get("label"), str | int):
        meant = [({column: "label", "label_separator": ""}, "if it is one label")]
    return LayoutError(f"{problem}no such key among {sorted(map(str, record))[:8]}", *meant)
