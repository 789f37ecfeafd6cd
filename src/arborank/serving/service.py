"""The application: every request in, its answer out, and what is logged and counted of it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ..core.errors import ArgumentError
from ..core.estimator import Estimator
from ..core.types import FilePath
from .answers import encode
from .batcher import Batcher
from .bodies import Recent, Row, Scored
from .call import Call
from .keys import Opening, find_key, read_keys
from .metrics import Metrics
from .openapi import describe
from .parts import kinds_of
from .problems import Problem
from .routing import router
from .settings import Settings
from .slots import Slots
from .work import Work

__all__ = ["Service"]

_GONE = 499  # in the log, of a client that has left
_PROBES = ("/healthz", "/readyz", "/metrics")


class Service:
    """An application of the ASGI protocol: what `create_app` returns.

    ``log`` gets a line of JSON for every request but probes.

    Attributes
    ----------
    settings : Settings
    slots : Slots
        The models.
    work : Work
    batcher : Batcher
        Questions that come at the same time.
    metrics : Metrics
    draining : bool
        Whether the service ends: it is not ready any more, and asks clients to close their connections.
    """

    def __init__(
        self,
        models: Mapping[str, FilePath | Estimator],
        settings: Settings,
        log: Callable[[bytes], object] | None = None,
    ) -> None:
        self.settings, self._log, self.draining = settings, log, False
        self._keys = None if settings.keys is None else read_keys(settings.keys)
        self.recent = [] if settings.recent is None else _recent(settings.recent)
        if settings.parts is not None and len(models) > 1:
            raise ArgumentError("parts", f"hold the addresses of one model, found {len(models)} models")
        self.metrics = Metrics()
        self.slots = Slots(models, self.metrics, verify=settings.verify, make_kind=kinds_of(settings))
        self.work = Work(settings, self.metrics)
        self.batcher: Batcher[str | Row, tuple[list[Scored], float]] = Batcher(self.work)
        self._following: asyncio.Task[None] | None = None
        self._described: tuple[str | None, bytes] = None, b""
        self._app = router(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or start and end with the server."""
        await self._app(scope, receive, send)

    @contextlib.asynccontextmanager
    async def living(self, app: object) -> AsyncIterator[None]:
        """Be there from the start of the server to its end."""
        self.follow()
        yield
        if self._following is not None:
            self._following.cancel()
        self.work.close()

    def follow(self) -> None:
        """Begin to look at the directories; within another application, the first request does."""
        if self._following is None and self.settings.follow:
            self._following = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self.settings.follow)
            self.measure()
            await self.slots.look()

    def measure(self) -> None:
        """Write down for metrics what changes too often to be written each time."""
        self.metrics.in_flight.set(self.work.in_flight)

    def headers(self, call: Call) -> list[tuple[bytes, bytes]]:
        """Return the headers that every answer has."""
        headers = [(b"x-request-id", call.request_id.encode()), (b"x-content-type-options", b"nosniff")]
        if call.served is not None:
            headers.append((b"x-model-revision", call.served.revision.encode()))
        if self.draining:
            headers.append((b"connection", b"close"))
        return headers

    def record(self, call: Call, response: Response | None) -> None:
        """Count a request that is answered, and log it; without an answer, the client has left."""
        seconds = time.monotonic() - call.started
        status = _GONE if response is None else response.status_code
        model, revision = ("", "") if call.served is None else (call.served.name, call.served.revision)
        self.metrics.answered(model, call.route, status, seconds)
        if self._log is None or call.route in _PROBES:
            return
        told: dict[str, object] = {
            "time": round(time.time(), 3),
            "id": call.request_id,
            "method": call.scope["method"],
            "route": call.route,
            "model": model,
            "revision": revision,
            "status": status,
            "texts": call.n_texts,
            "k": call.k,
            "queue_us": round(1e6 * call.queued),
            "model_us": round(1e6 * call.took),
            "total_us": round(1e6 * seconds),
        }
        if trace := call.trace():
            told["trace"] = trace
        if self.settings.log_texts and call.asked is not None:
            told["asked"] = call.asked
        self._log(encode(told))

    def check_key(self, call: Call, scope: Opening | None) -> None:
        """Refuse whoever has no key for what is asked; status 401 without one, 403 with one for something else."""
        if self._keys is None or scope is None:
            return
        key = find_key(self._keys, call.header(b"authorization"))
        if key is None:
            self.metrics.rejected.labels("key").inc()
            raise Problem(
                401,
                "a key is needed, as Authorization: Bearer KEY",
                headers={"www-authenticate": "Bearer"},
            )
        if scope not in key.scopes:
            self.metrics.rejected.labels("key").inc()
            raise Problem(403, f"the key {key.name} does not open {scope}")

    def check_origin(self, call: Call) -> None:
        """Refuse changes that a page of somebody else's asks for in a visitor's name."""
        origin = call.header(b"origin")
        if origin and origin not in self.settings.cors and origin.partition("://")[2] != call.header(b"host"):
            raise Problem(403, "pages of other origins may not ask; see the setting cors")

    def description(self, prefix: str) -> bytes:
        """Return the OpenAPI description, as of an application that is mounted under a path."""
        if self._described[0] != prefix:
            names = [slot.served.name for slot in self.slots]
            told = describe(prefix, self._keys is not None, names)
            self._described = prefix, encode(told)
        return self._described[1]

    async def reload(self) -> None:
        """Load every model again whose directory holds another; those that cannot be loaded go on."""
        for slot in self.slots:
            with contextlib.suppress(Problem):
                await self.slots.reload(slot)


def _recent(path: FilePath) -> list[Recent]:
    from ..datasets import read_texts

    data = read_texts(path)
    return [Recent(text, labels=list(labels)) for text, labels in zip(data.texts, data.labels, strict=True)]
