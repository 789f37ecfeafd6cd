"""How long, by which metric and within which limits settings are searched, as one value."""

import re
from dataclasses import dataclass

from ..core.errors import ArgumentError
from ..core.options import Options, flag, integer, option, optional, real

__all__ = ["METRICS", "TuneOptions", "cut_of"]

METRICS = ("precision", "recall", "ndcg", "r_precision", "psp", "psndcg", "coverage", "macro_f1")
"""Metrics of `arborank.metrics.evaluate` that settings can be compared by, each at a cut-off."""


def cut_of(name: str, value: object) -> int:
    """Return the cut-off of a metric, such as 5 of ``"ndcg@5"``, or raise if there is no such metric."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, found {value!r}")
    metric, _, cut = value.partition("@")
    if metric not in METRICS or not re.fullmatch(r"[1-9]\d{0,2}", cut):
        raise ArgumentError(
            name, f"must be one of {', '.join(METRICS)} and a cut-off, such as 'ndcg@5'; found {value!r}"
        )
    return int(cut)


@dataclass(frozen=True)
class TuneOptions(Options):
    """How settings are searched: the parameters of `arborank.tune.RankerSearch` of these names, and their bounds."""

    minutes: float | None = option(10.0, optional(real(above=0.0)))
    """Time for everything, the final training included."""
    n_trials: int | None = option(None, optional(integer(1)))
    """Most settings that are tried, the defaults included."""
    metric: str = option("ndcg@5", cut_of)
    """What is to be high."""
    max_size: int | None = option(None, optional(integer(1)))
    """Most bytes of a model."""
    max_query_time: float | None = option(None, optional(real(above=0.0)))
    """Most seconds of a query."""
    accept: bool = option(False, flag())
    """Whether the setting that comes nearest to the limits will do."""
    holdout: float | None = option(None, optional(real(above=0.0, most=0.5)))
    """Share of the rows that settings are compared on."""
    min_rows: int = option(5000, integer(10))
    """Fewest rows of a sample."""
    random_state: int = option(0, integer(0, 2**32 - 1))
    """Seed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.minutes is None and self.n_trials is None:
            raise ArgumentError("minutes", "is None, and so is n_trials; give one of them")
