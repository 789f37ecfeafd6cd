"""Files that last: synced before they are announced, mapped where the system can, and named by every error.

Not every file system can sync a directory or map a file (network mounts, FUSE). There, nothing more can be done for
durability, and files are read into memory.
"""

import contextlib
import errno
import mmap
import os
import sys
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = [
    "make_directory",
    "map_file",
    "naming",
    "put_in_place",
    "scratch_array",
    "sync",
    "sync_directory",
    "write_text",
]

_CANNOT = {errno.EBADF, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
_CANNOT_MAP = {*_CANNOT, errno.EACCES, errno.ENODEV, errno.EPERM}
_PIECE = 1 << 22


@contextlib.contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Give the system's errors the name of a file: those of writing, syncing and mapping come without one."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = os.fspath(path)
        raise


def sync(file: IO[Any]) -> None:
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

    Parameters
    ----------
    file : file object open for reading
    n_bytes : int
        At least one, and not more than the file has.
    """
    with naming(file.name):
        try:
            return memoryview(mmap.mmap(file.fileno(), n_bytes, access=mmap.ACCESS_READ))
        except OSError as error:
            if error.errno not in _CANNOT_MAP:
                raise
        content = np.empty(n_bytes, np.uint8)
        file.seek(0)
        n_read = file.readinto(content)  # type: ignore[attr-defined]
        if n_read < n_bytes:
            raise ValueError(f"{file.name} is truncated: {n_read} bytes could be read of {n_bytes}")
    return content.data.toreadonly()


def scratch_array(path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array of zeros in a new file that is mapped, or in memory where files cannot be mapped.

    Raises
    ------
    OSError
        If the disk has no room for it: later, in the middle of the work, that would end the process.
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
