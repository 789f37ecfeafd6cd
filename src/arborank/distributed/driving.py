"""The stages of a training, one after the other: what has run is not run again, what is missing goes to an executor."""

from collections.abc import Iterable, Sequence

from ..core.progress import progress
from ..core.types import Json
from .executors import Executor
from .work import Done, Task, Work

__all__ = ["Stages", "run_missing"]


class Stages:
    """Runs stages in a work directory.

    Parameters
    ----------
    work : Work
    executor : Executor
    verbose : bool
        Whether progress is shown.
    """

    def __init__(self, work: Work, executor: Executor, verbose: bool) -> None:
        self._work, self._executor, self._verbose = work, executor, verbose

    def one(self, stage: str, arguments: Json) -> Done:
        """Run a stage that is a single task."""
        (done,) = self.run(stage, [arguments])
        return done

    def run(
        self, stage: str, arguments: Sequence[Json], weights: Iterable[float] | None = None
    ) -> list[Done]:
        """Run the tasks of a stage that have not run before; what others have left is compared with its checksums."""
        given = [0.0] * len(arguments) if weights is None else list(weights)
        tasks = [Task(stage, one, weight) for one, weight in zip(arguments, given, strict=True)]
        found = self._work.stage(tasks)
        if found is not None:
            return found
        missing = [task for task in tasks if self._work.done(task, verify=True) is None]
        run_missing(
            self._work, self._executor, missing, len(tasks), stage, unit="tasks", enabled=self._verbose
        )
        return self._work.end_stage(tasks)


def run_missing(
    work: Work,
    executor: Executor,
    missing: Sequence[Task],
    n_tasks: int,
    title: str,
    *,
    unit: str,
    enabled: bool = True,
) -> None:
    """Run those of so many tasks that have not run, the longest first, and show the progress."""
    ended = n_tasks - len(missing)
    with progress(title, n_tasks, unit=unit, done=ended, enabled=enabled) as update:

        def finished(task: Task) -> None:
            nonlocal ended
            ended += 1
            update(ended, "")

        if missing:
            executor.run(work, sorted(missing, key=lambda task: -task.weight), finished)
