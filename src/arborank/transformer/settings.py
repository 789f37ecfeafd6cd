"""The parameters of fine-tuning, checked."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from ..core.checks import check_integer, check_real
from ..ranking import parse_scheme

__all__ = ["BOOTSTRAPS", "LOSSES", "Settings", "per_level"]

LOSSES = ("squared-hinge", "hinge", "logistic")
BOOTSTRAPS = ("linear", "parent", "random")


@dataclass(frozen=True)
class Settings:
    """How an encoder is fine-tuned; the attributes are the parameters of `XRTransformer` of the same names.

    ``epochs`` is one number, or one a level. Raises ``TypeError`` or ``ValueError`` for one out of its range.
    """

    epochs: float | Sequence[float]
    batch_size: int
    accumulation: int
    learning_rate: float
    head_learning_rate: float
    warmup: float
    weight_decay: float
    max_grad_norm: float
    dropout: float
    loss: str
    bootstrap: str
    negatives: str
    beam_size: int
    validation: float
    evaluate_every: int
    patience: int | None
    gradient_checkpointing: bool
    random_state: int

    @classmethod
    def of(cls, model: Any, **fixed: Any) -> Self:
        """Take the parameters of a model; ``fixed`` are those that it has not."""
        names = (one.name for one in fields(cls) if one.name not in fixed)
        return cls(**{name: getattr(model, name) for name in names}, **fixed)

    def __post_init__(self) -> None:
        if isinstance(self.epochs, Sequence) and not len(self.epochs):
            raise ValueError("epochs is empty; a number, or one a level, was expected")
        for epochs in [self.epochs] if not isinstance(self.epochs, Sequence) else self.epochs:
            check_real("epochs", epochs, least=0.0)
        for name in ("batch_size", "accumulation", "beam_size", "evaluate_every"):
            check_integer(name, getattr(self, name), 1)
        check_integer("random_state", self.random_state, 0, 2**63 - 1)
        for name in ("learning_rate", "head_learning_rate", "max_grad_norm"):
            check_real(name, getattr(self, name), above=0.0)
        check_real("weight_decay", self.weight_decay, least=0.0)
        check_real("warmup", self.warmup, least=0.0, most=1.0)
        for name in ("dropout", "validation"):
            check_real(name, getattr(self, name), least=0.0, most=0.9)
        for name, known in (("loss", LOSSES), ("bootstrap", BOOTSTRAPS)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(known)}")
        if "usn" in parse_scheme(self.negatives):
            raise ValueError(
                f"negatives is {self.negatives!r}; a transformer learns from 'tfn', 'man' or 'tfn+man'"
            )
        if self.patience is not None:
            check_integer("patience", self.patience, 1)
            if not self.validation:
                raise ValueError(
                    f"patience is {self.patience}, but validation is 0; give a share of the texts to judge by"
                )

    def fingerprint(self) -> dict[str, Any]:
        """Return what a checkpoint must agree with, as JSON holds it."""
        values = asdict(self)
        values["epochs"] = list(self.epochs) if isinstance(self.epochs, Sequence) else self.epochs
        return values


def per_level(epochs: float | Sequence[float], n_levels: int) -> list[float]:
    """Spread ``epochs`` over the levels that are trained."""
    if not isinstance(epochs, Sequence):
        return [float(epochs)] * n_levels
    if len(epochs) != n_levels:
        raise ValueError(
            f"epochs has {len(epochs)} entries, but {n_levels} levels are fine-tuned; give one a level"
        )
    return [float(value) for value in epochs]
