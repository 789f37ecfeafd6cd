"""Learning from what was shown: exploration over a label tree, logs with propensities, and off-policy evaluation."""

from .evaluate import TooFewDecisions, TopPolicy, WhatIf, evaluate
from .learning import learn
from .log import Decision, DecisionLog, LogError, reward_line
from .policies import Boltzmann, EpsilonGreedy, InverseGap
from .ranker import ExploringRanker

__all__ = [
    "Boltzmann",
    "Decision",
    "DecisionLog",
    "EpsilonGreedy",
    "ExploringRanker",
    "InverseGap",
    "LogError",
    "TooFewDecisions",
    "TopPolicy",
    "WhatIf",
    "evaluate",
    "learn",
    "reward_line",
]
