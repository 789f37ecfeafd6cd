"""What ``"auto"`` stands for: values of parameters of `XRLinear` that follow from the training data.

`RULES` is the whole table: a rule is a condition on `Facts` and the values that go with it. To add one is to add an
entry. Rules only look at counts, so that they cost next to nothing and are the same for sparse and dense rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ArgumentError
from ..core.options import Options, each, option
from ..core.sparse import Csr
from ..indexing.options import TreeOptions
from ..matching.options import SearchOptions
from ..ranking import SolverParams

if TYPE_CHECKING:
    from .xrlinear import XRLinear

__all__ = [
    "AUTO",
    "AUTOMATIC",
    "PRESETS",
    "RULES",
    "Auto",
    "Facts",
    "Resolved",
    "Rule",
    "check_auto",
    "chosen",
    "resolve",
    "search_of",
]

Auto = Literal["auto"]
AUTO: Final[Auto] = "auto"

_tree, _search, _solver = TreeOptions.checks(), SearchOptions.checks(), SolverParams.checks()


@dataclass(frozen=True)
class Resolved(Options):
    """The parameters of `XRLinear` that may be ``"auto"``, with values.

    The defaults are those of PECOS, and what no rule changes.

    Attributes
    ----------
    branching, max_leaf_size, beam_size : int
    Cn, threshold : float, or a tuple of one per layer
    combine : str
    """

    branching: int = option(16, _tree["branching"])
    max_leaf_size: int = option(100, _tree["max_leaf_size"])
    Cn: float | Sequence[float] = option(1.0, each(_solver["Cn"]))
    threshold: float | Sequence[float] = option(0.1, each(_solver["threshold"]))
    beam_size: int = option(10, _search["beam_size"])
    combine: str = option("l3-hinge", _search["combine"])

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("Cn", "threshold"):
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


@dataclass(frozen=True)
class Facts:
    """What rules look at.

    Attributes
    ----------
    n_instances, n_features : int
    n_labels : int
        Labels with an instance.
    rows_per_label : float
        Median number of instances of these labels.
    labels_per_row, values_per_row : float
        Means over instances: labels, and features that are not 0.
    label_share : float
        Share of the instances that have a label, as a mean over all their labels: 0.05 where labels are typically those
        of one instance in twenty.
    """

    n_instances: int
    n_features: int
    n_labels: int
    rows_per_label: float
    labels_per_row: float
    values_per_row: float
    label_share: float

    @classmethod
    def of(cls, X: Csr, Y: Csr) -> Self:
        """Count in instances and the indicator of their labels."""
        counts = np.bincount(Y.indices, minlength=1)
        return cls.of_counts(*X.shape, int(np.count_nonzero(X.data)), counts)

    @classmethod
    def of_counts(cls, n_instances: int, n_features: int, nnz: int, label_counts: NDArray[np.int64]) -> Self:
        """Tell from counts: of rows, columns and values other than 0, and of every label's instances."""
        present = label_counts[label_counts > 0]
        marks = float(present.sum())
        return cls(
            n_instances=n_instances,
            n_features=n_features,
            n_labels=int(present.size),
            rows_per_label=float(np.median(present)) if present.size else 0.0,
            labels_per_row=marks / n_instances,
            values_per_row=nnz / n_instances,
            label_share=float(np.square(present / n_instances).sum() * n_instances / marks) if marks else 0.0,
        )


@dataclass(frozen=True)
class Rule:
    """Values for the data that a condition holds for."""

    name: str
    holds: Callable[[Facts], bool]
    values: Mapping[str, Any]


RULES: Final[tuple[Rule, ...]] = (  # where two give a value for one parameter, the later one counts
    # Where every label is rare, so are clusters, and those of an instance are often uncertain: let such clusters
    # count, look at more of them, and let a label's few instances weigh more against all others. Where some labels
    # are frequent, as in classification, this costs precision. Searches take twice as long.
    Rule(
        "rare labels",
        lambda facts: facts.label_share < 0.002,
        {"combine": "l2-l3-hinge", "beam_size": 30, "Cn": 0.3},
    ),
)
"""The rules, in the order in which they are applied."""


def resolve(facts: Facts) -> Resolved:
    """Return the values that the rules give, for all automatic parameters."""
    values: dict[str, Any] = {}
    for rule in RULES:
        if rule.holds(facts):
            values |= rule.values
    return Resolved(**values)


def search_of(model: "XRLinear") -> tuple[int, str]:
    """Return the beam and the combination that count in a fitted model: its own, or what `fit` resolved."""
    resolved = model.resolved_
    return _value(model, "beam_size", resolved), _value(model, "combine", resolved)


def chosen(model: "XRLinear") -> dict[str, object]:
    """Return what `fit` resolved for the parameters of a model that are ``"auto"``."""
    return {name: getattr(model.resolved_, name) for name in AUTOMATIC if _is_auto(getattr(model, name))}


def check_auto(model: "XRLinear") -> None:
    """Raise unless ``"auto"`` stands only, and alone, where it may.

    Raises
    ------
    ValueError
        If another parameter is ``"auto"``, or one value of several for layers is.
    """
    for name, value in model.get_params(deep=False).items():
        if name not in AUTOMATIC and _is_auto(value):
            raise ArgumentError(name, f"is 'auto', but only {', '.join(AUTOMATIC)} can be")
        if name in AUTOMATIC and isinstance(value, list | tuple) and any(map(_is_auto, value)):
            raise ArgumentError(
                name, "holds 'auto' among the values of layers; give 'auto' alone, or a value for every layer"
            )


def _is_auto(value: object) -> bool:
    return isinstance(value, str) and value == AUTO


def _value(model: "XRLinear", name: str, automatic: Resolved) -> Any:
    value = getattr(model, name)
    return getattr(automatic, name) if _is_auto(value) else value
