"""Lines added to files that several processes write."""

import os

from ..core.types import FilePath

__all__ = ["append_line"]


def append_line(path: FilePath, line: bytes) -> None:
    """Add a line with one write, so that those of several processes do not mix."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        os.write(descriptor, line + b"\n")
    finally:
        os.close(descriptor)
