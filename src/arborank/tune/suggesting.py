"""Which setting to try next: Optuna's tree-structured Parzen estimator, asked anew from what is known.

Optuna keeps nothing: a study of it is made of the trials for every question, so that a search that was interrupted
goes on with the same answers.
"""

import warnings
from collections.abc import Sequence
from random import Random
from typing import Any

from ..core.types import Json, JsonMapping
from .space import Space

__all__ = ["check_optuna", "suggest"]

_ATTEMPTS = 20
_CHANGED = 2  # axes that are varied about the best setting


def check_optuna() -> None:
    """Raise ``ImportError`` unless Optuna is installed."""
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise ImportError("tuning needs Optuna: pip install 'arborank[tune]'") from None


def suggest(space: Space, tried: Sequence[tuple[JsonMapping, float]], seed: int) -> Json | None:
    """Return a setting that was not tried yet, or None if there seems to be none.

    Parameters
    ----------
    space : Space
    tried : sequence of (params, value)
        The more, the better; the first are the defaults.
    seed : int
        The same settings and seed give the same answer.
    """
    known = [params for params, _ in tried]
    for starter in space.starters:
        if (params := space.complete(starter)) not in known:
            return params
    best = max(tried, key=lambda one: one[1])[0]
    for attempt in range(_ATTEMPTS):
        random = Random(f"{seed} {len(tried)} {attempt}")
        about = best if (len(tried) + attempt) % 2 else None
        params = _ask(space, tried, random, about)
        if params not in known:
            return params
    return None


def _ask(
    space: Space, tried: Sequence[tuple[JsonMapping, float]], random: Random, about: JsonMapping | None
) -> Json:
    """Ask for a whole setting, or for one that differs from the one it is ``about`` in a few axes."""
    import optuna
    from optuna.distributions import CategoricalDistribution

    before = optuna.logging.get_verbosity()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what Optuna may change some day
        try:
            optuna.logging.set_verbosity(optuna.logging.WARNING)
            sampler: Any = optuna.samplers.TPESampler(
                seed=random.randrange(2**32), n_startup_trials=1, multivariate=True, group=True
            )
            if about is not None:
                varied = random.sample([axis.name for axis in space.axes], _CHANGED)
                fixed = {name: value for name, value in about.items() if name not in varied}
                sampler = optuna.samplers.PartialFixedSampler(fixed, sampler)
            study = optuna.create_study(direction="maximize", sampler=sampler)
            known = {axis.name: CategoricalDistribution(axis.choices) for axis in space.axes}
            for params, value in tried:
                of_params = {name: known[name] for name in params}
                study.add_trial(
                    optuna.trial.create_trial(params=dict(params), distributions=of_params, value=value)
                )
            asked = study.ask()
            params = {}
            for axis in space.axes:
                if axis.when(params):
                    params[axis.name] = asked.suggest_categorical(axis.name, axis.choices)
        finally:
            optuna.logging.set_verbosity(before)
    return params
