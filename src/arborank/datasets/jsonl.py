"""JSON lines: one ``{"text": ..., "labels": [...]}`` a line."""

import json
from collections.abc import Iterator
from typing import Any

from .containers import TextData, TextRow
from .lines import StrPath, fault, open_bytes, read_lines

__all__ = ["iter_jsonl", "read_jsonl", "write_jsonl"]


def iter_jsonl(
    path: StrPath, *, text_key: str = "text", labels_key: str = "labels", labels_required: bool = True
) -> Iterator[TextRow]:
    """Yield the rows of a JSON-lines file (UTF-8, ``.gz`` and ``.xz`` unpacked).

    Parameters
    ----------
    path : path-like
    text_key, labels_key : str
        Where a line holds its text and its list of labels: strings, or integers, which become strings. Other
        keys may stand beside them.
    labels_required : bool, default True
        Whether a line without ``labels_key`` is an error; otherwise it has no labels.

    Raises
    ------
    ValueError
        With file and line, if a line is blank, is not a JSON object, or lacks a key or holds another type
        there.
    """
    for number, line in read_lines(path):
        try:
            record = json.loads(line)
        # ValueError: JSONDecodeError is one, and so is what a number of thousands of digits raises
        except (ValueError, RecursionError) as error:
            found = f"{line[:60]!r} ({error})" if line.strip() else "a blank line"
            raise fault(path, number, f"a JSON object was expected, found {found}") from None
        if not isinstance(record, dict):
            raise fault(path, number, f"a JSON object was expected, found {type(record).__name__}")
        text = record.get(text_key)
        if not isinstance(text, str):
            raise fault(path, number, f'"{text_key}" must be a string, found {_found(record, text_key)}')
        if labels_key not in record and not labels_required:
            yield TextRow(text, [])
            continue
        names = label_names(record.get(labels_key))
        if names is None:
            found = _found(record, labels_key)
            raise fault(path, number, f'"{labels_key}" must be a list of non-empty strings, found {found}')
        yield TextRow(text, names)


def read_jsonl(
    path: StrPath, *, text_key: str = "text", labels_key: str = "labels", labels_required: bool = True
) -> TextData:
    """Read a whole JSON-lines file; parameters and errors are those of `iter_jsonl`."""
    rows = iter_jsonl(path, text_key=text_key, labels_key=labels_key, labels_required=labels_required)
    return TextData.from_rows(rows)


def write_jsonl(path: StrPath, data: TextData) -> None:
    """Write texts and labels, without relevance; packed if the name ends in ``.gz`` or ``.xz``."""
    with open_bytes(path, "wb") as file:
        for text, labels in zip(data.texts, data.labels, strict=True):
            file.write(json.dumps({"text": text, "labels": labels}, ensure_ascii=False).encode() + b"\n")


def label_names(labels: object) -> list[str] | None:
    """Return the labels as strings, or None unless they are a list of non-empty strings or integers."""
    if not isinstance(labels, list):
        return None
    if not all(type(label) is int or (isinstance(label, str) and label) for label in labels):
        return None
    return [str(label) for label in labels]


def _found(record: dict[str, Any], key: str) -> str:
    return repr(record[key])[:60] if key in record else f"no such key among {sorted(record)[:8]}"
