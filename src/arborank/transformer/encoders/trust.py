"""What is taken from the files of an encoder: numbers and settings, never code, and nothing from outside its folder."""

import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from ...core.types import Json

__all__ = ["FILES", "check_modules", "check_settings", "check_shards", "without_code"]

FILES = {
    "added_tokens.json",
    "bpe.codes",
    "config.json",
    "dict.txt",
    "emoji.json",
    "entity_vocab.json",
    "merges.txt",
    "normalizer.json",
    "sentencepiece.bpe.model",
    "sentencepiece.model",
    "special_tokens_map.json",
    "spiece.model",
    "spm.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
}
"""The files of configurations and tokenizers that a saved encoder may hold."""

_ATTENTION = (None, "eager", "sdpa")
_NAMES_CODE = ("attn_implementation", "experts_implementation")
_NOT_OPENED = "special_tokens_map_file"  # old tokenizers have where it was when they were saved


def check_settings(settings: object, where: str) -> None:
    """Refuse settings that ask for code, or for files elsewhere.

    Parameters
    ----------
    settings : JSON value
        ``config.json`` or ``tokenizer_config.json`` of an encoder.
    where : str
        What to call it in an error.

    Raises
    ------
    ValueError
        If they name classes to import (``auto_map``), attention that is downloaded as a program, or a file by its path.
    """
    for key, value in _entries(settings):
        if key == "auto_map":
            raise ValueError(
                f"{where} asks to run code that comes with it (auto_map), which is never done; take an encoder of a "
                "kind that Transformers itself knows"
            )
        if key.removeprefix("_") in _NAMES_CODE and value not in _ATTENTION:
            raise ValueError(f"{where} asks for {key} {value!r}; expected one of eager, sdpa")
        if key.endswith("_file") and key != _NOT_OPENED and isinstance(value, str):
            raise ValueError(f"{where} names a file by its path ({key} {value!r}), which is not followed")


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _entries(inner)


def check_modules(modules: object, where: str) -> list[Json]:
    """Return the modules that a sentence-transformers model lists in its ``modules.json``.

    Raises
    ------
    ValueError
        If they are not listed by type and path, a type is not of sentence-transformers, or a path leads elsewhere.
    """
    if not isinstance(modules, list) or not all(_is_module(module) for module in modules):
        raise ValueError(f"{where}: modules.json does not list modules by type and path")
    for module in modules:
        if not module["type"].startswith("sentence_transformers."):
            raise ValueError(
                f"{where}: modules.json asks for {module['type']!r}, which is not of sentence-transformers"
            )
        if not _is_inside(module["path"]):
            raise ValueError(
                f"{where}: modules.json names the path {module['path']!r}, which leads elsewhere"
            )
    return modules


def check_shards(index: object, where: str) -> None:
    """Refuse a ``model.safetensors.index.json`` that names files elsewhere, or of another kind."""
    names = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(names, dict):
        raise ValueError(f"{where}: model.safetensors.index.json has no weight_map")
    for name in names.values():
        if not isinstance(name, str) or "/" in name or "\\" in name or not name.endswith(".safetensors"):
            raise ValueError(
                f"{where}: model.safetensors.index.json names {name!r}; a .safetensors file beside it was expected"
            )


def without_code(text: str) -> str:
    """Return a JSON object without ``auto_map``, as of an encoder that had code of its own before it was known."""
    settings = json.loads(text)
    if settings.pop("auto_map", None) is None:
        return text
    return json.dumps(settings, indent=2, ensure_ascii=False) + "\n"


def _is_module(module: Any) -> bool:
    return isinstance(module, dict) and all(isinstance(module.get(key), str) for key in ("type", "path"))


def _is_inside(path: str) -> bool:
    place = PurePosixPath(path)
    return not place.is_absolute() and ".." not in place.parts and "\\" not in path
