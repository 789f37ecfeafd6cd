"""The README.md of a saved model: what it is, how to open it, what is known of it, its settings and its size."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .. import __version__
from ..core.memory import format_bytes
from ..core.types import JsonMapping
from .records import Record, table_rows

__all__ = ["model_card"]

_HEAD = """---
library_name: arborank
tags:
- extreme-multi-label-classification
- ranking
---

# {kind}

{saved}

```python
import arborank

model = arborank.load("path/to/this/directory")
```"""
_BEGIN, _END = "<!-- arborank: {} -->", "<!-- arborank: end -->"
_SETTINGS = "Settings"  # what is new comes before this section


def model_card(
    node: JsonMapping, n_bytes: int, records: Sequence[Record], notes: str | None, old: str = ""
) -> str:
    """Write the model card in Markdown, with ``notes`` before the settings.

    What this writes stands between comments. Whatever people write elsewhere in a card is in the next one, too:
    ``old`` is the card of the model that this one was made from.
    """
    settings: list[Sequence[str]] = [("setting", "value")]
    arrays: list[Sequence[str]] = [("array", "shape")]
    for path, part in _walk(node, ""):
        settings += [(f"`{name}`", _cell(value)) for name, value in _settings(path, part["config"])]
        arrays += [(f"`{path}{name}`", f"`{_shape(array)}`") for name, array in part["arrays"].items()]
    saved = f"Saved by Arborank {__version__}; {format_bytes(n_bytes)} of arrays. Open it with"
    card = "\n".join(old.splitlines()).strip("\n")
    if card.strip():
        card = _replaced(card, "saved", saved) or card
    else:
        card = _HEAD.format(kind=node["kind"], saved=_marked("saved", saved))
    for title, rows in (_SETTINGS, settings), ("Arrays", arrays):
        if len(rows) > 1:
            table = _table(rows)
            card = _replaced(card, title, table) or f"{card}\n\n## {title}\n\n{_marked(title, table)}"
    for record in records:
        section = _section(record)
        card = _replaced(card, record.title, section) or _inserted(card, _marked(record.title, section))
    return (_inserted(card, notes.strip()) if notes else card) + "\n"


def _marked(name: str, text: str) -> str:
    return f"{_begin(name)}\n{text}\n{_END}"


def _begin(name: str) -> str:
    return _BEGIN.format(re.sub(r"\W+", "-", name).lower())


def _replaced(card: str, name: str, text: str) -> str | None:
    """Return a card with another text between the comments of this name; None if it has none."""
    first, begin, rest = card.partition(_begin(name))
    _, end, last = rest.partition(_END)
    return f"{first}{_marked(name, text)}{last}" if begin and end else None


def _inserted(card: str, text: str) -> str:
    """Return a card with a text before its settings, or at its end."""
    settings = card.find(_begin(_SETTINGS))
    place = card.rfind("\n## ", 0, settings) + 1 if settings > 0 else len(card)
    return "\n\n".join(part for part in (card[:place].rstrip("\n"), text, card[place:]) if part)


def _section(record: Record) -> str:
    parts = [f"## {record.heading}", record.told]
    parts += [_table(table_rows(title, table), "---:") for title, table in record.tables.items()]
    return "\n\n".join(parts)


def _table(rows: Sequence[Sequence[str]], rule: str = "---") -> str:
    rules = ["---", *([rule] * (len(rows[0]) - 1))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rules, *rows[1:]))


def _walk(node: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield path, node
    for name, part in node["parts"].items():
        yield from _walk(part, f"{path}{name}.")


def _settings(path: str, config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in config.items():
        if isinstance(value, dict) and value:
            yield from _settings(f"{path}{key}.", value)
        else:
            yield f"{path}{key}", json.dumps(value, ensure_ascii=False)


def _cell(text: str) -> str:
    short = text if len(text) <= 80 else text[:77] + "…"
    return f"`{short.replace('|', '¦').replace('`', 'ˋ')}`"


def _shape(array: Mapping[str, Any]) -> str:
    return " × ".join(f"{size:,}" for size in array["shape"]) + f" {array['dtype']}"
