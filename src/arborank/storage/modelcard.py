"""The README.md of a saved model: what it is, how to open it, its settings and its size."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .. import __version__
from ..core.memory import format_bytes

__all__ = ["model_card", "revised_card"]

_SAVED = re.compile(r"^Saved by Arborank .*$", re.MULTILINE)
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_TABLES = {"Settings": "| setting | value |", "Arrays": "| array | shape |"}
_LAST = "Last update"  # a section whose first paragraph each update writes anew
_MEASURED = ("Evaluation", "Compression")


def model_card(node: Mapping[str, Any], n_bytes: int, notes: str | None) -> str:
    """Write the model card in Markdown.

    Parameters
    ----------
    node : mapping
        The model as config.json describes it: kind, config, arrays and parts.
    n_bytes : int
        Size of the data files.
    notes : str or None
        Markdown to put in first, such as an evaluation.
    """
    sections = [
        "---\nlibrary_name: arborank\ntags:\n- extreme-multi-label-classification\n- ranking\n---",
        f"# {node['kind']}",
        f"Saved by Arborank {__version__}; {format_bytes(n_bytes)} of arrays. Open it with",
        '```python\nimport arborank\n\nmodel = arborank.load("path/to/this/directory")\n```',
    ]
    if notes:
        sections.append(notes.strip())
    settings: list[tuple[str, str]] = []
    shapes: list[tuple[str, str]] = []
    for path, part in _walk(node, ""):
        settings += _settings(path, part["config"])
        shapes += [(f"{path}{name}", _shape(array)) for name, array in part["arrays"].items()]
    sections += _table("Settings", settings)
    sections += _table("Arrays", shapes)
    return "\n\n".join(sections) + "\n"


def revised_card(card: str, fresh: str, change: str) -> str:
    """Return the card of a model that was changed: all that stood in it, and what is new of the changed one.

    Settings, arrays and the last update are replaced. Evaluation and compression get titles that say that the model
    has changed since. Whatever else is there, people wrote, and it stays.

    Parameters
    ----------
    card : str
        The card of the model before the change.
    fresh : str
        What `model_card` writes of the changed one.
    change : str
        What changed it, such as "updates", for the titles.
    """
    if not card.strip():
        return fresh
    (head, *news), (old_head, *olds) = _sections(fresh), _sections(card)
    saved = _SAVED.search(head.body)
    top = old_head.body if saved is None else _SAVED.sub(lambda _: saved[0], old_head.body, count=1)
    titled = [
        section._replace(title=f"{section.title}, before {change}") if section.title in _MEASURED else section
        for section in olds
    ]
    for section in news:
        places = [place for place, old in enumerate(titled) if old.title == section.title]
        if places:
            titled[places[0]] = section._replace(body=_renewed(titled[places[0]], section))
        else:
            tables = [place for place, old in enumerate(titled) if old.title in _TABLES]
            before = min(tables, default=len(titled)) if section.title not in _TABLES else len(titled)
            titled.insert(before, section)
    parts = [top.strip("\n"), *(f"## {title}\n\n{body}".rstrip() for title, body in titled)]
    return "\n\n".join(part for part in parts if part) + "\n"


class _Section(NamedTuple):
    title: str  # empty for what stands before the first
    body: str


def _sections(card: str) -> list[_Section]:
    """Cut a card before every heading of the second level, but not within fenced code."""
    found: list[tuple[str, list[str]]] = [("", [])]
    fence = ""
    for line in card.splitlines():
        mark = _FENCE.match(line)
        if mark is not None:
            if not fence:
                fence = mark[1]
            elif mark[1].startswith(fence):
                fence = ""
        if line.startswith("## ") and not fence:
            found.append((line[3:].strip(), []))
        else:
            found[-1][1].append(line)
    return [_Section(title, "\n".join(lines).strip("\n")) for title, lines in found]


def _renewed(old: _Section, new: _Section) -> str:
    """Return the new body, with what people added to the old one."""
    lines = old.body.split("\n")
    if old.title == _LAST:
        begin = 0
    elif old.title in _TABLES and _TABLES[old.title] in lines:
        begin = lines.index(_TABLES[old.title])
    else:
        return f"{new.body}\n\n{old.body}"
    end = begin
    while end < len(lines) and lines[end].strip() and (old.title == _LAST or lines[end].startswith("|")):
        end += 1
    return "\n".join([*lines[:begin], *new.body.split("\n"), *lines[end:]])


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


def _table(title: str, rows: list[tuple[str, str]]) -> Iterator[str]:
    if rows:
        yield f"## {title}"
        cells = [f"| `{name}` | {_cell(value)} |" for name, value in rows]
        yield "\n".join([_TABLES[title], "|---|---|", *cells])


def _cell(text: str) -> str:
    short = text if len(text) <= 80 else text[:77] + "…"
    return f"`{short.replace('|', '¦').replace('`', 'ˋ')}`"


def _shape(array: Mapping[str, Any]) -> str:
    return " × ".join(f"{size:,}" for size in array["shape"]) + f" {array['dtype']}"
