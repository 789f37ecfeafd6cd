"""How many threads: one convention a kind of caller, and the one place where they meet.

- What is fitted takes ``n_jobs``, as scikit-learn's estimators do: None or -1 for every core, else that many. So do
  functions that make such objects, and the command line (``--jobs``).
- Functions take ``n_threads``, as the native code does: 0 for every core, else that many; -1 is refused.

Whatever the number, results are the same to the byte. More threads than twice the cores, or than 16 where there are few
cores, are not started: they would only wait for one another. Nor are more than there are pieces of work.
"""

import os
from numbers import Integral

from .errors import ArgumentError

__all__ = ["n_threads", "used_threads"]

_FEW = 16  # threads that are started on any machine, as tests use them


def n_threads(n_jobs: int | None) -> int:
    """Translate ``n_jobs`` (None or -1: every core) to the native thread count (0: every core).

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is 0, less than -1 or no 32-bit number.
    """
    if n_jobs is None:
        return 0
    if not isinstance(n_jobs, Integral) or isinstance(n_jobs, bool):
        raise TypeError(f"n_jobs must be an integer or None, found {n_jobs!r}")
    if n_jobs < -1 or n_jobs == 0:
        raise ArgumentError("n_jobs", f"must be positive, or -1 for every core, found {n_jobs}")
    if n_jobs >= 2**31:
        raise ArgumentError("n_jobs", f"must be below 2**31, found {n_jobs}")
    return used_threads(int(n_jobs)) if n_jobs > 0 else 0


def used_threads(n_threads: int) -> int:
    """Return how many threads the native code starts at most, when told so many: 0 is every core."""
    if 0 < n_threads <= _FEW:
        return n_threads
    cores = _cores()
    return min(n_threads, max(_FEW, 2 * cores)) if n_threads > 0 else cores


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
