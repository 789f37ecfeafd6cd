"""Who runs tasks: processes of this machine, or whatever else can run a task by its text.

Only the text of a task and that of its answer pass between processes; data are in files. A process that dies is
replaced, and its task runs again.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Literal, Protocol

from ..core.checks import check_integer
from ..core.errors import ArgumentError
from ..core.threads import used_threads
from .run import StageError, run_task
from .work import Task, Work

__all__ = ["ATTEMPTS", "Executor", "LocalExecutor", "SerialExecutor", "ended", "executor_of"]

ATTEMPTS = 3
"""How often a task is run whose process ends, before that is an error."""

Finished = Callable[[Task], None]


class Executor(Protocol):
    """What runs the tasks of a stage."""

    def run(self, work: Work, tasks: Sequence[Task], finished: Finished) -> None:
        """Run tasks, in any order and any number at a time; call ``finished``, from one thread at a time, after each.

        Raises
        ------
        StageError
            If a task fails; the others need not run.
        """


def ended(task: Task, times: int, reason: str) -> StageError:
    """Return the error of a task whose process has ended too often."""
    advice = "if it lacked memory, have fewer tasks at a time, or set a smaller memory, or max_rows"
    return StageError(task.stage, f"the process of {task.name} ended {times} times ({reason}); {advice}")


class SerialExecutor:
    """Runs tasks one after the other in this process.

    Parameters
    ----------
    n_threads : int, default 0
        Threads of a task; 0 for every core.
    """

    def __init__(self, n_threads: int = 0) -> None:
        self.n_threads = check_integer("n_threads", n_threads, 0)

    def run(self, work: Work, tasks: Sequence[Task], finished: Finished) -> None:
        """Run tasks; parameters and errors are those of `Executor`."""
        for task in tasks:
            run_task(work, task, self.n_threads)
            finished(task)


class LocalExecutor(AbstractContextManager["LocalExecutor"]):
    """Runs tasks in processes of this machine; a context manager that ends them.

    Parameters
    ----------
    workers : int, optional
        Processes; by default one per core. Each has its share of the cores.
    """

    def __init__(self, workers: int | None = None) -> None:
        cores = used_threads(0)
        self.workers = cores if workers is None else check_integer("workers", workers, 1)
        self.n_threads = max(cores // self.workers, 1)
        self._held = ExitStack()
        self._idle: list[_Worker] = []
        self._workers: list[_Worker] = []

    def run(self, work: Work, tasks: Sequence[Task], finished: Finished) -> None:
        """Run tasks; parameters and errors are those of `Executor`."""
        waiting: SimpleQueue[Task] = SimpleQueue()
        answers: SimpleQueue[tuple[Task, BaseException | None]] = SimpleQueue()
        for task in tasks:
            waiting.put(task)
        stop = threading.Event()
        threads = [
            threading.Thread(target=self._work, args=(work, waiting, answers, stop), daemon=True)
            for _ in range(min(self.workers, len(tasks)))
        ]
        for thread in threads:
            thread.start()
        try:
            for _ in tasks:
                task, error = answers.get()
                if error is not None:
                    raise error
                finished(task)
        finally:
            stop.set()
            while not waiting.empty():
                try:
                    waiting.get_nowait()
                except Empty:
                    break
            if sys.exc_info()[0] is not None:
                self.close()  # what still runs is of no use
            for thread in threads:
                thread.join()

    def _work(
        self,
        work: Work,
        waiting: "SimpleQueue[Task]",
        answers: "SimpleQueue[tuple[Task, BaseException | None]]",
        stop: threading.Event,
    ) -> None:
        while not stop.is_set():
            try:
                task = waiting.get_nowait()
            except Empty:
                return
            error: BaseException | None = None
            try:
                self._run(work, task, stop)
            except BaseException as found:
                error = found
            answers.put((task, error))

    def _run(self, work: Work, task: Task, stop: threading.Event) -> None:
        for attempt in range(ATTEMPTS):
            worker = self._idle.pop() if self._idle else self._new(work)
            try:
                worker.run(task)
            except _Died as death:
                worker.close()
                if stop.is_set() or attempt + 1 == ATTEMPTS:
                    raise ended(task, attempt + 1, str(death)) from None
            else:
                self._idle.append(worker)
                return

    def _new(self, work: Work) -> "_Worker":
        worker = _Worker(work.directory, self.n_threads)
        self._workers.append(worker)
        self._held.callback(worker.close)
        return worker

    def pids(self) -> list[int]:
        """Return the numbers of the processes that run."""
        return [worker.pid for worker in self._workers if worker.alive]

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        self._workers.clear()
        self._idle.clear()
        self._held.close()


class _Died(Exception):
    """A process ended before it answered."""


class _Worker:
    """A process that runs one task after the other; it ends with its standard input, when the driver does."""

    def __init__(self, directory: Path, n_threads: int) -> None:
        command = [sys.executable, "-m", "arborank.distributed.worker", str(directory), str(n_threads)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment,
        )

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def run(self, task: Task) -> None:
        """Run a task; ``_Died`` if the process does, `StageError` if the task fails."""
        asked, answered = _open(self._process.stdin), _open(self._process.stdout)
        try:
            asked.write(task.to_json() + "\n")
            asked.flush()
            answer = answered.readline()
        except (OSError, ValueError) as error:
            raise _Died(str(error)) from None
        if not answer.endswith("\n"):
            raise _Died(f"exit status {self._process.wait()}")
        problem = json.loads(answer)["error"]
        if problem is not None:
            raise StageError(task.stage, problem)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what was not written has no reader any more
                _open(stream).close()


def _open(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def executor_of(
    executor: Literal["local", "ray"] | Executor, workers: int | None
) -> AbstractContextManager[Executor]:
    """Return who works: what is named, which ends with its context, or what is given, which does not.

    Raises
    ------
    ImportError
        If Ray is asked for, but not installed.
    ValueError
        If it is something else, or ``workers`` do not go with it.
    """
    if executor == "local":
        return LocalExecutor(workers)
    if workers is not None:
        raise ArgumentError("workers", f"is {workers}, but goes with executor 'local' alone")
    if executor == "ray":
        from .on_ray import RayExecutor

        return RayExecutor()
    if isinstance(executor, str) or not hasattr(executor, "run"):
        raise ArgumentError("executor", f"must be 'local', 'ray' or an Executor, found {executor!r}")
    return nullcontext(executor)
