"""What a person sees of a long training: a bar a level with rate, loss and precision; and the record of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm.auto import tqdm

__all__ = ["training_bar"]


@contextmanager
def training_bar(
    description: str, total: int, done: int, *, enabled: bool
) -> Iterator[Callable[[int, dict[str, Any]], None]]:
    """Yield a function that takes the steps done so far and what is known, such as the loss.

    Parameters
    ----------
    description : str
    total, done : int
        Steps at the end, and steps already done.
    enabled : bool
        Whether anything may be shown.
    """
    with tqdm(
        total=total, initial=done, desc=description, unit="step", leave=False, disable=not enabled
    ) as bar:

        def update(steps: int, known: dict[str, Any]) -> None:
            shown = {name: f"{known[name]:.4g}" for name in ("loss", "P@1", "P@5") if name in known}
            if shown:
                bar.set_postfix(shown, refresh=False)
            bar.update(steps - bar.n)

        yield update
