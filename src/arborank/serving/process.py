"""One process that serves: its loop, its signals, its log."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import uvicorn

from ..core.types import FilePath
from .connections import Connection, close_overdue
from .deployment import Deployment
from .service import Service
from .settings import Settings

__all__ = ["log_to_stream", "run_process"]

_TICKS = 3  # of uvicorn, which has ten a second, between two looks


def run_process(
    models: Mapping[str, FilePath],
    settings: Settings,
    deployment: Deployment,
    listener: socket.socket,
    started: Callable[[], object],
    parent: int | None = None,
) -> None:
    """Serve until a signal ends it.

    SIGTERM and SIGINT end it: it is not ready any more, and after ``deployment.drain`` seconds (at once for SIGINT) it
    closes the socket and answers what has begun. A second one ends it then and there. SIGHUP loads models again.

    Parameters
    ----------
    models, settings
        As for `create_app`.
    deployment : Deployment
    listener : socket
    started : callable
        Called when the first request can be answered.
    parent : int, optional
        File descriptor of a pipe that ends with the parent process, and this one with it.
    """
    log_to_stream()
    _allow_connections(deployment.max_connections)
    service = Service(models, settings, _write if settings.log_requests else None)
    config = uvicorn.Config(
        service,
        http=partial(Connection, most=deployment.max_connections, arrival=deployment.arrival),  # type: ignore[arg-type]
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=2048,
        timeout_keep_alive=deployment.keep_alive,  # type: ignore[arg-type]
        timeout_graceful_shutdown=deployment.grace,  # type: ignore[arg-type]
    )
    server = _Server(config, service, deployment.drain, started, parent)
    server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """A server that ends in steps."""

    def __init__(
        self,
        config: uvicorn.Config,
        service: Service,
        drain: float,
        when_started: Callable[[], object],
        parent: int | None,
    ) -> None:
        super().__init__(config)
        self._service, self._drain, self._when_started = service, drain, when_started
        self._parent = parent
        self._reloading: set[asyncio.Task[None]] = set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do what signals ask for; unlike uvicorn's, the process ends with 0 then."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.end, self._drain)
        loop.add_signal_handler(signal.SIGINT, self.end, 0.0)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        if self._parent is not None:
            loop.add_reader(self._parent, self._orphaned)
        yield

    def _orphaned(self) -> None:
        assert self._parent is not None
        asyncio.get_running_loop().remove_reader(self._parent)
        self.end(0.0)

    def end(self, drain: float) -> None:
        """Begin to end, or end at once if it has begun."""
        if self._service.draining:
            self.should_exit = self.force_exit = True
        self._service.draining = True
        asyncio.get_running_loop().call_later(drain, setattr, self, "should_exit", True)

    def _reload(self) -> None:
        task = asyncio.get_running_loop().create_task(self._service.reload())
        self._reloading.add(task)
        task.add_done_callback(self._reloading.discard)

    async def on_tick(self, counter: int) -> bool:
        """Look after connections, several times a second."""
        if counter % _TICKS == 0:
            close_overdue(self.server_state.connections, asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self._when_started()


def _write(line: bytes) -> None:
    """Write a line about a request to the standard output, at once and whole: several processes may share it."""
    with contextlib.suppress(OSError):  # a log that nobody reads is no reason to stop
        os.write(1, line + b"\n")


def log_to_stream() -> None:
    """Let what is told beside requests be lines on the standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name, level in (("arborank.serving", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


def _allow_connections(n: int) -> None:
    """Let the process have as many open files as connections need, as far as the system allows."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = n + 256 if hard == resource.RLIM_INFINITY else min(n + 256, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
