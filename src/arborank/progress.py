"""Progress bars: shown for work that takes longer than two seconds, silent otherwise."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(
    description: str, total: int | None, *, enabled: bool
) -> Iterator[Callable[[int], None] | None]:
    """Yield a function that takes the units done so far, or None when not ``enabled``.

    Parameters
    ----------
    description : str
        What is going on, at the left of the bar.
    total : int, optional
        Units at the end, when known.
    enabled : bool
        Whether anything may be shown at all (a model's ``verbose``).
    """
    if not enabled:
        yield None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, desc=description, delay=2, mininterval=0.5, unit_scale=True, leave=False) as bar:
        yield lambda done: bar.update(done - bar.n) and None
        if total is not None:
            bar.update(total - bar.n)
