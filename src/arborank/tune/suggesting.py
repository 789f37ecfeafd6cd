"""Which setting to try next: Optuna's tree-structured Parzen estimator, asked anew from what is known.

Optuna keeps nothing: a study of it is made of the trials for every question, so that a search that was interrupted
goes on with the same answers.
"""

import warnings
from collections.abc import Sequence
from random import Random
from typing import Any

from ..core.types import Json, JsonMapping
from .space import DEFAULT, Space

__all__ = ["check_optuna", "suggest"]

_ATTEMPTS = 20
_ABOUT = 3  # the best settings, which others are close to
_FEW, _MANY, _FAR = 3, 8, 6  # axes that change; every sixth setting is farther away


def check_optuna() -> None:
    """Raise ``ImportError`` unless Optuna is installed."""
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise ImportError("tuning needs Optuna: pip install 'arborank[tune]'") from None


def suggest(
    space: Space, tried: Sequence[tuple[JsonMapping, float]], chosen: JsonMapping, seed: int
) -> Json | None:
    """Return a setting that was not tried yet, or None if there seems to be none.

    Parameters
    ----------
    space : Space
    tried : sequence of (params, value)
        The more, the better; the first are the defaults.
    chosen : dict
        What defaults stand for that the data have chosen: the same value is no other setting.
    seed : int
        The same settings and seed give the same answer.
    """
    known = [params for params, _ in tried]
    for starter in space.starters:
        if (params := _plain(space.complete(starter), chosen)) not in known:
            return params
    ranked = sorted(tried, key=lambda one: -one[1])
    for attempt in range(_ATTEMPTS):
        random = Random(f"{seed} {len(tried)} {attempt}")
        n_changed = random.randint(1, _FEW) if (len(tried) + attempt) % _FAR else _MANY
        params = _plain(_ask(space, tried, random, random.choice(ranked[:_ABOUT])[0], n_changed), chosen)
        if params not in known:
            return params
    return None


def _plain(params: JsonMapping, chosen: JsonMapping) -> Json:
    same = {name for name, value in params.items() if name in chosen and value == chosen[name]}
    return {name: DEFAULT if name in same else value for name, value in params.items()}


def _ask(
    space: Space,
    tried: Sequence[tuple[JsonMapping, float]],
    random: Random,
    about: JsonMapping,
    n_changed: int,
) -> Json:
    """Ask for a setting that differs in some axes from the one it is ``about``."""
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
            varied = random.sample(sorted(about), min(n_changed, len(about)))
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
                if space.applies(axis, params):
                    params[axis.name] = asked.suggest_categorical(axis.name, axis.choices)
        finally:
            optuna.logging.set_verbosity(before)
    return params
