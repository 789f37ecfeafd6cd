"""The parameters of `XRLinear`: their ranges, those that vary by layer of a tree, and those passed on to stages."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.checks import check_flag, check_integer, check_real
from ..core.threads import n_threads
from ..indexing.overlap import check_copies
from ..matching import combination
from ..ranking import SolverParams, check_names, parse_scheme
from .representing import check_representation

__all__ = ["CUSTOM", "check_parameters", "pass_on", "per_layer", "solver_params", "values_of"]

_SOLVER_PARAMETERS = ("solver", "Cp", "Cn", "bias", "eps", "max_iter", "threshold", "max_nonzeros")
CUSTOM = "custom"  # what is saved of a representation that is code or a matrix; `fit` then asks for it
_LEAST = {"branching": 2, "max_leaf_size": 1, "beam_size": 1, "max_clusters": 1, "random_state": 0}


def check_parameters(model: Any, *, saved: bool = False) -> None:
    """Raise ``TypeError`` or ``ValueError`` unless every parameter of an `XRLinear` is in its range.

    With ``saved``, they are those of a saved model, whose representation may be `CUSTOM`.
    """
    for name in _SOLVER_PARAMETERS:
        for value in values_of(name, getattr(model, name)):
            SolverParams(**{name: value})
    for scheme in values_of("negatives", model.negatives):
        parse_scheme(scheme)
    check_names(model.relevance, model.relevance_norm)
    combination(model.combine)
    for name, low in _LEAST.items():
        check_integer(name, getattr(model, name), low)
    check_flag("spherical", model.spherical)
    if not isinstance(model.verbose, (bool, np.bool_, int)):
        raise TypeError(f"verbose must be a number, or True or False; found {model.verbose!r}")
    check_copies(model.copies)
    if model.copies != "needed" and model.max_clusters == 1:
        raise ValueError(f"copies is {model.copies!r}, but max_clusters is 1: no label can have a copy")
    check_real("alpha", model.alpha, least=0.0, most=1.0)
    n_threads(model.n_jobs)
    if not (saved and isinstance(model.representation, str) and model.representation == CUSTOM):
        check_representation(model.representation)


def solver_params(model: Any, depth: int) -> list[SolverParams]:
    """Return the solver's parameters for every layer of a tree, top first."""
    columns = [per_layer(name, getattr(model, name), depth) for name in _SOLVER_PARAMETERS]
    rows = zip(*columns, strict=True)
    return [SolverParams(**dict(zip(_SOLVER_PARAMETERS, row, strict=True))) for row in rows]


def pass_on(stage: Any, **settings: Any) -> None:
    """Set those parameters of an estimator that it has and that are given: not None."""
    known = stage.get_params(deep=False)
    stage.set_params(
        **{name: value for name, value in settings.items() if name in known and value is not None}
    )


def values_of(name: str, value: Any) -> list[Any]:
    """Return the values of a parameter that may be given for all layers at once or one a layer."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        if not value:
            raise ValueError(f"{name} is empty; give one value, or one a layer")
        return list(value)
    return [value]


def per_layer(name: str, value: Any, depth: int) -> list[Any]:
    """Spread a parameter over the layers of a tree, top first: one value for all, or a sequence with one a layer."""
    if isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str):
        if len(value) != depth:
            raise ValueError(
                f"{name} has {len(value)} entries, but the tree has {depth} layers; give one a layer"
            )
        return list(value)
    return [value] * depth
