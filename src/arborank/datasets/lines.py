"""Files as bytes and lines, plain, gzip, xz or zstd, with the place of every fault."""

import gzip
import lzma
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeVar, cast

from ..storage.disk import naming, open_input

__all__ = [
    "LONGEST_LINE",
    "Source",
    "StrPath",
    "Stream",
    "fault",
    "open_bytes",
    "read_lines",
    "refuse_other_format",
    "suffix",
]

StrPath = str | PathLike[str]
T = TypeVar("T")


@dataclass(frozen=True)
class Stream:
    """An open file of bytes, such as the standard input, with the name that errors give it."""

    file: IO[bytes]
    name: str

    def __str__(self) -> str:
        return self.name


Source = StrPath | Stream

_PACKED = {".gz", ".xz", ".zst"}
LONGEST_LINE = 1 << 26  # bytes: a file of zeros, or a device, has no other end
_OTHERS = {".parquet", ".npz", ".npy", ".json", ".pkl", ".xlsx", ".arrow", ".feather", ".zip", ".bz2"}
# What no text of another form is to be written into, and by what it is known.
_FORMATS = {
    "JSON lines": {".jsonl", ".ndjson"},
    "N D L": {".xmc", ".svm", ".libsvm"},
    "tables": {".csv", ".tsv"},
    "others": _OTHERS,
}


def suffix(path: Source) -> str:
    """Return the extension in lower case, without a final ``.gz``, ``.xz`` or ``.zst``; a stream has none."""
    if isinstance(path, Stream):
        return ""
    plain = Path(path)
    if plain.suffix.lower() in _PACKED:
        plain = plain.with_suffix("")
    return plain.suffix.lower()


def refuse_other_format(path: StrPath, own: str) -> None:
    """Refuse to write what ``own`` names into a file that is called as one of another format is."""
    end = suffix(path)
    if any(end in ends for name, ends in _FORMATS.items() if name != own):
        known = ", ".join(sorted(_FORMATS[own]))
        raise ValueError(f"{path} would hold {own} under the name of another format; {known} was expected")


def fault(path: Source, line: int, message: str) -> ValueError:
    """Return an error that names the place; lines count from 1."""
    return ValueError(f"{path}:{line}: {message}")


@contextmanager
def open_bytes(path: Source, mode: str = "rb") -> Iterator[IO[bytes]]:
    """Open a file, (un)packing by its extension; a stream is open already, and stays so.

    Errors name the file; ``ValueError`` if an archive is damaged, or if a pipe or a device is to be read which nobody
    has opened; ``ImportError`` if ``.zst`` needs a package that is missing.
    """
    if isinstance(path, Stream):
        with naming(path.name):
            yield path.file
        return
    extension = Path(path).suffix.lower()
    zstd = (_zstd().ZstdError,) if extension == ".zst" else ()
    damaged = (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error, *zstd)
    try:
        with (
            naming(path),
            open_input(path) if mode == "rb" else Path(path).open("wb") as plain,
            _packing(plain, extension, mode) as file,
        ):
            yield file
    except damaged as error:
        raise ValueError(f"{path}: damaged or truncated archive: {error}") from error


def _packing(file: BinaryIO, extension: str, mode: str) -> IO[bytes]:
    match extension:
        case ".gz":  # without a name: that of the file may not last
            return cast(IO[bytes], gzip.GzipFile("", mode, compresslevel=6, fileobj=file, mtime=0))
        case ".xz":
            return cast(IO[bytes], lzma.LZMAFile(file, mode))
        case ".zst":
            return cast(IO[bytes], _zstd().ZstdFile(file, mode))
        case _:
            return file


def _zstd() -> Any:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ImportError as error:
        raise ImportError("files in .zst need a package: pip install 'arborank[zstd]'") from error
    return zstd


def read_lines(path: Source, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    r"""Yield the number, from 1, and the text of every line, split at ``\n`` or ``\r\n`` only.

    A byte-order mark at the start is dropped. Raises ``ValueError`` with the place if the bytes are not
    ``encoding``, or a line has more than 64 MiB.
    """
    with open_bytes(path) as file:
        for number, raw in enumerate(iter(partial(file.readline, LONGEST_LINE + 1), b""), 1):
            if len(raw) > LONGEST_LINE:
                raise fault(path, number, f"a line of more than {LONGEST_LINE:,} bytes")
            try:
                line = raw.decode(encoding)
            except UnicodeDecodeError as error:
                raise fault(path, number, f"not {encoding}: {error}") from error
            if number == 1:
                line = line.removeprefix("\ufeff")
            yield number, line.removesuffix("\n").removesuffix("\r")


def sampled(rows: Iterable[T], size: int) -> tuple[list[T], Iterator[T]]:
    """Return the first rows, and an iterator over the others; what stops the first stops these."""
    source, first = iter(rows), []
    try:
        for row in islice(source, size):
            first.append(row)  # one by one: those before an error or Ctrl-C are kept
    except BaseException as error:
        return first, _raising(error)
    return first, source


def _raising(error: BaseException) -> Iterator[Any]:
    raise error
    yield
