"""The parameters of a transformer ranker beside those of fine-tuning: defaults and bounds, declared once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.options import Options, flag, integer, one_of, option, real
from ..core.threads import n_threads
from ..linear import XRLinear

if TYPE_CHECKING:
    from .encoders.device import Device

__all__ = ["Computing", "RankingOptions"]


def _vectoriser(name: str, value: Any) -> None:
    if value is not None and not hasattr(value, "fit_transform"):
        raise TypeError(f"{name} must be a vectoriser with fit_transform, found {type(value).__name__}")


def _ranker(name: str, value: Any) -> None:
    if not isinstance(value, XRLinear | None):
        raise TypeError(f"{name} must be an XRLinear, found {type(value).__name__}")
    if value is not None and value.tree is not None:
        raise ValueError(f"{name} has a tree of its own, but its tree is grown here; leave it out")


@dataclass(frozen=True)
class RankingOptions(Options):
    """The rows and the trees that a ranker is trained on: parameters of `XRTransformer` of the same names."""

    features: Any = option(None, _vectoriser)
    rank_on: str = option("joint", one_of(("joint", "embeddings")))
    embedding_weight: float = option(0.5, real(above=0.0))
    branching: int = option(16, integer(2))
    max_leaf_size: int = option(100, integer(1))
    refine: bool = option(True, flag())
    ranker: XRLinear | None = option(None, _ranker)

    @property
    def weight(self) -> float | None:
        """Length of the embeddings beside sparse features; None without such."""
        return self.embedding_weight if self.rank_on == "joint" else None


@dataclass(frozen=True)
class Computing:
    """Where to compute, and what is shown of it: parameters of `XRTransformer` of the same names."""

    device: str = "auto"
    precision: str = "auto"
    n_jobs: int | None = None
    verbose: int = 0

    @property
    def n_threads(self) -> int:
        """Threads to compute with."""
        return n_threads(self.n_jobs)

    def choose(self) -> "Device":
        """Return the device asked for; see `choose_device`."""
        from .encoders.device import choose_device

        return choose_device(self.device, self.precision)
