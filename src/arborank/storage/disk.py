"""Files that last: synced before they are announced, mapped where the system can, and named by every error.

Not every file system can sync a directory or map a file (network mounts, FUSE). There, nothing more can be done for
durability, and files are read into memory.
"""

import contextlib
import errno
import functools
import mmap
import os
import re
import stat
import sys
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np
from numpy.typing import DTypeLike

from .._native import map_pages
from ..core.types import AnyArray

__all__ = [
    "LONGEST_TEXT",
    "make_directory",
    "map_file",
    "naming",
    "open_input",
    "open_regular",
    "put_in_place",
    "read_content",
    "read_text",
    "scratch_array",
    "sync",
    "sync_directory",
    "write_text",
]

_CANNOT = {errno.EBADF, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
_CANNOT_MAP = {*_CANNOT, errno.EACCES, errno.ENODEV, errno.EPERM}
_PIECE = 1 << 22
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
# What a shell has opened for a program: its standard input, and what <(command) stands for.
_OPENED = re.compile(r"/dev/(stdin|fd/\d+)|/proc/(self|\d+)/fd/.*")
LONGEST_TEXT = 1 << 26  # bytes of a file that is read as a whole, such as the description of a model


@contextlib.contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Give the system's errors the name of a file: those of writing, syncing and mapping come without one."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = os.fspath(path)
        raise


def sync(file: IO[bytes] | IO[str]) -> None:
    """Bring what was written to an open file to the disk, where the file system can."""
    with naming(file.name):
        file.flush()
        _sync(file.fileno())


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable, where a directory can be opened and synced."""
    if sys.platform == "win32":
        return
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except PermissionError:  # one may write to a directory without being allowed to list it
        return
    try:
        with naming(directory):
            _sync(descriptor)
    finally:
        os.close(descriptor)


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise


def make_directory(directory: Path) -> None:
    """Make a directory and those above it that are missing, for good."""
    missing = [place for place in (directory, *directory.parents) if not place.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    for place in missing:
        sync_directory(place.parent)


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file to be read; ``ValueError`` for anything else: a pipe or a device may never end, or block."""
    return open(path, "rb", opener=functools.partial(_open_checked, wanted="a regular file was expected"))


def open_input(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file to be read, or a pipe that a shell has opened: ``/dev/stdin``, ``/dev/fd/63``."""
    return open(path, "rb", opener=_open_input)


def _open_input(path: str, flags: int) -> int:
    is_open = any(_OPENED.fullmatch(place) for place in (path, os.path.realpath(path)))
    wanted = "a regular file was expected; what is piped in is read from - or /dev/stdin"
    descriptor = _open_checked(path, flags, wanted=wanted, any_kind=is_open)
    if _NONBLOCK:
        os.set_blocking(descriptor, True)
    return descriptor


def _open_checked(path: str, flags: int, *, wanted: str, any_kind: bool = False) -> int:
    descriptor = os.open(path, flags | _NONBLOCK)  # or a pipe would wait for its writer
    mode = os.fstat(descriptor).st_mode
    if not (any_kind or stat.S_ISREG(mode)):
        os.close(descriptor)
        kind = "a directory" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise ValueError(f"{path} is {kind}; {wanted}")
    return descriptor


def read_content(path: str | os.PathLike[str]) -> bytes:
    """Return the content of a regular file; ``ValueError`` if it is longer than 64 MiB."""
    with naming(path), open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > LONGEST_TEXT:
            raise ValueError(f"{path} is longer than the {LONGEST_TEXT:,} bytes that such a file may have")
        return file.read(size)


def read_text(path: str | os.PathLike[str]) -> str:
    """Return `read_content` as text; ``ValueError`` if it is not UTF-8."""
    return read_content(path).decode("utf-8")


def write_text(path: Path, text: str) -> None:
    """Write a new file and sync it."""
    with naming(path), path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
        sync(file)


def put_in_place(new: Path, path: Path) -> None:
    """Give a synced file of the same directory its name, in one step, for good.

    All files that were written before are on the disk, under their names, before this one is.
    """
    sync_directory(path.parent)
    os.replace(new, path)
    sync_directory(path.parent)


def map_file(file: BinaryIO, n_bytes: int) -> memoryview:
    """Return the first bytes of a file, read-only: mapped, or read into memory where files cannot be mapped.

    These must be at least one, and not more than there are. The file may be closed: what is mapped holds no descriptor.
    """
    with naming(file.name):
        try:
            return map_pages(file.fileno(), n_bytes).data
        except OSError as error:
            if error.errno not in _CANNOT_MAP:
                raise
        content = np.empty(n_bytes, np.uint8)
        file.seek(0)
        n_read = file.readinto(content)  # type: ignore[attr-defined]
        if n_read < n_bytes:
            raise ValueError(f"{file.name} is truncated: {n_read} bytes could be read of {n_bytes}")
    return content.data.toreadonly()


def scratch_array(path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> AnyArray:
    """Return an array of zeros in a new file that is mapped, or in memory where files cannot be mapped.

    A disk without room for it is an ``OSError`` now: later, in the middle of the work, that would end the process.
    """
    dtype = np.dtype(dtype)
    n_bytes = prod(shape) * dtype.itemsize
    if n_bytes == 0:
        return np.zeros(shape, dtype)
    zeros = bytes(_PIECE)
    with naming(path), path.open("x+b") as file:
        for start in range(0, n_bytes, _PIECE):
            file.write(zeros[: n_bytes - start])
        file.flush()
        try:
            buffer = mmap.mmap(file.fileno(), n_bytes)
        except OSError as error:
            if error.errno not in _CANNOT_MAP:
                raise
            return np.zeros(shape, dtype)
    return np.frombuffer(buffer, dtype).reshape(shape)
