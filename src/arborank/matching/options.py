"""How a tree is searched, as one value."""

from dataclasses import dataclass

from ..core.options import Options, integer, one_of, option
from .combine import COMBINATIONS
from .copies import MERGES, Merge

__all__ = ["SearchOptions"]


@dataclass(frozen=True)
class SearchOptions(Options):
    """How a tree is searched: the parameters of `arborank.XRLinear` and `BeamSearch` of these names, and bounds."""

    beam_size: int = option(10, integer(1))
    """Nodes kept at every inner level."""
    combine: str = option("l3-hinge", one_of(COMBINATIONS))
    """How a margin becomes a score and joins its parent's."""
    merge: Merge = option("max", one_of(MERGES))
    """How the scores of a label that is reached in several leaves become one."""
