"""The parameters of `XRLinear` as values that its functions take."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_flag
from ..core.estimates import Estimate, estimate_training
from ..core.options import Check, check_options, each, flag, integer, optional, per_layer, real, values_of
from ..core.threads import n_threads
from ..indexing.options import TreeOptions
from ..matching.options import SearchOptions
from ..ranking import SolverParams
from ..ranking.negatives import parse_scheme
from ..ranking.relevance import RelevanceOptions
from .centroids import BYTES, KEPT, check_rerank
from .deciding import check_rule
from .defaults import TRIAL_ROWS, TRIAL_VALUES, Resolved, check_auto, is_auto
from .layers import LayerPlan

if TYPE_CHECKING:
    from .xrlinear import XRLinear

__all__ = ["CUSTOM", "LinearOptions"]

_OF_TREES = {"max_iter": 8, "eps": 0.2}  # of solvers, for each of several trees; fewer passes cost precision
_LEFT = 40  # bytes for each value of a trial's rows that the allocator keeps, as measured
CUSTOM = "custom"  # what is saved of a representation that is code or a matrix; `fit` then asks for it


def _check_verbose(name: str, value: Any) -> None:
    if not isinstance(value, bool | np.bool_ | int):
        raise TypeError(f"{name} must be a number, or True or False; found {value!r}")


_LAYERED: dict[str, Check] = {  # one value, or one per layer
    **{name: each(check) for name, check in SolverParams.checks().items()},
    "max_iter": optional(each(SolverParams.checks()["max_iter"])),
    "negatives": each(lambda name, value: parse_scheme(value)),
}
_ALONE: dict[str, Check] = {
    "max_rows": optional(integer(2)),
    "rerank": real(least=0.0, most=1.0),
    "decide": check_rule,
    "single_label": flag(),
    "keep_rows": flag(),
}
_AT_WORK: dict[str, Check] = {"n_jobs": lambda name, value: n_threads(value), "verbose": _check_verbose}


@dataclass(frozen=True)
class LinearOptions:
    """The checked parameters of an `XRLinear`, but for its tree.

    Attributes
    ----------
    indexing : TreeOptions
    search : SearchOptions
    relevance : RelevanceOptions
    layered : mapping of str to value or sequence
        The solver's parameters and ``negatives``: one value, or one per layer.
    max_rows : int or None
        Most instances that the children of a node learn from.
    rerank : float
        The weight of the labels' centroids; 0 for none.
    calibrate : bool
    keep_rows : bool
    n_threads : int
    verbose : bool
    resolved : Resolved
        The values of those that may be ``"auto"``.
    as_json : mapping of str to JSON values
        All parameters as they are given, `CUSTOM` for a representation that is code or a matrix.
    """

    indexing: TreeOptions
    search: SearchOptions
    relevance: RelevanceOptions
    layered: Mapping[str, Any]
    max_rows: int | None
    rerank: float
    calibrate: bool
    keep_rows: bool
    n_threads: int
    verbose: bool
    resolved: Resolved
    as_json: Mapping[str, Any]

    @classmethod
    def of(cls, model: "XRLinear", automatic: Resolved | None = None, **given: object) -> Self:
        """Check the parameters of an `XRLinear`.

        ``automatic`` is what ``"auto"`` stands for; by default, what the model was fitted with or, before that, PECOS'
        values. ``given`` are options of the tree that count instead of the model's own.

        Raises
        ------
        TypeError, ValueError
            If one is of the wrong kind or out of its range; the message names it.
        """
        check_auto(model)
        resolved = Resolved.of_model(model, automatic)
        check_options(model, {**_ALONE, **_AT_WORK})
        check_rerank(model.rerank, resolved.combine)
        layered = {name: getattr(resolved, name, getattr(model, name)) for name in _LAYERED}
        for name, check in _LAYERED.items():
            check(name, layered[name])
        shape = {"branching": resolved.branching, "max_leaf_size": resolved.max_leaf_size}
        return cls(
            indexing=TreeOptions.of(model, **shape, **given),
            search=SearchOptions(resolved.beam_size, resolved.combine),
            relevance=RelevanceOptions.of(model, tail=resolved.tail),
            layered=layered,
            max_rows=None if model.max_rows is None else int(model.max_rows),
            rerank=float(model.rerank),
            calibrate=check_flag("calibrate", model.get_params(deep=False)["calibrate"]),
            keep_rows=bool(model.keep_rows),
            n_threads=n_threads(model.n_jobs),
            verbose=bool(model.verbose),
            resolved=resolved,
            as_json=_as_json(model),
        )

    @classmethod
    def of_saved(cls, model: "XRLinear") -> Self:
        """Check the parameters of a saved model, or of one to be saved, whose representation may be `CUSTOM`."""
        custom = isinstance(model.representation, str) and model.representation == CUSTOM
        return cls.of(model, representation="pifa") if custom else cls.of(model)

    @classmethod
    def of_update(cls, model: "XRLinear") -> Self:
        """Check the parameters for labels that are new: a representation that says nothing of them becomes PIFA."""
        kind = model.representation
        named = isinstance(kind, str | Mapping) and kind != CUSTOM
        options = cls.of(model) if named else cls.of(model, representation="pifa")
        if any("usn" in parse_scheme(scheme) for scheme in values_of("negatives", model.negatives)):
            raise ValueError(
                f"negatives is {model.negatives!r}, but an update takes no user negatives; "
                "set_params(negatives='tfn') first, or fit the model again"
            )
        return options

    def plan(self, depth: int) -> LayerPlan:
        """Return how the layers of a tree of this depth are trained.

        Raises
        ------
        ValueError
            If a parameter has not one value per layer.
        """
        layered = dict(self.layered)
        several = self.indexing.n_trees > 1 and depth > 1  # labels that fit into one leaf have one tree
        if several and "l2svc-primal" not in values_of("solver", layered["solver"]):
            layered |= {name: value for name, value in _OF_TREES.items() if layered[name] is None}
        if layered["max_iter"] is None:
            layered["max_iter"] = SolverParams.max_iter
        columns = {name: per_layer(name, value, depth) for name, value in layered.items()}
        negatives = columns.pop("negatives")
        rows = zip(*columns.values(), strict=True)
        solvers = [SolverParams(**dict(zip(columns, row, strict=True))) for row in rows]
        return LayerPlan(solvers, negatives, self.search, self.relevance, self.max_rows)

    def estimate(
        self,
        *,
        n_instances: int,
        n_features: int,
        nnz: int,
        label_counts: NDArray[np.int64],
        overlap: float | None = None,
    ) -> Estimate:
        """Return the memory that a training needs; see `arborank.core.estimates.estimate_training`."""
        tree = self.indexing
        estimate = estimate_training(
            n_instances=n_instances,
            n_features=n_features,
            nnz=nnz,
            label_counts=label_counts,
            branching=min(tree.branching, max(label_counts.size, 2)),
            max_leaf_size=tree.max_leaf_size,
            n_trees=tree.n_trees,
            max_clusters=tree.max_clusters,
            copies=tree.copies,
            beam_size=self.search.beam_size,
            n_threads=self.n_threads,
            overlap=overlap,
            **{name: values_of(name, self.layered[name]) for name in ("Cp", "threshold", "max_nonzeros")},
        )
        most = np.minimum(label_counts * (nnz / max(n_instances, 1)), KEPT).sum() if self.rerank else 0
        trial = 0  # as of one level, which is not tried
        if is_auto(self.as_json["combine"]) and tree.max_leaf_size < label_counts.size:
            trial = _LEFT * min(TRIAL_ROWS * nnz // max(n_instances, 1), TRIAL_VALUES, nnz)
        kept = 8 * nnz + 4 * int(label_counts.sum()) if self.keep_rows else 0
        weights = estimate.weights + round(float(most) * BYTES) + kept
        return replace(estimate, weights=weights, working=estimate.working + trial)


def _as_json(model: Any) -> dict[str, Any]:
    params = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in model.get_params(deep=False).items()
        if name != "tree"
    }
    if not isinstance(params["decide"], str):
        params["decide"] = None  # a part of what is saved
    kind = model.representation
    if not isinstance(kind, str):
        params["representation"] = dict(kind) if isinstance(kind, Mapping) else CUSTOM
    return params
