"""Decisions with their propensities, and the rewards that came of them: a log of JSON lines."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from numbers import Real
from pathlib import Path
from typing import Any, Self

from ..core.checks import check_flag, check_integer
from ..core.errors import ArgumentError
from ..core.types import FilePath

__all__ = ["Decision", "DecisionLog", "Label", "LogError", "reward_line"]

Label = str | int
"""A label's name, or its id where labels have no names."""

Row = tuple[Sequence[int], Sequence[float]]
"""Features and values of a sparse row."""

_NEEDED = "id", "query", "labels", "propensities"
_ROUNDED = 1.000001  # the most that a sum of probabilities may be, for lines hold rounded numbers

_UNREADABLE = "lines that are no decision and no reward"
_TORN = "a last line that is not whole"
_NO_PROPENSITY = "decisions without propensities"
_WRONG_PROPENSITY = "decisions with a propensity that is not above 0 and at most 1"
_WRONG_REWARD = "rewards outside [0, 1]"
_DUPLICATE = "decisions that are in the log twice"
_NOT_SHOWN = "rewards of labels that the decision did not show"
_NO_DECISION = "rewards of decisions that are not in the log"


class LogError(ArgumentError):
    """A log holds lines, or decisions, that cannot be used.

    Attributes
    ----------
    counts : dict of str to int
        What is wrong, and how often.
    """

    def __init__(self, place: str, counts: Mapping[str, int], first: str, *, of_lines: bool = True) -> None:
        found = "; ".join(f"{problem}: {n:,}" for problem, n in counts.items())
        remedies = [({"skip_errors": True}, "to leave out")] if of_lines else []
        super().__init__("", f"{found}; first {first}", *remedies, place=place)
        self.counts = dict(counts)


@dataclass(frozen=True)
class Decision:
    """Labels that were shown, and how probable it was to show each.

    Attributes
    ----------
    id : str
        What rewards refer to.
    query : str or pair of lists (features, values)
        A text, or a sparse row for a model over matrices.
    labels : tuple of str or int
        In the order shown.
    propensities : tuple of float
        The probability that the label is among those shown, for each.
    scores : tuple of float, default=()
        The model's scores.
    nodes, marginals : tuple of tuples, default=()
        For each label, top first, the nodes of the label tree above it, and how many of the labels shown are expected
        from below each.
    revision : str, default=""
        Of the model.
    policy : mapping, default={}
        Name and parameters of the policy.
    seed, number : int, default=0
        What the random number of the decision follows from.
    candidates, exclude : tuple of str or int, optional
        The filters that were in force.
    rewards : tuple of float, optional
        From 0 to 1, for each label; None while there is no reward.
    """

    id: str
    query: str | Row
    labels: tuple[Label, ...]
    propensities: tuple[float, ...]
    scores: tuple[float, ...] = ()
    nodes: tuple[tuple[int, ...], ...] = ()
    marginals: tuple[tuple[float, ...], ...] = ()
    revision: str = ""
    policy: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    number: int = 0
    candidates: tuple[Label, ...] | None = None
    exclude: tuple[Label, ...] | None = None
    rewards: tuple[float, ...] | None = None

    def to_line(self) -> str:
        """Return the decision as a line of JSON, without the line's end."""
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        told = {
            name: value for name, value in told.items() if name in _NEEDED or value not in ((), None, "", {})
        }
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def reward_line(decision: str, rewards: Mapping[Label, float]) -> str:
    """Return a line of JSON with the rewards of a decision, as they come: labels that it does not name had none.

    Parameters
    ----------
    decision : str
        The decision's id.
    rewards : mapping from label to number in [0, 1]

    Raises
    ------
    ValueError
        If a reward is out of range.
    """
    for label, reward in rewards.items():
        if not _within(reward, 0.0, 1.0):
            raise ValueError(f"rewards must be from 0 to 1, found {reward!r} for {label!r}")
    pairs = [[label, float(reward)] for label, reward in rewards.items()]
    return json.dumps({"decision": decision, "rewards": pairs}, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class DecisionLog:
    """Decisions with their rewards.

    Attributes
    ----------
    decisions : tuple of Decision
    skipped : mapping of str to int
        What was left out, and how often.

    Raises
    ------
    LogError
        If decisions cannot be used, with a count of every kind of error: as for lines.
    """

    decisions: tuple[Decision, ...]
    skipped: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems: Counter[str] = Counter()
        first, names = "", set()
        for one in self.decisions:
            problem = _problem(one.labels, one.propensities, one.rewards) or (
                _DUPLICATE if one.id in names else ""
            )
            names.add(one.id)
            if problem:
                problems[problem] += 1
                first = first or f"decision {one.id!r}"
        if problems:
            raise LogError("decisions", problems, first, of_lines=False)

    def __len__(self) -> int:
        return len(self.decisions)

    def __iter__(self) -> Iterator[Decision]:
        return iter(self.decisions)

    @property
    def rewarded(self) -> tuple[Decision, ...]:
        """The decisions that have rewards already."""
        return tuple(one for one in self.decisions if one.rewards is not None)

    def in_vain(self, times: int = 10) -> frozenset[Label]:
        """Return the labels that were shown so often at least, as far as rewards are known, and never had one."""
        check_integer("times", times, 1)
        shown: Counter[Label] = Counter()
        earned: set[Label] = set()
        for one in self.rewarded:
            shown.update(one.labels)
            earned.update(
                label for label, reward in zip(one.labels, one.rewards or (), strict=True) if reward
            )
        return frozenset(label for label, n in shown.items() if n >= times and label not in earned)

    @classmethod
    def read(cls, path: FilePath, *, skip_errors: bool = False) -> Self:
        """Read a file of decisions and rewards, a line each; a reward may come anywhere after its decision.

        A last line of which only the beginning is there, because it is being written or a machine crashed, is left out
        and counted.

        Parameters
        ----------
        path : path
        skip_errors : bool, default=False
            Whether lines that cannot be used are left out and counted. Of a decision that is there twice the first
            counts; rewards of one label add up to 1 at most.

        Raises
        ------
        LogError
            With a count of every kind of error.
        """
        torn: dict[str, int] = {}
        with Path(path).open(encoding="utf-8", errors="surrogateescape") as file:
            log = cls.of_lines(_whole_lines(file, torn), skip_errors=skip_errors, place=str(path))
        return replace(log, skipped={**log.skipped, **torn}) if torn else log

    @classmethod
    def of_lines(cls, lines: Iterable[str], *, skip_errors: bool = False, place: str = "the log") -> Self:
        """Read lines, as `read` does; ``place`` is what an error calls them."""
        check_flag("skip_errors", skip_errors)
        found: dict[str, Decision] = {}
        paid: dict[str, dict[Label, float]] = {}
        problems: Counter[str] = Counter()
        first = ""
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            problem, told = _take(line, found, paid)
            if problem:
                problems[problem] += 1
                first = first or f"line {number}, {told}"
        for decision, rewards in paid.items():
            if decision not in found:
                problems[_NO_DECISION] += 1
                first = first or f"decision {decision!r}"
                continue
            shown = found[decision]
            if strange := rewards.keys() - set(shown.labels):
                problems[_NOT_SHOWN] += len(strange)
                first = first or f"{min(map(str, strange))!r} of decision {decision!r}"
            given = tuple(rewards.get(label, 0.0) for label in shown.labels)
            found[decision] = replace(shown, rewards=given)
        if problems and not skip_errors:
            raise LogError(place, problems, first)
        return cls(tuple(found.values()), dict(problems))


def _whole_lines(file: Iterable[str], torn: dict[str, int]) -> Iterator[str]:
    """Yield the lines of a file, but for a last one of which only the beginning is there."""
    for line in file:
        if line.startswith("{") and not line.endswith("\n") and _parsed(line) is None:
            torn[_TORN] = 1
        else:
            yield line


def _parsed(line: str) -> Any:
    """Return what a line of JSON says; None if it is none, or not UTF-8."""
    try:
        line.encode()
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _take(line: str, found: dict[str, Decision], paid: dict[str, dict[Label, float]]) -> tuple[str, str]:
    """Add what a line holds; return what is wrong with it, and where."""
    record = _parsed(line)
    if not isinstance(record, dict):
        return _UNREADABLE, repr(line[:60])
    if "decision" in record:
        return _take_reward(record, paid)
    return _take_decision(record, found)


def _take_reward(record: dict[str, Any], paid: dict[str, dict[Label, float]]) -> tuple[str, str]:
    decision, pairs = record["decision"], record.get("rewards")
    if not isinstance(decision, str) or not isinstance(pairs, list):
        return _UNREADABLE, f"rewards of {decision!r}"
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not _is_label(pair[0]):
            return _UNREADABLE, f"rewards of {decision!r}"
        if not _within(pair[1], 0.0, 1.0):
            return _WRONG_REWARD, f"{pair[1]!r} of decision {decision!r}"
    kept = paid.setdefault(decision, {})
    for label, reward in pairs:
        kept[label] = min(kept.get(label, 0.0) + float(reward), 1.0)
    return "", ""


def _take_decision(record: dict[str, Any], found: dict[str, Decision]) -> tuple[str, str]:
    name = record.get("id")
    query = _query(record.get("query"))
    told = f"decision {name!r}"
    if not isinstance(name, str) or query is None:
        return _UNREADABLE, told
    if problem := _problem(record.get("labels"), record.get("propensities"), record.get("rewards")):
        return problem, told
    if name in found:
        return _DUPLICATE, told
    try:
        found[name] = Decision(
            **{
                one.name: _tupled(record[one.name])
                for one in fields(Decision)
                if one.name in record and one.name != "query"
            },
            query=query,
        )
    except TypeError:
        return _UNREADABLE, told
    return "", ""


def _problem(labels: Any, propensities: Any, rewards: Any) -> str:
    """Return what is wrong with a decision; nothing if it can be used."""
    if (
        not isinstance(labels, list | tuple)
        or not all(map(_is_label, labels))
        or len(set(labels)) < len(labels)
    ):
        return _UNREADABLE
    if not isinstance(propensities, list | tuple) or len(propensities) != len(labels):
        return _NO_PROPENSITY
    if not all(_within(one, 0.0, _ROUNDED) and one > 0 for one in propensities):
        return _WRONG_PROPENSITY
    if rewards is None:
        return ""
    if not isinstance(rewards, list | tuple) or len(rewards) != len(labels):
        return _UNREADABLE
    return "" if all(_within(one, 0.0, 1.0) for one in rewards) else _WRONG_REWARD


def _query(value: Any) -> str | Row | None:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and len(value) == 2 and all(isinstance(part, list) for part in value):
        features, values = value
        if len(features) == len(values) and all(type(one) is int for one in features):
            return tuple(features), tuple(values)
    return None


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


def _is_label(value: object) -> bool:
    return isinstance(value, str) or type(value) is int


def _within(value: object, low: float, high: float) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and low <= float(value) <= high
