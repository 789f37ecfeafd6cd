"""One task is run: in a process of this machine, of a cluster, or by ``arborank stage run``."""

from ..core.errors import ArgumentError
from .work import Done, Task, Work

__all__ = ["StageError", "run_task"]


class StageError(RuntimeError):
    """A task cannot be run: its data are damaged or not as expected, or its process ended.

    Parameters
    ----------
    stage : str
        Which stage it is of.
    problem : str
        What was found, and where.
    """

    def __init__(self, stage: str, problem: str) -> None:
        super().__init__(f"stage {stage!r}: {problem}")
        self.stage, self.problem = stage, problem

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.stage, self.problem)


def run_task(work: Work, task: Task, n_threads: int = 0) -> Done:
    """Run a task, unless it has run before.

    Raises
    ------
    StageError
        If the stage is unknown or fails; memory and disks that are full are its ``MemoryError`` and ``OSError``.
    """
    from .stages import STAGES

    if task.stage not in STAGES:
        raise StageError(task.stage, f"unknown; known are {', '.join(STAGES)}")
    try:
        done = work.done(task)
        return STAGES[task.stage](work, task, n_threads) if done is None else done
    except (ValueError, TypeError, LookupError, ImportError, OSError, MemoryError, ArgumentError) as error:
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise StageError(task.stage, f"{kind}{error}") from error
