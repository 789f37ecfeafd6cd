"""The README.md of a saved model: what it is, how to open it, its settings and its size."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .. import __version__
from ..memory import format_bytes

__all__ = ["model_card"]


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
    sections += _table("Settings", "setting", "value", settings)
    sections += _table("Arrays", "array", "shape", shapes)
    return "\n\n".join(sections) + "\n"


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


def _table(title: str, left: str, right: str, rows: list[tuple[str, str]]) -> Iterator[str]:
    if rows:
        yield f"## {title}"
        cells = [f"| `{name}` | {_cell(value)} |" for name, value in rows]
        yield "\n".join([f"| {left} | {right} |", "|---|---|", *cells])


def _cell(text: str) -> str:
    short = text if len(text) <= 80 else text[:77] + "…"
    return f"`{short.replace('|', '¦').replace('`', 'ˋ')}`"


def _shape(array: Mapping[str, Any]) -> str:
    return " × ".join(f"{size:,}" for size in array["shape"]) + f" {array['dtype']}"
