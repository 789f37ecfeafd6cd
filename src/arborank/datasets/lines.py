"""Files as bytes and lines, plain, gzip or xz, with the place of every fault."""

import gzip
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import IO, cast

from ..persistence.disk import naming

__all__ = ["StrPath", "fault", "open_bytes", "read_lines", "suffix"]

StrPath = str | PathLike[str]

_PACKED = {".gz", ".xz"}


def suffix(path: StrPath) -> str:
    """Return the extension in lower case, without a final ``.gz`` or ``.xz``."""
    plain = Path(path)
    if plain.suffix.lower() in _PACKED:
        plain = plain.with_suffix("")
    return plain.suffix.lower()


def fault(path: StrPath, line: int, message: str) -> ValueError:
    """Return an error that names the place; lines count from 1."""
    return ValueError(f"{path}:{line}: {message}")


@contextmanager
def open_bytes(path: StrPath, mode: str = "rb") -> Iterator[IO[bytes]]:
    """Open a file, (un)packing by its extension.

    Errors name the file; ``ValueError`` if an archive is damaged.
    """
    try:
        with naming(path), _open(path, mode) as file:
            yield file
    except (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}: damaged or truncated archive: {error}") from error


def _open(path: StrPath, mode: str) -> IO[bytes]:
    match Path(path).suffix.lower():
        case ".gz":
            return cast(IO[bytes], gzip.GzipFile(path, mode, compresslevel=6, mtime=0))
        case ".xz":
            return cast(IO[bytes], lzma.LZMAFile(path, mode))
        case _:
            return cast(IO[bytes], open(path, mode))


def read_lines(path: StrPath, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    r"""Yield the number, from 1, and the text of every line, split at ``\n`` or ``\r\n`` only.

    A byte-order mark at the start is dropped. Raises ``ValueError`` with the place if the bytes are not
    ``encoding``.
    """
    with open_bytes(path) as file:
        for number, raw in enumerate(file, 1):
            try:
                line = raw.decode(encoding)
            except UnicodeDecodeError as error:
                raise fault(path, number, f"not {encoding}: {error}") from error
            if number == 1:
                line = line.removeprefix("\ufeff")
            yield number, line.removesuffix("\n").removesuffix("\r")
