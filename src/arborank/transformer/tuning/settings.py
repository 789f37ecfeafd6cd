"""The parameters of fine-tuning: what they are by default, and what they may be."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...core.checks import check_real
from ...core.errors import ArgumentError
from ...core.options import Options, flag, integer, one_of, option, optional, real
from ...core.types import Json
from ...ranking.negatives import parse_scheme

__all__ = ["BOOTSTRAPS", "LOSSES", "TuningSettings", "per_level"]

LOSSES = ("squared-hinge", "hinge", "logistic")
BOOTSTRAPS = ("linear", "parent", "random")
_LARGEST_SEED = 2**63 - 1


def _passes(name: str, value: Any) -> None:
    for epochs in value if isinstance(value, Sequence) else [value]:
        check_real(name, epochs, least=0.0)
    if isinstance(value, Sequence) and not len(value):
        raise ArgumentError(name, "is empty; a number, or one per level, was expected")


def _scheme(name: str, value: Any) -> None:
    if "usn" in parse_scheme(value):
        raise ArgumentError(name, f"is {value!r}; a transformer learns from 'tfn', 'man' or 'tfn+man'")


@dataclass(frozen=True)
class TuningSettings(Options):
    """How an encoder is fine-tuned: the parameters of `XRTransformer` of the same names."""

    epochs: float | Sequence[float] = option(2.0, _passes)
    batch_size: int = option(32, integer(1))
    accumulation: int = option(1, integer(1))
    learning_rate: float = option(5e-5, real(above=0.0))
    head_learning_rate: float = option(1e-3, real(above=0.0))
    warmup: float = option(0.1, real(least=0.0, most=1.0))
    weight_decay: float = option(0.0, real(least=0.0))
    max_grad_norm: float = option(1.0, real(above=0.0))
    dropout: float = option(0.1, real(least=0.0, most=0.9))
    loss: str = option("squared-hinge", one_of(LOSSES))
    bootstrap: str = option("linear", one_of(BOOTSTRAPS))
    negatives: str = option("tfn+man", _scheme)
    beam_size: int = option(20, integer(1))
    validation: float = option(0.0, real(least=0.0, most=0.9))
    evaluate_every: int = option(500, integer(1))
    patience: int | None = option(None, optional(integer(1)))
    checkpoint_every: int = option(500, integer(1))
    gradient_checkpointing: bool = option(False, flag())
    random_state: int = option(0, integer(0, _LARGEST_SEED))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.patience is not None and not self.validation:
            raise ArgumentError(
                "patience", f"is {self.patience}, but validation is 0; give a share of the texts to judge by"
            )

    @property
    def idle(self) -> bool:
        """Whether nothing is to be learned."""
        return not (any(self.epochs) if isinstance(self.epochs, Sequence) else self.epochs)

    def decisive(self) -> Json:
        """Return what two trainings with the same result agree in."""
        return {name: value for name, value in asdict(self).items() if name != "checkpoint_every"}


def per_level(epochs: float | Sequence[float], n_levels: int) -> list[float]:
    """Spread ``epochs`` over the levels that are trained."""
    if not isinstance(epochs, Sequence):
        return [float(epochs)] * n_levels
    if len(epochs) != n_levels:
        raise ArgumentError(
            "epochs", f"has {len(epochs)} entries, but {n_levels} levels are fine-tuned; give one per level"
        )
    return [float(value) for value in epochs]
