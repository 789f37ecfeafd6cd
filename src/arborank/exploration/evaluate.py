"""What models would have earned on a log of another one's decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer, check_real
from ..core.display import aligned
from ..core.figures import Cells, Tabled, new_figure
from ..core.types import Json
from ..linear import XRLinear
from ..text import TextRanker
from . import estimators
from .estimators import Estimate, Shown, Terms
from .log import Decision, DecisionLog
from .subject import Subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Policy", "TooFewDecisions", "TopPolicy", "WhatIf", "evaluate"]

_LISTED = 50  # labels of a decision that a model of rewards tells of

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]


class Policy(Protocol):
    """What shows labels: tells with which probability."""

    @property
    def subject(self) -> Subject:
        """The model that it ranks with."""

    def chances(self, decision: Decision, k: int) -> tuple[Ids, Floats]:
        """Return labels, by their ids in the model, and how probable it is that each is among ``k`` shown."""


class TopPolicy:
    """Shows the ``k`` best labels of a model."""

    def __init__(self, model: TextRanker | XRLinear) -> None:
        self.subject = Subject(model)

    def chances(self, decision: Decision, k: int) -> tuple[Ids, Floats]:
        """Return the ``k`` best labels, each certain."""
        ids = _best(self.subject, decision, k)[0]
        return ids, np.ones(ids.size)


class TooFewDecisions(ValueError):
    """A log says too little of every model."""


@dataclass(frozen=True)
class WhatIf(Tabled):
    """What models would have earned, in rewards a decision.

    Attributes
    ----------
    n_decisions : int
        With rewards.
    skipped : mapping of str to int
        What was left out of the log, counts for nothing, or is of a model that is not judged, and how often.
    logged : Estimate
        What was earned.
    estimates : mapping of str to mapping of str to Estimate or None
        By policy and estimator: ``"IPS"``, ``"SNIPS"``, ``"DR"`` where a model is calibrated, and where marginals are
        logged ``"MIPS level t"`` for every level of the tree and ``"MIPS"`` for the one that the data choose. None
        where the effective sample size is too small.
    effective : mapping of str to mapping of str to float
        The effective sample sizes, those that are too small among them.
    least : float
        The effective sample size that is asked for.
    confidence : float
    """

    n_decisions: int
    skipped: Mapping[str, int]
    logged: Estimate
    estimates: Mapping[str, Mapping[str, Estimate | None]]
    effective: Mapping[str, Mapping[str, float]]
    least: float
    confidence: float

    def __str__(self) -> str:
        (rows,) = self.tables()
        lines = [f"{self.n_decisions:,} decisions with rewards; {self.confidence:.0%} intervals"]
        lines += aligned(rows, n_left=2)
        if any(found is None for table in self.estimates.values() for found in table.values()):
            lines.append(f"refused: the effective sample size is below {self.least:g}")
        return "\n".join([*lines, *(f"{what}: {n:,}" for what, n in self.skipped.items())])

    def tables(self) -> list[Cells]:
        """Return the estimates as one table: lists of rows of cells, the first row the heads."""
        rows = [["policy", "estimator", "reward", "low", "high", "effective decisions"]]
        rows.append(["as logged", "mean", *_cells(self.logged), f"{self.logged.effective:,.0f}"])
        for policy, table in self.estimates.items():
            rows += [
                [policy, name, *_cells(found), f"{self.effective[policy][name]:,.0f}"]
                for name, found in table.items()
            ]
        return [rows]

    def plot(self) -> "Figure":
        """Draw every estimate with its interval, beside what was earned; ``ImportError`` without matplotlib."""
        found = {"as logged": self.logged}
        for policy, table in self.estimates.items():
            found |= {f"{policy}, {name}": one for name, one in table.items() if one is not None}
        values = [one.value for one in found.values()]
        below = [one.value - one.low for one in found.values()]
        above = [one.high - one.value for one in found.values()]
        figure = new_figure(7, 1 + 0.3 * len(found))
        axes = figure.add_subplot()
        axes.errorbar(values, list(found), xerr=[below, above], fmt="o", markersize=4, capsize=3)
        axes.axvline(self.logged.value, linewidth=1, alpha=0.5)
        axes.set_xlabel("reward of a decision")
        axes.invert_yaxis()
        axes.grid(alpha=0.3)
        return figure

    def to_dict(self) -> Json:
        """Return everything as JSON has it."""
        return {
            "n_decisions": self.n_decisions,
            "skipped": dict(self.skipped),
            "confidence": self.confidence,
            "least": self.least,
            "logged": vars(self.logged),
            "estimates": {
                policy: {name: None if found is None else vars(found) for name, found in table.items()}
                for policy, table in self.estimates.items()
            },
            "effective": {policy: dict(table) for policy, table in self.effective.items()},
        }


def evaluate(
    log: DecisionLog,
    policies: Mapping[str, TextRanker | XRLinear | Policy],
    *,
    reward_model: TextRanker | XRLinear | None = None,
    tree: TextRanker | XRLinear | None = None,
    k: int | None = None,
    clip: float | None = None,
    least: float = 100.0,
    confidence: float = 0.95,
    n_draws: int = 1000,
    random_state: int = 0,
) -> WhatIf:
    """Estimate what policies would have earned, from a log of decisions with their propensities and rewards.

    Decisions without a reward yet are left out and counted. Those of other revisions count: propensities are what they
    were. Labels that a model does not know are labels that it does not show; they are counted, too.

    Parameters
    ----------
    log : DecisionLog
    policies : mapping from name to model or policy
        A model stands for its ``k`` best labels.
    reward_model : XRLinear or TextRanker, optional
        A calibrated model, what the doubly robust estimates start from; by default the first calibrated one of
        ``policies``. Without any there are none.
    tree : XRLinear or TextRanker, optional
        The model that the decisions are from, for the marginalised estimates; by default the one of ``policies`` with
        the revision of all decisions. Without any there are none.
    k : int, optional
        Labels that policies show; by default as many as the longest decision.
    clip : float, optional
        The most that a weight may be.
    least : float, default=100
        The effective sample size below which an estimate is refused.
    confidence, n_draws, random_state
        Of the bootstrap intervals, see `arborank.metrics.bootstrap`.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.
    TooFewDecisions
        If no decision has a reward, or every estimate is refused.
    """
    decisions = log.rewarded
    check_real("least", least, least=0.0)
    if not policies:
        raise ValueError("policies is empty; at least one model is needed")
    if not decisions:
        raise TooFewDecisions(f"none of the {len(log):,} decisions has a reward")
    k = max(len(one.labels) for one in decisions) if k is None else check_integer("k", k, 1)
    asked = {name: _as_policy(one) for name, one in policies.items()}
    subjects = [one.subject for one in asked.values()]
    rewards = _model_of_rewards(reward_model, subjects)
    grown = _tree_of(decisions, tree, subjects)
    lengths = [len(one.labels) for one in decisions]
    place = np.repeat(np.arange(len(decisions)), lengths)
    reward = np.array([one for decision in decisions for one in decision.rewards or ()], np.float64)
    propensity = np.array([one for decision in decisions for one in decision.propensities], np.float64)
    propensity = np.minimum(propensity, 1.0)
    skipped = dict(log.skipped)
    if waiting := len(log) - len(decisions):
        skipped["decisions without a reward yet"] = waiting
    judged_here = {one.revision for one in subjects}
    if others := sum(one.revision not in judged_here for one in decisions):
        skipped["decisions of other revisions, which count all the same"] = others
    listed = None
    if rewards is not None:
        listed = [_best(rewards, one, _LISTED, probabilities=True) for one in decisions]
    drawn = partial(Terms.estimate, confidence=confidence, n_draws=n_draws, random_state=random_state)
    estimates: dict[str, dict[str, Estimate | None]] = {}
    effective: dict[str, dict[str, float]] = {}
    for name, policy in asked.items():
        judged = _judge(policy, decisions, k, rewards, listed, grown)
        if judged.unknown:
            skipped[f"labels shown that {name} does not know"] = judged.unknown
        shown = Shown(place, reward, propensity, judged.chance, len(decisions))
        terms = judged.terms(shown, decisions, clip)
        effective[name] = {title: one.effective for title, one in terms.items()}
        estimates[name] = {
            title: None if one.effective < least else drawn(one) for title, one in terms.items()
        }
    if all(found is None for table in estimates.values() for found in table.values()):
        most = max(n for table in effective.values() for n in table.values())
        raise TooFewDecisions(
            f"the log says too little of these models: effective sample sizes are {most:.1f} at most, and {least:g} "
            "were expected; log more decisions, or such that explore more"
        )
    earned = estimators.logged(Shown(place, reward, propensity, propensity, len(decisions)))
    return WhatIf(len(decisions), skipped, drawn(earned), estimates, effective, least, confidence)


def _cells(found: Estimate | None) -> list[str]:
    if found is None:
        return ["refused", "", ""]
    return [f"{value:.4f}" for value in (found.value, found.low, found.high)]


def _model_of_rewards(given: TextRanker | XRLinear | None, subjects: Sequence[Subject]) -> Subject | None:
    if given is None:
        return next((one for one in subjects if one.calibrated), None)
    subject = Subject(given)
    if not subject.calibrated:
        raise ValueError("reward_model has no probabilities; calibrate it first")
    return subject


def _tree_of(
    decisions: Sequence[Decision], given: TextRanker | XRLinear | None, subjects: Sequence[Subject]
) -> Subject | None:
    """Return the model that all decisions are from, if it is known and they have marginals."""
    revisions = {one.revision for one in decisions}
    if given is None:
        subject = next((one for one in subjects if {one.revision} == revisions), None)
    else:
        subject = Subject(given)
        if others := sum(one.revision != subject.revision for one in decisions):
            raise ValueError(f"tree has revision {subject.revision}, but {others:,} decisions are of another")
    if not all(len(one.marginals) == len(one.labels) for one in decisions):
        return None
    return subject


@dataclass(frozen=True, eq=False)
class _Judged:
    """A policy beside the labels that were shown."""

    chance: Floats  # of every label shown
    size: Floats  # labels that the policy shows, a decision each
    expected: Floats  # rewards of the policy by the model of rewards, a decision each
    told: Floats  # rewards of the labels shown, by the same
    grouped: Floats  # labels that the policy shows of the groups of every label shown, level by level
    unknown: int

    def terms(self, shown: Shown, decisions: Sequence[Decision], clip: float | None) -> dict[str, Terms]:
        """Return every estimate by its name."""
        found = {"IPS": estimators.ips(shown, clip), "SNIPS": estimators.snips(shown, self.size, clip)}
        if self.told.size:
            found["DR"] = estimators.doubly_robust(shown, self.expected, self.told, clip)
        if self.grouped.size:
            marginals = np.array([row for one in decisions for row in one.marginals], np.float64)
            levels = {
                f"MIPS level {level}": estimators.marginalised_ips(
                    shown, marginal, chance, clip, size=self.size
                )
                for level, (marginal, chance) in enumerate(zip(marginals.T, self.grouped.T, strict=True), 1)
            }
            fine_first = [found["SNIPS"], *reversed(levels.values())]
            found["MIPS"] = fine_first[estimators.coarsest(fine_first)]
            found |= levels
        return found


def _judge(
    policy: Policy,
    decisions: Sequence[Decision],
    k: int,
    rewards: Subject | None,
    listed: "list[tuple[Ids, Floats]] | None",
    grown: Subject | None,
) -> _Judged:
    subject = policy.subject
    chance, told, grouped = [], [], []
    size, expected = np.zeros(len(decisions)), np.zeros(len(decisions))
    unknown = 0
    for number, decision in enumerate(decisions):
        ids, chances = policy.chances(decision, k)
        size[number] = chances.sum()
        shown = subject.find(decision.labels)
        unknown += int((shown < 0).sum())
        chance.append(_look_up(shown, ids, chances))
        if rewards is not None and listed is not None:
            likely, probable = listed[number]
            expected[number] = _look_up(_translated(subject, rewards, likely), ids, chances) @ probable
            told.append(_look_up(rewards.find(decision.labels), likely, probable))
        if grown is not None:
            above = grown.above(_translated(grown, subject, ids))
            nodes = np.array(decision.nodes, np.int64).reshape(len(decision.labels), above.shape[1])
            grouped.append(
                np.stack(
                    [
                        (chances * (above[:, level] == nodes[:, level, None])).sum(axis=1)
                        for level in range(nodes.shape[1])
                    ],
                    axis=1,
                )
            )
    joined = np.concatenate
    none = np.zeros(0)
    return _Judged(
        joined(chance),
        size,
        expected,
        joined(told) if told else none,
        joined(grouped) if grouped else none,
        unknown,
    )


def _translated(subject: Subject, other: Subject, ids: Ids) -> Ids:
    """Return ids in ``subject`` of labels that have ``ids`` in ``other``, -1 for those that it does not know."""
    return ids if subject is other else subject.find(other.name(label) for label in ids.tolist())


def _look_up(wanted: Ids, ids: Ids, values: Floats) -> Floats:
    """Return the values of some ids, 0 for those that have none."""
    if not ids.size:
        return np.zeros(wanted.size)
    order = np.argsort(ids)
    at = np.minimum(np.searchsorted(ids, wanted, sorter=order), ids.size - 1)
    found: Floats = np.where((ids[order[at]] == wanted) & (wanted >= 0), values[order[at]], 0.0)
    return found


def _best(subject: Subject, decision: Decision, k: int, *, probabilities: bool = False) -> tuple[Ids, Floats]:
    """Return the best labels of a decision's query, within its filters, and their scores."""
    ids, scores = subject.topk(
        subject.rows([decision.query]),
        min(k, subject.inner.n_labels_),
        probabilities=probabilities,
        candidates=subject.known(decision.candidates),
        exclude=subject.known(decision.exclude),
    )
    there = ids[0] >= 0
    return ids[0][there], scores[0][there].astype(np.float64)


def _as_policy(given: Any) -> Policy:
    return given if hasattr(given, "chances") else TopPolicy(given)
