"""Successive halving, one step after the other: what is promising on a sample is tried on the next one.

The asynchronous rule of Li et al. (MLSys 2020): a trial goes on as soon as it is in the best third of its sample, else
a new one begins. At the end there is time for no new one, and what was best on the smaller samples goes on.
"""

from typing import NamedTuple

from .sampling import ETA
from .study import Candidate, Study

__all__ = ["Step", "next_step", "useful_shares"]

_SLACK = 1.15  # what trials may take longer than expected
_MANY, _SOME = 40, 12  # trainings on everything that there is time for


class Step(NamedTuple):
    """A trial, None for a new one, and the sample that it is to be tried on."""

    number: int | None
    rung: int


def next_step(study: Study) -> Step | None:
    """Return what to do next, or None when what is left of the time is needed for the training on everything.

    The defaults come first: on the smallest sample, to see what time it takes, on everything, and on the other samples.
    """
    if not study.trials:
        return Step(0, 0)
    for rung in reversed(range(study.top + 1)):
        if rung not in study.default.outcomes:
            return Step(0, rung)
    below = [rung for rung in reversed(range(study.top)) if study.ranked(rung)]
    for rung in below:
        ranked = study.ranked(rung)
        for one in ranked[: len(ranked) // ETA]:
            if _may_go_on(study, one):
                return Step(one.trial.number, rung + 1)
    most = study.options.n_trials
    if not study.exhausted and (most is None or len(study.trials) < most) and _in_time(study, None):
        return Step(None, 0)
    for rung in below:
        for one in study.ranked(rung):
            if one.order < study.plain_default(rung).order and _may_go_on(study, one):
                return Step(one.trial.number, rung + 1)
    return None


def _may_go_on(study: Study, one: Candidate) -> bool:
    return one.trial.highest == one.rung and one.trial.failure is None and _in_time(study, one)


def _in_time(study: Study, one: Candidate | None) -> bool:
    """Whether a trial can be tried on everything, and whatever is best then be trained."""
    left = study.seconds_left
    if left is None:
        return True
    trial = None if one is None else one.trial
    final = max(study.final(trial), study.final(study.best().trial))
    return _SLACK * (study.climb(trial) + final) <= left


def useful_shares(shares: list[float], minutes: float | None, seconds: float) -> list[float]:
    """Return the samples that are worth their time: none, where all the data can be learned from again and again.

    Parameters
    ----------
    shares : list of float
        All that there are.
    minutes : float or None
    seconds : float
        What the smallest takes.
    """
    if minutes is None:
        return shares
    n = 60 * minutes / max(seconds / shares[0], 1e-9)
    return shares[-1:] if n >= _MANY else shares[-2:] if n >= _SOME else shares
