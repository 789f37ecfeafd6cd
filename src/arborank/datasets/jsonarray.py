"""One JSON list of objects, ``[{"text": ..., "labels": [...]}, ...]``."""

import json
from collections.abc import Iterator

from .containers import TextRow
from .jsonl import row_of_record
from .layout import Layout, LayoutError
from .lines import Source, open_bytes

__all__ = ["iter_json"]


def iter_json(
    path: Source, layout: Layout | None = None, *, labels_required: bool | None = True
) -> Iterator[TextRow]:
    """Yield the rows of a JSON file, which is read as a whole; keys and parameters are those of `iter_jsonl`.

    Raises
    ------
    ValueError
        With file and place in the list (from 0), if an object lacks a key or holds another type there; with the file,
        if it is no list in JSON.
    LayoutError
        If it holds JSON lines.
    """
    with open_bytes(path) as file:
        content = file.read()
    try:
        records = json.loads(content)
    except (ValueError, RecursionError) as error:
        if content.lstrip()[:1] == b"{" and b"\n" in content.strip():
            raise LayoutError(
                f"{path} is no JSON list: {error}", ({"format": "jsonl"}, "if lines are objects")
            ) from None
        raise ValueError(f"{path}: a list in JSON was expected: {error}") from None
    if not isinstance(records, list):
        raise ValueError(f"{path}: a list of objects in JSON was expected, found {type(records).__name__}")
    layout = layout or Layout()
    for number, record in enumerate(records):
        if not isinstance(record, dict):
            raise ValueError(f"{path}: item {number} must be an object, found {type(record).__name__}")
        yield row_of_record(f"{path}: item {number}", record, layout, labels_required)
