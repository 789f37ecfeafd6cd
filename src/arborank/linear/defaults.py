"""Parameters of `XRLinear` that may be ``"auto"``, and the values that they stand for in a fitted model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np

from ..core.errors import ArgumentError
from ..core.options import Options, each, option
from ..indexing.options import TreeOptions
from ..matching.options import SearchOptions
from ..ranking import SolverParams
from ..ranking.relevance import RelevanceOptions

if TYPE_CHECKING:
    from .xrlinear import XRLinear

__all__ = [
    "AUTO",
    "AUTOMATIC",
    "PRESETS",
    "TRIAL_ROWS",
    "TRIAL_VALUES",
    "Auto",
    "Resolved",
    "check_auto",
    "chosen",
    "is_auto",
    "search_of",
]

Auto = Literal["auto"]
AUTO: Final[Auto] = "auto"

TRIAL_ROWS, TRIAL_VALUES = 8000, 1_000_000
"""Rows that `arborank.linear.trial` learns from, and values in them, at most."""

_tree, _search, _solver = TreeOptions.checks(), SearchOptions.checks(), SolverParams.checks()
_tail = RelevanceOptions.checks()["tail"]


@dataclass(frozen=True)
class Resolved(Options):
    """The parameters of `XRLinear` that may be ``"auto"``, with values.

    The defaults are those of PECOS, from which `arborank.linear.trial` departs where that ranks better.

    Attributes
    ----------
    branching, max_leaf_size, beam_size : int
    Cp, Cn, threshold : float, or a tuple of one per layer
    tail : float
    combine : str
    """

    branching: int = option(16, _tree["branching"])
    max_leaf_size: int = option(100, _tree["max_leaf_size"])
    Cp: float | Sequence[float] = option(1.0, each(_solver["Cp"]))
    Cn: float | Sequence[float] = option(1.0, each(_solver["Cn"]))
    threshold: float | Sequence[float] = option(0.1, each(_solver["threshold"]))
    tail: float = option(RelevanceOptions.tail, _tail)
    beam_size: int = option(10, _search["beam_size"])
    combine: str = option("l3-hinge", _search["combine"])

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("Cp", "Cn", "threshold"):
            value = getattr(self, name)
            if isinstance(value, Sequence | np.ndarray) and np.ndim(value):
                object.__setattr__(self, name, tuple(np.asarray(value).tolist()))

    @classmethod
    def of_model(cls, model: "XRLinear", automatic: Self | None = None) -> Self:
        """Take values from a model's parameters, and those of ``automatic`` where they are ``"auto"``.

        By default, ``automatic`` is what the model was fitted with or, before that, PECOS' values.
        """
        automatic = getattr(model, "resolved_", cls()) if automatic is None else automatic
        return cls(**{name: _value(model, name, automatic) for name in AUTOMATIC})


AUTOMATIC = tuple(one.name for one in fields(Resolved))
"""Names of the parameters that may be ``"auto"``."""

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {"pecos": asdict(Resolved())}
"""Named values of the automatic parameters: ``"pecos"`` has the published defaults of PECOS."""


def search_of(model: "XRLinear") -> tuple[int, str]:
    """Return the beam and the combination that count in a fitted model: its own, or what `fit` resolved."""
    resolved = model.resolved_
    return _value(model, "beam_size", resolved), _value(model, "combine", resolved)


def chosen(model: "XRLinear") -> dict[str, object]:
    """Return what `fit` resolved for the parameters of a model that are ``"auto"``."""
    return {name: getattr(model.resolved_, name) for name in AUTOMATIC if is_auto(getattr(model, name))}


def check_auto(model: "XRLinear") -> None:
    """Raise unless ``"auto"`` stands only, and alone, where it may.

    Raises
    ------
    ValueError
        If another parameter is ``"auto"``, or one value of several for layers is.
    """
    for name, value in model.get_params(deep=False).items():
        if name not in AUTOMATIC and is_auto(value):
            raise ArgumentError(name, f"is 'auto', but only {', '.join(AUTOMATIC)} can be")
        if name in AUTOMATIC and isinstance(value, list | tuple) and any(map(is_auto, value)):
            raise ArgumentError(
                name, "holds 'auto' among the values of layers; give 'auto' alone, or a value for every layer"
            )


def is_auto(value: object) -> bool:
    """Whether a parameter's value is ``"auto"``."""
    return isinstance(value, str) and value == AUTO


def _value(model: "XRLinear", name: str, automatic: Resolved) -> Any:
    value = getattr(model, name)
    return getattr(automatic, name) if is_auto(value) else value
