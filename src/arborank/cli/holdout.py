"""What is held out of the data of a training, to evaluate it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from .numbers import Real

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["held_out", "holdout_name", "holdout_option"]

F = TypeVar("F", bound=Callable[..., object])


def holdout_option(of: str) -> Callable[[F], F]:
    """Return the option ``--holdout``."""
    share = Real(0, 1, min_open=True, max_open=True)
    return click.option("--holdout", type=share, help=f"Evaluate on this share of {of}.")


def held_out(n: int, share: float, seed: int) -> "NDArray[np.bool_]":
    """Choose a random share of ``n``; ``ValueError`` if that leaves nothing on one side."""
    import numpy as np

    n_test = round(n * share)
    if not 0 < n_test < n:
        raise ValueError(f"--holdout {share:g} of {n} leaves {n - n_test} to train and {n_test} to test on")
    chosen = np.zeros(n, np.bool_)
    chosen[np.random.default_rng(seed).choice(n, n_test, replace=False)] = True
    return chosen


def holdout_name(share: float | None, path: str) -> str:
    """Return what the record of an evaluation calls the part held out."""
    return f"{100 * (share or 0):g} % of {Path(path).name}, held out"
