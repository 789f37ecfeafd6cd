"""Several processes that serve on one socket, and the parent that keeps them running."""

import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict

from ..core.types import FilePath
from .deployment import Deployment
from .process import log_to_stream, run_process
from .settings import Settings

__all__ = ["run_workers"]

_LOG = logging.getLogger("arborank.serving")
_LOOK = 0.1  # seconds between looks at the workers
_YOUNG = 5.0  # seconds; a worker that ends sooner is replaced later and later
_LATEST = 10.0
_MERCY = 10.0  # seconds beyond drain and grace, after which a worker is killed


def run_workers(
    models: Mapping[str, FilePath],
    settings: Settings,
    deployment: Deployment,
    listener: socket.socket,
    started: Callable[[], object],
) -> None:
    """Serve with ``deployment.workers`` processes until a signal ends them; one that dies is replaced.

    Parameters and signals are those of `arborank.serving.process.run_process`.

    Raises
    ------
    RuntimeError
        If a worker ends before it can answer, the first time.
    """
    log_to_stream()
    with tempfile.TemporaryDirectory(prefix="arborank-metrics-") as metrics:
        told = {
            "models": {name: os.fspath(path) for name, path in models.items()},
            "settings": settings.to_dict(),
            "deployment": asdict(deployment),
        }
        _Parent(told, deployment, listener, metrics).run(started)


class _Worker:
    """A process that serves."""

    def __init__(self, told: Mapping[str, object], listener: socket.socket, metrics: str) -> None:
        ready, tell = os.pipe()
        command = [sys.executable, "-P", "-m", __name__]
        command.append(json.dumps({**told, "listener": listener.fileno(), "ready": tell}))
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # which ends with the parent
            pass_fds=(listener.fileno(), tell),
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": metrics},
        )
        os.close(tell)
        os.set_blocking(ready, False)
        self._ready, self.born = ready, time.monotonic()

    def is_ready(self) -> bool:
        """Whether it answers requests."""
        try:
            return os.read(self._ready, 1) == b"1"
        except BlockingIOError:
            return False

    def close(self) -> None:
        """Let go of a process that has ended."""
        os.close(self._ready)
        assert self.process.stdin is not None
        self.process.stdin.close()


class _Parent:
    """Starts workers, replaces those that die, and passes signals on."""

    def __init__(
        self, told: Mapping[str, object], deployment: Deployment, listener: socket.socket, metrics: str
    ) -> None:
        self._told, self._deployment, self._listener, self._metrics = told, deployment, listener, metrics
        self._workers: list[_Worker] = []
        self._given: int | None = None  # the signal that ends all
        self._killed_at = 0.0
        self._delay, self._next = 0.0, 0.0

    def run(self, started: Callable[[], object]) -> None:
        handlers = {signal.SIGTERM: self._end, signal.SIGINT: self._end, signal.SIGHUP: self._reload}
        old = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        self._workers = [self._new() for _ in range(self._deployment.workers)]
        try:
            self._wait_for_all()
            if self._given is None:
                started()
            while self._workers or self._given is None:
                self._look()
                time.sleep(_LOOK)
        finally:
            for worker in self._workers:
                worker.process.kill()
                worker.process.wait()
                worker.close()
            for number, former in old.items():
                signal.signal(number, former)

    def _new(self) -> _Worker:
        return _Worker(self._told, self._listener, self._metrics)

    def _wait_for_all(self) -> None:
        waiting = list(self._workers)
        while waiting and self._given is None:
            for worker in list(waiting):
                if worker.is_ready():
                    waiting.remove(worker)
                elif worker.process.poll() is not None:
                    raise RuntimeError(
                        f"a worker ended with {worker.process.returncode} before it could answer"
                    )
            time.sleep(_LOOK / 5)

    def _look(self) -> None:
        """Bury workers that have ended, and let others take their places."""
        from prometheus_client.multiprocess import mark_process_dead

        now = time.monotonic()
        for worker in list(self._workers):
            code = worker.process.poll()
            if code is None:
                if self._given is not None and now > self._killed_at:
                    worker.process.kill()
                continue
            self._workers.remove(worker)
            worker.close()
            mark_process_dead(worker.process.pid, self._metrics)  # type: ignore[no-untyped-call]
            if self._given is None:
                _LOG.error("worker %d ended with %d; another takes its place", worker.process.pid, code)
                young = now - worker.born < _YOUNG
                self._delay = min(2 * self._delay + _LOOK, _LATEST) if young else 0.0
                self._next = now + self._delay
        if self._given is None and now >= self._next:
            self._workers += [self._new() for _ in range(self._deployment.workers - len(self._workers))]

    def _end(self, number: int, frame: object) -> None:
        if self._given is None:
            self._killed_at = time.monotonic() + self._deployment.drain + self._deployment.grace + _MERCY
            self._listener.close()  # the workers have it
        self._given = number
        self._pass_on(number)

    def _reload(self, number: int, frame: object) -> None:
        self._pass_on(number)

    def _pass_on(self, number: int) -> None:
        for worker in self._workers:
            worker.process.send_signal(number)


def _serve() -> None:
    """Be a worker, as the parent tells on the command line."""
    told, parent = json.loads(sys.argv[1]), os.getppid()
    ready: int = told["ready"]

    def started() -> None:
        os.write(ready, b"1")
        os.close(ready)

    with socket.socket(fileno=told["listener"]) as listener:
        settings, deployment = Settings.from_dict(told["settings"]), Deployment(**told["deployment"])
        run_process(told["models"], settings, deployment, listener, started, parent=sys.stdin.fileno())
    if os.getppid() != parent:  # which was killed, and left its directory
        shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


if __name__ == "__main__":
    _serve()
