"""How a label tree is grown, as one value."""

from dataclasses import dataclass

from ..core.options import Options, flag, integer, one_of, option, optional, real
from .overlap import COPIES, Copies
from .representing import Representation, check_representation

__all__ = ["TreeOptions"]


@dataclass(frozen=True)
class TreeOptions(Options):
    """How a label tree is grown: the parameters of `arborank.XRLinear` of these names, and their bounds."""

    representation: Representation = option("pifa", check_representation)
    """What stands for a label."""
    alpha: float = option(0.5, real(least=0.0, most=1.0))
    """Share of PIFA in ``pifa-convex``."""
    branching: int = option(16, integer(2))
    """Children of an inner node."""
    max_leaf_size: int = option(100, integer(1))
    """Most labels in a leaf."""
    max_sample: int | None = option(None, optional(integer(2)))
    """Labels that decide a split of more; None for all."""
    spherical: bool = option(True, flag())
    """Whether k-means normalises its centroids."""
    n_trees: int = option(1, integer(1))
    """Trees that are grown and joined."""
    max_clusters: int = option(1, integer(1))
    """Most leaves of a label."""
    copies: Copies = option("needed", one_of(COPIES))
    """Which labels get copies when ``max_clusters`` is above 1."""
    random_state: int = option(0, integer(0, 2**64 - 1))
    """Seed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.copies != "needed" and self.max_clusters == 1:
            raise ValueError(f"copies is {self.copies!r}, but max_clusters is 1: no label can have a copy")
        if self.n_trees > 1 and self.max_clusters > 1:
            raise ValueError(
                f"n_trees is {self.n_trees}, but max_clusters is {self.max_clusters}; one of them must be 1"
            )
