"""What a person sees of a long training: rate, loss and precision of every level; and the record of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ...core.progress import progress
from ...core.types import Json

__all__ = ["training_bar"]


@contextmanager
def training_bar(
    description: str, total: int, done: int, *, enabled: bool
) -> Iterator[Callable[[int, Json], None]]:
    """Yield a function that takes the steps done so far and what is known, such as the loss.

    Parameters
    ----------
    description : str
    total, done : int
        Steps at the end, and steps already done.
    enabled : bool
        Whether anything may be shown.
    """
    with progress(description, total, unit="steps", done=done, enabled=enabled) as update:

        def show(steps: int, known: dict[str, Any]) -> None:
            shown = [f"{name} {known[name]:.4g}" for name in ("loss", "P@1", "P@5") if name in known]
            update(steps, ", ".join(shown))

        yield show
