"""JSON lines: one ``{"text": ..., "labels": [...]}`` a line."""

import json
import math
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from typing import Any

from .containers import TextData, TextRow
from .lines import StrPath, fault, open_bytes, read_lines

__all__ = ["iter_jsonl", "read_jsonl", "write_jsonl"]


def iter_jsonl(
    path: StrPath,
    *,
    text_key: str = "text",
    labels_key: str = "labels",
    relevance_key: str | None = "relevance",
    labels_required: bool = True,
) -> Iterator[TextRow]:
    """Yield the rows of a JSON-lines file (UTF-8, ``.gz`` and ``.xz`` unpacked).

    Parameters
    ----------
    path : path-like
    text_key, labels_key : str
        Where a line holds its text and its labels: a list of strings, or of integers, which become strings; or an
        object with the relevance of each.
    relevance_key : str or None, default "relevance"
        Where a line may hold a list with one number of at least 0 for every label. Other keys may stand beside these;
        they are passed over, except for lists and objects by a name such as ``"weights"`` or ``"scores"``, which are an
        error unless this is None.
    labels_required : bool, default True
        Whether a line without ``labels_key`` is an error; otherwise it has no labels.

    Raises
    ------
    ValueError
        With file and line, if a line is blank, is not a JSON object, lacks a key or holds another type there, or may
        have meant another key.
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
        labels = record.get(labels_key)
        names = label_names(list(labels) if isinstance(labels, dict) else labels)
        if names is None:
            found = _found(record, labels_key)
            raise fault(path, number, f'"{labels_key}" must be a list of non-empty strings, found {found}')
        try:
            relevance = None if relevance_key is None else _relevance(record, labels_key, relevance_key)
        except ValueError as error:
            raise fault(path, number, str(error)) from None
        yield TextRow(text, names, relevance)


def read_jsonl(
    path: StrPath,
    *,
    text_key: str = "text",
    labels_key: str = "labels",
    relevance_key: str | None = "relevance",
    labels_required: bool = True,
) -> TextData:
    """Read a whole JSON-lines file; parameters and errors are those of `iter_jsonl`.

    Either all rows with labels have a relevance, or none has.
    """
    return rows_of_file(
        path,
        iter_jsonl(
            path,
            text_key=text_key,
            labels_key=labels_key,
            relevance_key=relevance_key,
            labels_required=labels_required,
        ),
    )


def write_jsonl(path: StrPath, data: TextData) -> None:
    """Write texts, labels and, where there is one, their relevance; packed if the name ends in ``.gz`` or ``.xz``."""
    with open_bytes(path, "wb") as file:
        for number, (text, labels) in enumerate(zip(data.texts, data.labels, strict=True)):
            record: dict[str, Any] = {"text": text, "labels": labels}
            if data.relevance is not None:
                record["relevance"] = data.relevance[number]
            file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")


def label_names(labels: object) -> list[str] | None:
    """Return the labels as strings, or None unless they are a list of non-empty strings or integers."""
    if not isinstance(labels, list):
        return None
    if not all(type(label) is int or (isinstance(label, str) and label) for label in labels):
        return None
    return [str(label) for label in labels]


def label_weights(values: object, n_labels: int) -> list[float] | None:
    """Return the relevance of labels, or None unless it is a list of one finite number of at least 0 for each."""
    if not isinstance(values, list) or len(values) != n_labels:
        return None
    if not all(type(value) in (int, float) and 0 <= value < math.inf for value in values):
        return None
    return [float(value) for value in values]


def rows_of_file(path: StrPath, rows: Iterable[TextRow]) -> TextData:
    """Return `TextData.from_rows`, with the file's name in the error."""
    rows = list(rows)
    try:
        return TextData.from_rows(rows)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _relevance(record: dict[str, Any], labels_key: str, relevance_key: str) -> list[float] | None:
    labels, given = record[labels_key], record.get(relevance_key)
    for key, value in record.items():
        if (
            key not in (labels_key, relevance_key)
            and isinstance(value, (list, dict))
            and _may_weigh(key, relevance_key)
        ):
            raise ValueError(
                f'"{key}" is not read; the relevance of labels stands in "{relevance_key}", a list with one number for '
                f'each of "{labels_key}"'
            )
    if given is not None and isinstance(labels, dict):
        raise ValueError(f'"{labels_key}" and "{relevance_key}" both give a relevance; one was expected')
    place, values = (
        (labels_key, list(labels.values())) if isinstance(labels, dict) else (relevance_key, given)
    )
    if values is None:
        return None
    relevance = label_weights(values, len(labels))
    if relevance is None:
        raise ValueError(
            f'"{place}" must hold one finite number of at least 0 for every label, found {_found(record, place)}'
        )
    return relevance


def _may_weigh(key: str, relevance_key: str) -> bool:
    """Whether someone may have written the relevance of labels under a key."""
    plain = key.casefold().removeprefix("label").strip("_- ").removesuffix("s")
    return (
        plain in ("weight", "score", "count", "gain")
        or SequenceMatcher(None, plain, relevance_key).ratio() > 0.8
    )


def _found(record: dict[str, Any], key: str) -> str:
    return repr(record[key])[:60] if key in record else f"no such key among {sorted(record)[:8]}"
