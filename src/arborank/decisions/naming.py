"""Rules by name: what users write where a rule object would be too long."""

import difflib
from dataclasses import replace
from typing import Any

from ..core.errors import ArgumentError
from .abstaining import Abstain
from .batch import BatchTopK
from .expected_f1 import ExpectedF1
from .fixed import FixedK
from .label_thresholds import LabelThresholds
from .rule import Rule
from .thresholds import PrecisionFloor, Threshold
from .weighted import WeightedTopK

__all__ = ["RULES", "as_rule"]

RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        FixedK(),
        Threshold(),
        ExpectedF1(),
        PrecisionFloor(),
        LabelThresholds(),
        Abstain(),
        WeightedTopK("macro-recall"),
        WeightedTopK("propensity"),
        BatchTopK("macro-f1"),
        BatchTopK("coverage"),
        WeightedTopK("macro-f1"),
        WeightedTopK("coverage", precision_loss=0.005),
    )
}
"""The rules by their names, with the values that they have by default."""


def as_rule(given: Rule | str, argument: str = "decide") -> Rule:
    """Return a rule that is given as itself or by name, with its main value or without: ``"fixed-k=3"``.

    Parameters
    ----------
    given : Rule or str
        A name of `RULES`, and its main value behind a "=": the number of labels, the threshold, the precision, the
        least probability of `Abstain`, or the shrinkage of `LabelThresholds`.
    argument : str, default="decide"
        Its name, for error messages.

    Raises
    ------
    TypeError
        If it is neither.
    ValueError
        If no rule has the name, the rule takes no value there, or this is none that it can have.

    Examples
    --------
    >>> from arborank.decisions import as_rule
    >>> as_rule("fixed-k=3")
    FixedK(k=3)
    """
    if isinstance(given, Rule):
        return given
    if not isinstance(given, str):
        raise TypeError(f"{argument} must be a rule or its name, found {given!r}")
    name, equals, text = given.partition("=")
    if name not in RULES:
        near = difflib.get_close_matches(name, RULES, 1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise ArgumentError(argument, f"must be one of {', '.join(map(repr, RULES))}, found {name!r}{meant}")
    rule = RULES[name]
    if not equals:
        return rule
    if not rule.main:
        raise ArgumentError(argument, f"is {given!r}, but {name!r} takes no value")
    value = _number(given, text, argument)
    try:
        return replace(rule, **{rule.main: value})
    except (TypeError, ValueError) as error:
        raise ArgumentError(argument, f"is {given!r}, but {error}") from None


def _number(given: str, text: str, argument: str) -> Any:
    try:
        return int(text) if text.strip().lstrip("+-").isdecimal() else float(text)
    except ValueError:
        raise ArgumentError(argument, f"is {given!r}, but {text!r} is no number") from None
