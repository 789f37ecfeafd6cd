"""A directory held by one process at a time."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["exclusive"]


@contextlib.contextmanager
def exclusive(directory: Path, *, wait: bool = False) -> Iterator[bool]:
    """Hold a directory for this process; yield whether it is held: False where the system has no file locks.

    Locks end with the process. Another process that holds it is waited for, or without ``wait`` a ``BlockingIOError``.
    """
    if sys.platform == "win32":
        yield False
        return
    import fcntl

    descriptor = os.open(directory, os.O_RDONLY)
    try:
        held = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise BlockingIOError(
                f"{directory} is in use by another process; wait for it, or give another directory"
            ) from None
        except OSError:  # some network file systems have no locks
            held = False
        yield held
    finally:
        os.close(descriptor)
