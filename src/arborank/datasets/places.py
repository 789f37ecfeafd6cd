"""One place that is named, and the files that it means: itself, those of a folder, or those of a pattern."""

import glob
import os
from collections.abc import Container
from pathlib import Path

from .lines import StrPath, suffix

__all__ = ["files_of", "is_pattern", "means_several"]


def is_pattern(path: StrPath) -> bool:
    """Whether a name has ``*``, ``?`` or ``[`` in it and is not that of a file."""
    return glob.has_magic(os.fspath(path)) and not os.path.lexists(path)


def means_several(path: StrPath) -> bool:
    """Whether a folder or a pattern is named, rather than a file."""
    return os.path.isdir(path) or is_pattern(path)


def files_of(path: StrPath, extensions: Container[str] | None = None) -> list[Path]:
    """Return the files of a pattern or a folder by name, or the one file that is named.

    A pattern may reach into folders (``**``). Of a folder these are the files with one of the ``extensions``, packed or
    not, or all files; but never those with a name that begins with a dot or an underscore.

    Raises
    ------
    FileNotFoundError
        If a pattern or a folder has no such file.
    """
    if is_pattern(path):
        found = sorted(
            place for name in glob.glob(os.fspath(path), recursive=True) if (place := Path(name)).is_file()
        )
        if not found:
            raise FileNotFoundError(f"no file is named as the pattern {os.fspath(path)!r} says")
        return found
    if not os.path.isdir(path):
        return [Path(path)]
    inside = sorted(place for place in Path(path).iterdir() if place.name[0] not in "._" and place.is_file())
    found = [place for place in inside if extensions is None or suffix(place) in extensions]
    if not found:
        held = f"it holds {inside[0].name!r}" if inside else "it is empty"
        raise FileNotFoundError(f"the folder {path} has no file of texts; {held}")
    return found
