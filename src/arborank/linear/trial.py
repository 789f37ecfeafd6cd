"""A small training that tells what counts of rows and labels cannot: how certain the clusters of unseen instances are.

Whether uncertain clusters should count for more depends on how well features foretell labels: ten words of a package's
description tell what it depends on, ten words of a title hardly its subjects. So a tree is trained on a part of the
rows and asked about others. What ranks better there is taken.
"""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..core.estimator import clone
from ..core.options import is_sequence
from ..core.sparse import Csr, as_csr, to_scipy
from ..core.threads import n_threads
from ..metrics import ndcg_at_k
from .defaults import TRIAL_ROWS, TRIAL_VALUES, Resolved, is_auto
from .fitted import FittedTree
from .fitting import fit_tree
from .options import LinearOptions

if TYPE_CHECKING:
    from .xrlinear import XRLinear

__all__ = ["UNCERTAIN", "try_out"]

UNCERTAIN: Final[Mapping[str, Any]] = {"combine": "l3-l4-hinge", "beam_size": 20, "Cn": 0.3}
"""Where the clusters of unseen instances are uncertain; ``Cn`` in short rows only."""

_BEAM_OF_TREES = 15  # what one of several trees misses another one finds
_LEAST = 1000  # rows; fewer tell nothing
_HELD = 1000
_SHORT = 22.0  # values that count in a row, below which it is short; in longer ones, cheap negatives do harm
_CLEARLY = 1.01  # how much better other values must rank, as less may be chance


def try_out(model: "XRLinear", X: Csr, Y: Csr, n_instances: int) -> Resolved:
    """Return the values of a model's automatic parameters that rank best after a small training.

    Only the first ``n_instances`` rows count. It takes as long as training on 8000 rows, or fewer where they are long,
    and depends on the data and ``random_state`` alone. With fewer than 1000 rows, with parameters per layer, where
    ``combine`` is given, or where hardly a row has a label, nothing is tried, and the values are those of PECOS.
    """
    given = model.get_params(deep=False)
    layered = any(is_sequence(value) for name, value in given.items() if name not in _PLAIN)
    resolved = Resolved()
    if not is_auto(given["combine"]) or layered or n_instances < _LEAST:
        return resolved
    trial = _Trial(model, X, Y, n_instances)
    if not trial.queries.shape[0]:  # hardly a row has a label
        return resolved
    found = UNCERTAIN if _counting(trial.X) < _SHORT else {**UNCERTAIN, "Cn": resolved.Cn}
    values = {name: value for name, value in found.items() if is_auto(given[name])}
    if "beam_size" in values and model.n_trees > 1:
        values["beam_size"] = _BEAM_OF_TREES
    uncertain = replace(resolved, **values)
    fitted = trial.fit(resolved)
    return (
        uncertain
        if trial.quality(fitted, uncertain) > _CLEARLY * trial.quality(fitted, resolved)
        else resolved
    )


_PLAIN = {  # what a trial has in place of a model's own, which may be about all labels or rows
    "tree": None,
    "representation": "pifa",
    "n_trees": 1,
    "max_clusters": 1,
    "copies": "needed",
    "rerank": 0.0,
    "negatives": "tfn",
    "verbose": 0,
}


def _counting(X: Csr) -> float:
    """Return how many values count in a row, as a median: all of them where they are alike, fewer beside large ones."""
    squares = to_scipy(X).astype(np.float64).power(2)
    sums, of_squares = squares.sum(axis=1), squares.power(2).sum(axis=1)
    filled = of_squares > 0
    return float(np.median(sums[filled] ** 2 / of_squares[filled])) if filled.any() else 0.0


class _Trial:
    """Rows to learn from, and others to rank."""

    def __init__(self, model: "XRLinear", X: Csr, Y: Csr, n: int) -> None:
        self.model = clone(model).set_params(**_PLAIN)
        order = np.random.default_rng(model.random_state).permutation(n)
        n_held = min(_HELD, n // 5)
        n_trained = max(_LEAST, min(TRIAL_ROWS, TRIAL_VALUES * n // max(int(X.indptr[n]), 1)))
        held, trained = np.sort(order[:n_held]), np.sort(order[n_held:][:n_trained])
        instances, marks = to_scipy(X), to_scipy(Y)
        labels = np.unique(marks[trained].indices)
        self.X, self.Y = as_csr(instances[trained]), as_csr(marks[trained][:, labels])
        truth = marks[held][:, labels]
        known = np.flatnonzero(np.diff(truth.indptr))
        self.queries, self.truth = as_csr(instances[held[known]]), truth[known]

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
            n_threads=n_threads(self.model.n_jobs),
        )
        return ndcg_at_k(self.truth, ids, 10)
