"""The ``n_jobs`` parameter."""

from numbers import Integral

__all__ = ["n_threads"]


def n_threads(n_jobs: int | None) -> int:
    """Translate ``n_jobs`` (None or -1: every core) to the native thread count (0: every core).

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is 0 or less than -1.
    """
    if n_jobs is None:
        return 0
    if not isinstance(n_jobs, Integral) or isinstance(n_jobs, bool):
        raise TypeError(f"n_jobs must be an integer or None, found {n_jobs!r}")
    if n_jobs < -1 or n_jobs == 0:
        raise ValueError(f"n_jobs must be positive, or -1 for every core, found {n_jobs}")
    return max(int(n_jobs), 0)
