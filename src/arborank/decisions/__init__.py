"""Decisions: which labels a row gets, from the probabilities of its candidates."""

from .abstaining import Abstain
from .batch import BatchTopK
from .deciding import candidates, decide
from .expected_f1 import ExpectedF1
from .fixed import FixedK
from .label_thresholds import LabelThresholds
from .naming import RULES, as_rule
from .rule import Rule
from .thresholds import PrecisionFloor, Threshold
from .weighted import WeightedTopK

__all__ = [
    "RULES",
    "Abstain",
    "BatchTopK",
    "ExpectedF1",
    "FixedK",
    "LabelThresholds",
    "PrecisionFloor",
    "Rule",
    "Threshold",
    "WeightedTopK",
    "as_rule",
    "candidates",
    "decide",
]
