"""Models learn from the rewards of what was shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_real
from ..core.estimator import fitted_clone
from ..core.lazy import sp
from ..core.notices import warn
from ..core.sparse import Csr, as_csr, to_scipy
from ..linear import XRLinear
from ..linear.calibrated import updated_calibration
from ..linear.options import LinearOptions
from ..linear.streaming import adapt_rows, counted
from ..text import TextRanker
from .log import Decision, DecisionLog
from .subject import Subject

__all__ = ["learn"]

M = TypeVar("M", TextRanker, XRLinear)
Ids = NDArray[np.int64]
Floats = NDArray[np.float64]


def learn(
    model: M,
    log: DecisionLog,
    *,
    step: float = 0.1,
    most_weight: float = 10.0,
    upper: float = 0.1,
    half_life: float | None = None,
) -> M:
    """Return a model that has learned from the rewards in a log.

    The ranker of every label shown learns from its reward; those of the nodes above it from the best reward below them.
    All stay as close to what they were as the rewards allow. Rankers of labels that were not shown are as before.
    `label_counts_` counts every label with a reward above 0, and `n_instances_` every decision, as a row learned from.

    Learn either by epoch, from the model that was there at first and all that was logged since; or batch by batch, from
    the model as it is and the last decisions only.

    Parameters
    ----------
    model : XRLinear or TextRanker
        It stays as it is.
    log : DecisionLog
        Decisions without rewards yet, and labels that the model does not know, teach nothing.
    step : float, default=0.1
        What costs are multiplied by: the smaller, the closer rankers stay to what they were.
    most_weight : float, default=10.0
        A label that is shown with the probability ``p`` counts ``1 / p`` times, and so often at most; 1 for all alike.
    upper : float, default=0.1
        How much the nodes above learn from labels without a reward, in comparison with the label itself: that one label
        is wrong says little of the others below a node.
    half_life : float, optional
        After so many decisions one counts half as much, where tastes change. By default all count alike.

    Returns
    -------
    XRLinear or TextRanker

    Warns
    -----
    UserWarning
        If labels shown are unknown, with their number.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit, no decision has a reward, or a ``solver`` is ``"logistic-dual"``.
    """
    subject = Subject(model)
    check_real("step", step, above=0.0)
    check_real("most_weight", most_weight, least=1.0)
    check_real("upper", upper, least=0.0, most=1.0)
    decisions = log.rewarded
    if not decisions:
        raise ValueError(f"none of the {len(log):,} decisions has a reward")
    shown = _Shown.of(subject, decisions, most_weight, half_life)
    fitted = subject.fitted
    plan = LinearOptions.of_update(subject.inner).plan(fitted.tree.depth)
    pairs: list[tuple[sp.csr_array, sp.csr_array]] = []
    for level, (solver, branches) in enumerate(zip(plan.solvers, fitted.tree.branches, strict=True), 1):
        shape = len(decisions), int(branches[-1])
        is_label = level == fitted.tree.depth
        node = shown.slot if is_label else subject.ancestors[shown.slot, level - 1]
        gains = shown.largest(node, solver.Cp * shown.weight * shown.reward, shape)
        losses = shown.largest(node, solver.Cn * shown.weight * (1.0 - shown.reward), shape)
        if not is_label:
            losses = upper * (losses - losses.multiply(gains > 0))
        losses.eliminate_zeros()
        pairs.append((gains, losses))
    queries = subject.rows([one.query for one in decisions])
    if unknown := sum(len(one.labels) for one in decisions) - shown.row.size:
        warn(
            f"the model does not know {unknown:,} of the labels shown, and learns nothing from their rewards"
        )
    rows = to_scipy(queries)
    if any(gains.multiply(losses).nnz for gains, losses in pairs):  # a reward of a half is both
        rows = sp.vstack([rows, rows], format="csr")
        costs = [sp.vstack([gains, -losses], format="csr") for gains, losses in pairs]
    else:
        costs = [sp.csr_array(gains - losses) for gains, losses in pairs]
    examples = {level: as_csr(one) for level, one in enumerate(costs) if one.nnz}
    learned = adapt_rows(fitted, as_csr(rows), examples, plan, step=step)
    learned = counted(learned, queries, shown.rewarded(fitted.tree.labels, (len(decisions), fitted.n_labels)))
    calibration = updated_calibration(
        subject.inner, learned.n_labels, learned.label_counts, kept=np.arange(learned.n_labels)
    )
    inner = fitted_clone(subject.inner, fitted_=learned, calibration_=calibration)
    made: Any = inner if subject.text is None else fitted_clone(subject.text, model_=inner)
    return cast(M, made)


@dataclass(frozen=True, eq=False)
class _Shown:
    """Labels that were shown and that the model knows, all decisions in one array."""

    row: Ids
    slot: Ids
    reward: Floats
    weight: Floats

    @classmethod
    def of(
        cls, subject: Subject, decisions: Sequence[Decision], most_weight: float, half_life: float | None
    ) -> Self:
        age = np.arange(len(decisions))[::-1]
        newness = np.ones(age.size)
        if half_life is not None:
            newness = 0.5 ** (age / check_real("half_life", half_life, above=0.0))
        row = np.repeat(np.arange(len(decisions)), [len(one.labels) for one in decisions])
        label = subject.find([one for decision in decisions for one in decision.labels])
        reward = np.array([one for decision in decisions for one in decision.rewards or ()], np.float64)
        chance = np.array([one for decision in decisions for one in decision.propensities], np.float64)
        weight = np.minimum(1.0 / chance, most_weight) * newness[row]
        slot = np.where(label >= 0, subject.slots[label], -1)
        known = slot >= 0
        return cls(row[known], slot[known], reward[known], weight[known])

    def rewarded(self, labels: NDArray[np.int32], shape: tuple[int, int]) -> Csr:
        """Return the labels of every row that had a reward, as an indicator; ``labels`` are those of the slots."""
        found = self.reward > 0
        ones = np.ones(int(found.sum()), np.float32)
        return as_csr(sp.csr_array((ones, (self.row[found], labels[self.slot[found]])), shape=shape))

    def largest(self, node: Ids, costs: Floats, shape: tuple[int, int]) -> "sp.csr_array":
        """Return the largest costs of rows and nodes."""
        order = np.lexsort((costs, node, self.row))
        row, node, costs = self.row[order], node[order], costs[order]
        last = np.append((row[1:] != row[:-1]) | (node[1:] != node[:-1]), True)[: row.size]
        kept = last & (costs > 0)
        return sp.csr_array((costs[kept].astype(np.float32), (row[kept], node[kept])), shape=shape)
