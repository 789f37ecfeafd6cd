"""The application: every request in, its answer out, and what is logged and counted of it."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping

import msgspec

from ..core.errors import ArgumentError
from ..core.estimator import Estimator
from ..core.types import FilePath
from .asgi import AsgiRequest, Receive, Scope, Send, send_answer
from .bodies import Recent, Row, Scored
from .call import Call
from .cors import is_preflight, preflight, shared
from .keys import Opening, find_key, read_keys
from .metrics import Metrics
from .openapi import describe
from .operations import FOREIGN, OPERATIONS, PAGES, Operation
from .parts import kinds_of
from .problems import CLOSE, Answer, ClientGone, Headers, Problem
from .routes.inference import refusal
from .settings import Settings
from .slots import Slots
from .together import Together
from .work import Work

__all__ = ["Service"]

_LOG = logging.getLogger("arborank.serving")
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
    together : Together
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
        self.together: Together[str | Row, tuple[list[Scored], float]] = Together(self.work)
        self._following: asyncio.Task[None] | None = None
        self._described: tuple[str | None, bytes] = None, b""
        self._routes = _routes([slot.served.name for slot in self.slots])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or start and end with the server."""
        if scope["type"] == "http":
            self._follow()
            call = Call(self, AsgiRequest(scope, receive))
            answer = await self.answer(call)
            if answer is not None:
                await send_answer(send, answer, self.headers(call, answer))
            self.record(call, answer)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._follow()
        await send({"type": "lifespan.startup.complete"})
        with contextlib.suppress(asyncio.CancelledError):  # a server that ends at once says no more
            await receive()
        if self._following is not None:
            self._following.cancel()
        self.work.close()
        self.measure()
        await send({"type": "lifespan.shutdown.complete"})

    def _follow(self) -> None:
        """Begin to look at the directories; within another application, the first request does."""
        if self._following is None and self.settings.follow:
            self._following = asyncio.create_task(self.slots.follow(self.settings.follow))

    async def answer(self, call: Call) -> Answer | None:
        """Answer a request, whatever it is; None if the client has left."""
        try:
            if call.method == "OPTIONS" and self.settings.cors and is_preflight(call):
                return preflight(call)
            return await self._operation(call).run(call)
        except Problem as problem:
            foreign = call.request.path.startswith("/v2/")
            return refusal(problem) if foreign else problem.answer(call.request_id)
        except ClientGone:
            return None
        except Exception:
            _LOG.exception("request %s failed", call.request_id)
            return Problem(500, "the service has a fault; its log says more").answer(call.request_id)

    def _operation(self, call: Call) -> Operation:
        """Return what a request asks for; status 404 or 405 if that is nothing."""
        methods = self._routes.get(call.request.path)
        if methods is None:
            models = ", ".join(slot.served.name for slot in self.slots)
            raise Problem(404, f"there is nothing at this path; the models are {models}")
        found = methods.get(call.method)
        if found is None:
            allowed = ", ".join(sorted(methods))
            raise Problem(405, f"the path has the methods {allowed}", headers=[(b"allow", allowed.encode())])
        operation, call.model = found
        return operation

    def headers(self, call: Call, answer: Answer) -> Headers:
        """Return the headers of an answer."""
        headers = [(b"x-request-id", call.request_id.encode()), (b"x-content-type-options", b"nosniff")]
        headers += answer.headers
        if answer.status not in (204, 304):
            headers += (b"content-type", answer.content_type), (b"content-length", b"%d" % len(answer.body))
        if call.served is not None:
            headers.append((b"x-model-revision", call.served.revision.encode()))
        if self.settings.cors:
            headers += shared(call)
        if self.draining and CLOSE not in headers:
            headers.append(CLOSE)
        return headers

    def record(self, call: Call, answer: Answer | None) -> None:
        """Count a request that is answered, and log it."""
        seconds = time.monotonic() - call.started
        status = _GONE if answer is None else answer.status
        model, revision = ("", "") if call.served is None else (call.served.name, call.served.revision)
        self.metrics.answered(model, call.route, status, seconds)
        if self._log is None or call.route in _PROBES:
            return
        told: dict[str, object] = {
            "time": round(time.time(), 3),
            "id": call.request_id,
            "method": call.method,
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
        self._log(msgspec.json.encode(told))

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
                headers=[(b"www-authenticate", b"Bearer")],
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
            self._described = prefix, msgspec.json.encode(told)
        return self._described[1]

    def measure(self) -> None:
        """Write down for metrics what changes too often to be written each time."""
        self.metrics.in_flight.set(self.work.in_flight)
        self.metrics.hand_over()

    async def reload(self) -> None:
        """Load every model again whose directory holds another; those that cannot be loaded go on."""
        for slot in self.slots:
            with contextlib.suppress(Problem):
                await self.slots.reload(slot)


def _routes(models: list[str]) -> dict[str, dict[str, tuple[Operation, str]]]:
    """Return every path of the service: what its methods do, and with which model."""
    routes: dict[str, dict[str, tuple[Operation, str]]] = {}
    for one in (*OPERATIONS, *FOREIGN, *PAGES):
        for model in models if "{model}" in one.path else [""]:
            methods = routes.setdefault(one.path.replace("{model}", model), {})
            methods[one.method] = one, model
            if one.method == "GET":
                methods["HEAD"] = one, model
    return routes


def _recent(path: FilePath) -> list[Recent]:
    from ..datasets import read_texts

    data = read_texts(path)
    return [Recent(text, labels=list(labels)) for text, labels in zip(data.texts, data.labels, strict=True)]
