"""A request on its way: its head, its body as a checked value, and when it must be answered."""

import re
import secrets
import time
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from .problems import Problem
from .slots import Served, Slot

if TYPE_CHECKING:
    from .service import Service

__all__ = ["REQUESTS", "Call"]

B = TypeVar("B")

REQUESTS = "arborank.requests"  # extension of ASGI: what the server is answering
_CLOSE = {"connection": "close"}
_LONGEST_ID = 128
_TRACE = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_START = secrets.token_hex(4)  # of this process; random bytes for every request take as long as its metrics
_NUMBERS = count()


class Call:
    """One request, and what becomes of it."""

    __slots__ = (
        "asked",
        "deadline",
        "headers",
        "k",
        "model",
        "n_texts",
        "queued",
        "receive",
        "request_id",
        "route",
        "scope",
        "served",
        "service",
        "started",
        "took",
    )

    def __init__(self, service: "Service", scope: Scope, receive: Receive) -> None:
        self.started = time.monotonic()
        self.service, self.scope, self.receive = service, scope, receive
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.route, self.model = "none", ""  # what it asks for, and of which model
        self.served: Served | None = None
        self.n_texts = self.k = 0
        self.asked: object = None  # the texts, if they are logged
        self.queued = self.took = 0.0
        self.request_id = self._request_id()
        self.deadline = self.started + service.settings.timeout

    def header(self, name: bytes) -> str:
        """Return a header, empty if there is none."""
        return self.headers.get(name, b"").decode("latin-1")

    def _request_id(self) -> str:
        given = self.headers.get(b"x-request-id")
        if given is not None and 0 < len(given) <= _LONGEST_ID and all(33 <= byte <= 126 for byte in given):
            return given.decode("ascii")
        return f"{_START}{next(_NUMBERS):08x}"

    def trace(self) -> str:
        """Return the id of the trace that the request belongs to, of the header of W3C; empty if there is none."""
        found = _TRACE.fullmatch(self.headers.get(b"traceparent", b""))
        return found[1].decode() if found else ""

    @property
    def alone(self) -> bool:
        """Whether no other request is being answered; False if the server does not tell."""
        requests = self.scope.get("extensions", {}).get(REQUESTS, ())
        return len(requests) == 1

    @property
    def root(self) -> str:
        """The path under which the service is mounted."""
        return str(self.scope.get("root_path", ""))

    @property
    def query_string(self) -> bytes:
        """What stands behind the path."""
        found: bytes = self.scope["query_string"]
        return found

    def find_slot(self) -> Slot:
        """Return the slot of the model that the path names; status 404 if there is none."""
        return self.service.slots.find(self.model)

    def take_model(self) -> Served:
        """Take the model that the path names; another may be served from the next request on."""
        self.served = self.find_slot().served
        return self.served

    async def catch_up(self) -> None:
        """Have a model served that is no older than the one that the client has seen."""
        seen = self.header(b"x-min-revision")
        if seen and self.model and seen != (slot := self.find_slot()).served.revision:
            await self.service.slots.catch_up(slot)

    def check_k(self, k: int) -> None:
        """Refuse more labels than the service allows."""
        if k > self.service.settings.max_k:
            raise Problem(422, f"k is {k}; the most is {self.service.settings.max_k}", "k")

    def set_deadline(self) -> None:
        """Take the time that the client allows, if that is less than the service does."""
        given = self.header(b"x-timeout-ms")
        if not (given.isdecimal() and len(given) < 10 and int(given) > 0):
            raise Problem(400, f"X-Timeout-Ms must be a number of milliseconds, found {given[:20]!r}")
        self.deadline = min(self.deadline, self.started + int(given) / 1000)

    def query(self, kind: type[B]) -> B:
        """Return the query of the address as a checked value; fields that are lists may be repeated."""
        values: dict[str, Any] = {}
        fields = msgspec.structs.fields(kind)  # type: ignore[arg-type]
        lists = {
            f.name for f in fields if any(get_origin(one) is list for one in (f.type, *get_args(f.type)))
        }
        try:
            pairs = parse_qsl(
                self.query_string.decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=1000,
            )
        except ValueError as error:
            raise Problem(400, f"the query of the address cannot be read: {error}") from None
        for name, value in pairs:
            if name in lists:
                values.setdefault(name, []).append(value)
            elif name in values:
                raise Problem(422, f"{name} is given twice", name)
            else:
                values[name] = value
        try:
            return msgspec.convert(values, kind, strict=False)
        except msgspec.ValidationError as error:
            raise _invalid(error) from None

    async def body(self, decoder: "msgspec.json.Decoder[B]") -> B:
        """Return the body as a checked value."""
        kind = self.header(b"content-type").partition(";")[0].strip().lower()
        if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
            raise Problem(
                415, f"the body must be sent as application/json, found {kind or 'no content type'!r}"
            )
        content = await self.content()
        try:
            return decoder.decode(content)
        except msgspec.ValidationError as error:
            raise _invalid(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Problem(400, f"the body is no JSON: {error}") from None

    async def content(self) -> bytes:
        """Return the bytes of the body; refuse those that are too many."""
        settings = self.service.settings
        if self.headers.get(b"content-encoding", b"identity") != b"identity":
            raise Problem(415, "the body must not be compressed", headers=_CLOSE)
        length = self.header(b"content-length")
        if length.isdecimal() and int(length) > settings.max_body:
            raise self._too_long()
        content, more = b"", True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            content += message.get("body", b"")
            if len(content) > settings.max_body:
                raise self._too_long()
            more = message.get("more_body", False)
        return content

    def _too_long(self) -> Problem:
        self.service.metrics.rejected.labels("long").inc()
        return Problem(413, f"the body is longer than {self.service.settings.max_body} bytes", headers=_CLOSE)


def _invalid(error: msgspec.ValidationError) -> Problem:
    """Return what is wrong with a value, and where: messages end with a path such as ``$.texts[0]``."""
    told, _, path = str(error).partition(" - at `")
    path = path.removesuffix("`").removeprefix("$").removeprefix(".")
    if told.startswith("Object contains unknown field `"):
        name = told.split("`")[1]
        path = f"{path}.{name}".lstrip(".")
        told = f"there is no field {name!r}"
    elif told.startswith("Object missing required field `"):
        name = told.split("`")[1]
        path = f"{path}.{name}".lstrip(".")
        told = f"the field {name!r} is missing"
    return Problem(422, told if not path else f"{path}: {told}", path or None)
