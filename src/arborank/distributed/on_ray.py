"""Tasks on a Ray cluster: only their texts go through its object store; data are in files that all nodes see."""

from collections import Counter, deque
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from ..core.checks import check_integer
from .executors import ATTEMPTS, Finished, ended
from .run import StageError, run_task
from .work import Task, Work

__all__ = ["RayExecutor"]

_AHEAD = 2  # tasks handed over for every processor


class RayExecutor(AbstractContextManager["RayExecutor"]):
    """Runs tasks on a Ray cluster; a context manager that leaves the cluster if it has joined it.

    A task whose process or node is lost runs again, three times at most; after one that Ray has ended because its node
    lacked memory, only half as many run at a time.

    Parameters
    ----------
    address : str, optional
        As for ``ray.init``. By default the cluster that this process has joined already, or the one that Ray finds, or
        a new one on this machine.
    cpus : int, default 1
        Processors of a task, which uses as many threads.

    Raises
    ------
    ImportError
        If Ray is not installed.
    """

    def __init__(self, address: str | None = None, *, cpus: int = 1) -> None:
        try:
            import ray
        except ImportError as error:
            raise ImportError("the engine 'ray' needs Ray: pip install 'arborank[ray]'") from error
        self.cpus = check_integer("cpus", cpus, 1)
        self._joined = not ray.is_initialized()
        if self._joined:
            ray.init(address=address, include_dashboard=None if address else False, log_to_driver=False)

    def run(self, work: Work, tasks: Sequence[Task], finished: Finished) -> None:
        """Run tasks; parameters and errors are those of `Executor`."""
        import ray

        remote = ray.remote(num_cpus=self.cpus, max_retries=0)(_run)
        waiting, running, lost = deque(tasks), dict[Any, Task](), Counter[str]()
        known: Any = ray  # whose functions have no types
        most = max(_AHEAD * int(known.cluster_resources().get("CPU", 1)), 1)
        try:
            while waiting or running:
                while waiting and len(running) < most:
                    task = waiting.popleft()
                    running[remote.remote(str(work.directory.resolve()), task.to_json(), self.cpus)] = task
                (ready,), _ = ray.wait(list(running), num_returns=1)
                task = running.pop(ready)
                try:
                    problem = ray.get(ready)
                except ray.exceptions.RayError as error:
                    lost[task.name] += 1
                    if lost[task.name] == ATTEMPTS or not _is_loss(error):
                        raise ended(task, lost[task.name], str(error).partition("\n")[0]) from None
                    if isinstance(error, ray.exceptions.OutOfMemoryError):
                        most = max(most // 2, 1)
                    waiting.append(task)
                    continue
                if problem is not None:
                    raise StageError(task.stage, problem)
                finished(task)
        finally:
            for reference in running:
                ray.cancel(reference, force=True)

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the cluster, if this has joined it."""
        import ray

        if self._joined and ray.is_initialized():
            ray.shutdown()


def _is_loss(error: Exception) -> bool:
    """Whether a process or a node has ended, and not a program failed."""
    from ray import exceptions as of

    return isinstance(
        error, of.WorkerCrashedError | of.OutOfMemoryError | of.NodeDiedError | of.LocalRayletDiedError
    )


def _run(directory: str, task: str, n_threads: int) -> str | None:
    """Run a task in a process of Ray; return what is wrong with it, if anything."""
    try:
        run_task(Work(directory), Task.from_json(task), n_threads)
    except StageError as error:
        return error.problem
    return None
