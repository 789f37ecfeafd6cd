"""The parameters of `HybridRanker` as a value."""

from dataclasses import dataclass

from ..core.options import Options, integer, option

__all__ = ["HybridOptions"]


@dataclass(frozen=True)
class HybridOptions(Options):
    """How many candidates are merged.

    Attributes
    ----------
    n_candidates : int, default 25
        Labels that each source lists.
    n_neighbours : int, default 30
        Training rows whose labels are candidates.
    random_state : int, default 0
        Seed of the rows that are held out.
    """

    n_candidates: int = option(25, integer(1, 10_000))
    n_neighbours: int = option(30, integer(1, 10_000))
    random_state: int = option(0, integer(0, 2**32 - 1))
