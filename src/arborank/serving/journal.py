"""Lines added to files that several processes write."""

import errno
import os

from ..core.types import FilePath
from ..storage.disk import sync

__all__ = ["append_line"]


def append_line(path: FilePath, line: bytes, *, lasting: bool = False) -> None:
    """Add a line with one write, so that those of several processes do not mix.

    What a crash has left of an earlier line is ended first. A ``lasting`` line is on the disk when this returns, and so
    are all before it; others outlast the process, but not a crash of the machine.

    Raises
    ------
    OSError
        If the line cannot be written as a whole.
    """
    with open(path, "a+b", buffering=0, opener=_private) as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = b"\n" + line
        if file.write(line + b"\n") <= len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fspath(path))
        if lasting:
            sync(file)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o640)
