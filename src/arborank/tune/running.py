"""The search itself: step by step, until the time is over."""

from collections.abc import Callable
from math import ceil
from time import monotonic

from ..core.errors import ArgumentError
from ..core.types import Json
from .halving import next_step, useful_shares
from .journal import Journal
from .sampling import sample
from .setting import changes
from .space import Space
from .study import Study
from .suggesting import suggest
from .tasks import Lesson, Task
from .trial import Trial, try_on

__all__ = ["run"]


def run(task: Task, space: Space, study: Study, journal: Journal, report: Callable[[Study], None]) -> None:
    """Try settings until there is no time for more; every trial is written to the journal.

    Parameters
    ----------
    task : Task
    space : Space
    study : Study
        What was tried before; it grows.
    journal : Journal
    report : function of the study
        Called before and after every trial.

    Raises
    ------
    ValueError
        If there is not even time for one trial beside the defaults.
    """
    start = monotonic() - study.seconds
    lessons: dict[float, Lesson] = {}
    while (step := next_step(study)) is not None:
        number, rung = step
        if number is None:
            params = suggest(space, _values(study), study.chosen, study.options.random_state)
            if params is None:
                study.exhausted = True
                continue
            number = len(study.trials)
            study.trials.append(Trial(number, params))
        elif number == len(study.trials):
            study.trials.append(Trial(0, space.defaults))
        trial, share = study.trials[number], study.shares[rung]
        if share not in lessons:
            lessons[share] = task.lesson(sample(task.Y, share, study.options.random_state))
        study.now = step_of = number, rung
        report(study)
        try:
            chosen = {} if number == 0 and rung == study.top else study.chosen
            trial.outcomes[rung] = try_on(
                lessons[share], chosen | changes(trial.params), study.options.metric
            )
        except (ValueError, MemoryError) as error:
            if number == 0:
                raise
            trial.failure = str(error)
        study.seconds, study.now, study.latest = monotonic() - start, None, step_of
        if len(study.trials) == 1:
            _plan(study)
        journal.write(study)
        report(study)


def _values(study: Study) -> list[tuple[Json, float]]:
    """Return every setting with what it is worth: how far it is ahead of the defaults on its largest sample."""
    values = []
    for trial in study.trials:
        value = -1.0
        if trial.failure is None and trial.highest >= 0:
            best = study.best_of(trial, trial.highest)
            value = -1 - best.excess if best.excess else best.score - study.default_score(trial.highest)
        values.append((trial.params, value))
    return values


def _plan(study: Study) -> None:
    """Check that the time is enough for one trial, and leave out samples that are too small for it."""
    default = study.default
    left, minutes = study.seconds_left, study.options.minutes
    if left is not None and minutes is not None:
        rest, one, final = study.climb(default), study.climb(None), study.final(default)
        if rest + one + final > left:
            least = ceil(1.2 * (study.seconds + rest + one + final) / 6) / 10
            raise ArgumentError(
                "minutes",
                f"{minutes:g} is too short for one trial: one takes about {one:.0f} s, the training on everything "
                f"{final:.0f} s; give {least:g} or more",
            )
    if study.top > 0 and list(default.outcomes) == [0]:
        study.shares = useful_shares(study.shares, minutes, default.outcomes[0].seconds)
        default.outcomes.clear()  # the sample may have chosen otherwise than everything does
