"""A small training that tells what counts of rows and labels cannot: how certain the clusters of unseen instances are.

Whether uncertain clusters should count for more depends on how well features foretell labels: ten words of a package's
description tell what it depends on, ten words of a title hardly its subjects. So a tree is trained on a part of the
rows and asked about others. What ranks better there is taken. With few long rows, there is time to do without a tree.
"""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, cast

import numpy as np
from numpy.typing import NDArray

from ..core.estimator import clone
from ..core.options import is_sequence
from ..core.sparse import Csr, as_csr, select_rows, to_scipy
from ..core.threads import n_threads
from .defaults import TRIAL_ROWS, TRIAL_VALUES, Resolved, is_auto
from .fitted import FittedTree
from .fitting import fit_tree
from .options import LinearOptions

if TYPE_CHECKING:
    from .xrlinear import XRLinear

__all__ = [
    "FEW",
    "FINE",
    "LONG",
    "SOFT",
    "UNCERTAIN",
    "WIDE",
    "TrialPart",
    "TrialRows",
    "is_small",
    "trial_rows",
    "try_out",
    "try_rows",
]

WIDE: Final[Mapping[str, Any]] = {"branching": 128, "max_leaf_size": 300, "Cn": 0.4, "tail": 0.3}
"""For short rows, whose trees are cheap to train; not tried."""
SOFT: Final[Mapping[str, Any]] = {"Cp": 0.5, "Cn": 0.2, "tail": 0.6}
"""For short rows whose labels are noisy: errors cost less, so that weights stay smaller; of rare labels, hardly."""
LONG: Final[Mapping[str, Any]] = {"branching": 128, "max_leaf_size": 300}
"""For other rows; not tried."""
FEW: Final[Mapping[str, Any]] = {"threshold": 0.03, "tail": 0.3}
"""For few long rows, which one level of all labels learns from; not tried. In short rows, it is hardly better."""
FINE: Final[Mapping[str, Any]] = {"threshold": 0.05, "tail": 0.3}
"""For long rows, whose weights are small, where these count; rare labels have most of them."""
UNCERTAIN: Final[Mapping[str, Any]] = {"combine": "l3-l4-hinge", "beam_size": 20}
"""Where the clusters of unseen instances are uncertain."""

_OF_TREES = {"max_leaf_size": 150, "beam_size": 15}  # what one of several trees misses another one finds
_OF_CERTAIN_TREES = {**_OF_TREES, "max_leaf_size": 75}  # quicker to open
_LEAST = 1000  # rows; fewer tell nothing
_FEW = 20_000  # rows, up to which a model may have one level
_ONE_LEVEL = 4_000_000_000  # labels times values, of which one core learns in some ten seconds
_HELD = 1000
_SHORT = 60  # values of a row, below which it is short; in longer ones, cheap negatives do harm
_CLEARLY = 1.01  # how much better other values must rank, as less may be chance
_SURELY = 1.005  # where the same tree with other weights ranks nearly alike


class TrialPart(NamedTuple):
    """Instances with their labels."""

    X: Csr
    Y: Csr

    @classmethod
    def of(cls, X: Csr, Y: Csr, rows: NDArray[np.int64]) -> Self:
        """Take some rows."""
        return cls(select_rows(X, rows), select_rows(Y, rows))


def try_out(model: "XRLinear", X: Csr, Y: Csr, n_instances: int) -> Resolved:
    """Return the values of a model's automatic parameters that rank best after a small training.

    Only the first ``n_instances`` rows count. It takes as long as training on 8000 rows, or fewer where they are long
    or there are less than 16,000, and depends on the data and ``random_state`` alone. With fewer than 1000 rows, with
    parameters per layer, where ``combine`` is given, or where hardly a row has a label, nothing is tried, and the
    values are those of PECOS.
    """
    n_values = int(X.indptr[n_instances])
    rows = trial_rows(model, n_instances, n_values)
    if rows is None:
        return Resolved()
    parts = (TrialPart.of(X, Y, some) for some in rows)
    return try_rows(model, *parts, one_level=is_small(model, n_instances, n_values, Y.shape[1]))


def is_small(model: "XRLinear", n_instances: int, n_values: int, n_labels: int) -> bool:
    """Whether there is time to learn every label from all rows: then the tree has one level."""
    given = model.get_params(deep=False)
    grows = given["tree"] is None and given["n_trees"] == given["max_clusters"] == 1
    shaped = not (is_auto(given["branching"]) and is_auto(given["max_leaf_size"]))
    return grows and not shaped and n_instances <= _FEW and n_labels * n_values <= _ONE_LEVEL


class TrialRows(NamedTuple):
    """The rows of a trial, in ascending order."""

    trained: NDArray[np.int64]
    held: NDArray[np.int64]


def trial_rows(model: "XRLinear", n_instances: int, n_values: int) -> TrialRows | None:
    """Return the rows that `try_out` looks at, of so many with so many values; None if nothing is tried."""
    given = model.get_params(deep=False)
    layered = any(is_sequence(value) for name, value in given.items() if name not in _PLAIN)
    if not is_auto(given["combine"]) or layered or n_instances < _LEAST:
        return None
    order = np.random.default_rng(model.random_state).permutation(n_instances)
    n_held = min(_HELD, n_instances // 5)
    n_values = TRIAL_VALUES * n_instances // max(n_values, 1)
    n_trained = max(_LEAST, min(TRIAL_ROWS, n_instances // 2, n_values))
    return TrialRows(np.sort(order[n_held:][:n_trained]), np.sort(order[:n_held]))


def try_rows(model: "XRLinear", trained: TrialPart, held: TrialPart, *, one_level: bool = False) -> Resolved:
    """Return what `try_out` does, given the instances and labels of `trial_rows`, and what `is_small` says."""
    given = model.get_params(deep=False)
    resolved = Resolved()
    trial = _Trial(model, trained, held)
    if not trial.queries.shape[0]:  # hardly a row has a label
        return resolved

    def changed(values: Mapping[str, Any], base: Resolved = resolved) -> Resolved:
        return replace(base, **{name: value for name, value in values.items() if is_auto(given[name])})

    short = np.median((to_scipy(trial.X) != 0).sum(axis=1)) < _SHORT
    if one_level and not short:
        return changed({**FEW, "max_leaf_size": trained.Y.shape[1]})
    trees = _OF_TREES if model.n_trees > 1 else {}
    wary = {**UNCERTAIN, "beam_size": trees.get("beam_size", UNCERTAIN["beam_size"])}

    def judged(values: Resolved, fitted: FittedTree) -> _Judged:
        uncertain = changed(wary, values)
        return _Judged(values, trial.quality(fitted, values), uncertain, trial.quality(fitted, uncertain))

    if short:  # one tree is gone before the next is trained
        usual = changed({**WIDE, **trees})
        other = changed(SOFT, usual)
        best = judged(usual, trial.fit(usual))
        rival = best if other == usual else judged(other, trial.fit(other))
    else:
        usual = resolved if trees else changed(LONG)
        other = changed(FINE, usual)
        fitted = trial.fit(other)
        rival = judged(other, fitted)
        coarse = fitted.prune(threshold=cast(float, usual.threshold), n_threads=trial.n_threads)
        best = rival if other == usual else judged(usual, coarse)
    if rival.quality > _SURELY * best.quality:
        best = rival
    if best.quality_if_uncertain > _CLEARLY * best.quality:
        return best.uncertain
    return changed(_OF_CERTAIN_TREES, best.values) if trees and short else best.values


class _Judged(NamedTuple):
    """How well a tree ranks, by nDCG@10, as it is and where its clusters are taken for uncertain."""

    values: Resolved
    quality: float
    uncertain: Resolved
    quality_if_uncertain: float


_PLAIN = {  # what a trial has in place of a model's own, which may be about all labels or rows
    "tree": None,
    "representation": "pifa",
    "n_trees": 1,
    "max_clusters": 1,
    "copies": "needed",
    "rerank": 0.0,
    "negatives": "tfn",
    "max_sample": None,
    "max_rows": None,
    "verbose": 0,
    "single_label": False,
}


class _Trial:
    """Rows to learn from, and others to rank."""

    def __init__(self, model: "XRLinear", trained: TrialPart, held: TrialPart) -> None:
        self.model = clone(model).set_params(**_PLAIN)
        self.n_threads = n_threads(model.n_jobs)
        labels = np.unique(trained.Y.indices)
        self.X, self.Y = trained.X, as_csr(to_scipy(trained.Y)[:, labels])
        truth = to_scipy(held.Y)[:, labels]
        known = np.flatnonzero(np.diff(truth.indptr))
        self.queries, self.truth = select_rows(held.X, known), truth[known]

    def fit(self, resolved: Resolved) -> FittedTree:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the fit on all rows warns
            return fit_tree(self.X, self.Y, LinearOptions.of(self.model, resolved))[0]

    def quality(self, fitted: FittedTree, resolved: Resolved) -> float:
        ids, _ = fitted.search.topk(
            self.queries,
            10,
            beam_size=resolved.beam_size,
            combine=resolved.combine,
            n_threads=self.n_threads,
        )
        from ..metrics import ndcg_at_k  # which whoever only ranks need not wait for

        return ndcg_at_k(self.truth, ids, 10)
