"""HTTP/1.1 for a service: the requests of a connection, as httptools reads them, and their answers.

There is nothing between the parser and the service: calls of an application by ASGI would take longer than the service
itself. uvicorn opens sockets, ends connections and waits for tasks.
"""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from .call import Call
from .driving import drive
from .problems import CLOSE, Answer, ClientGone, Headers, Problem
from .service import Service

__all__ = ["Connection", "close_overdue", "protocol_of"]

_NEVER = float("inf")
_LONGEST_HEAD = 1 << 16
_UNREAD = 1 << 16  # bytes of a body that wait; more are left to the system, and to the client
_STATUS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


class _Request:
    """A request as it arrives."""

    __slots__ = (
        "_connection",
        "_waiter",
        "alone",
        "complete",
        "expects",
        "gone",
        "headers",
        "keep_alive",
        "method",
        "parts",
        "path",
        "query",
        "root",
        "url",
    )

    def __init__(self, connection: "Connection", alone: bool) -> None:
        self._connection, self.alone = connection, alone
        self._waiter: asyncio.Future[None] | None = None
        self.complete = self.gone = self.expects = False
        self.headers: dict[bytes, bytes] = {}
        self.keep_alive = True
        self.method = self.path = self.root = ""
        self.query = self.url = b""
        self.parts: list[bytes] = []

    def read_url(self) -> None:
        """Take path and query from the address."""
        path, _, self.query = self.url.partition(b"?")
        if not path.startswith(b"/"):  # as if to a proxy
            parsed = httptools.parse_url(self.url)
            path, self.query = parsed.path or b"/", parsed.query or b""
        self.path = path.decode("ascii")
        if "%" in self.path:
            self.path = unquote(self.path)

    async def part(self) -> tuple[bytes, bool]:
        """Return what has come of the body, and whether more is to come; wait if nothing has."""
        while not self.parts and not self.complete:
            if self.gone:
                raise ClientGone
            if self.expects:
                self.expects = False
                self._connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._connection.read_on()
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self.gone:
            raise ClientGone
        part = self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)
        self.parts = []
        return part, not self.complete

    def wake(self) -> None:
        """Let whoever waits for the body look again."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Connection(asyncio.Protocol):
    """A connection, whose requests are answered one after the other."""

    service: Service
    most: int
    arrival: float
    full: bytes
    transport: asyncio.Transport

    def __init__(
        self, config: Config, server_state: ServerState, app_state: object, _loop: object = None
    ) -> None:
        self._state, self._keep_alive = server_state, config.timeout_keep_alive
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._arriving: _Request | None = None  # whose head or body is not complete
        self._waiting: list[_Request] = []  # to be answered, after the current one; few clients send any
        self._current: _Request | None = None
        self._in_head, self._head = False, 0  # whether a head is arriving, and its bytes after the first
        self._refusal = b""
        self._ending = self._broken = self._held = self._stalled = self._turning = False
        self.overdue = _NEVER  # when it has to be closed, without a timer of its own

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, unless there are too many connections."""
        self.transport = transport
        self._state.connections.add(self)  # type: ignore[arg-type]
        self.overdue = self._loop.time() + self.arrival
        if len(self._state.connections) > self.most:
            transport.write(self.full)
            transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits for a body that none will come."""
        self._state.connections.discard(self)
        self._waiting.clear()
        for one in (self._current, self._arriving):
            if one is not None and not one.complete:
                one.gone = True
                one.wake()

    def data_received(self, data: bytes) -> None:
        """Read, and answer what is there to be answered."""
        if self._broken:
            return
        arriving = self._arriving
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._refuse_upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            self._break_off(Problem(400, "this is no request of HTTP"))
        if self._in_head and self._arriving is arriving:
            self._head += len(data)
            if self._head > _LONGEST_HEAD:
                self._break_off(Problem(431, f"the head is longer than {_LONGEST_HEAD} bytes"))
        self._answer_next()

    def _refuse_upgrade(self, rest: bytes) -> None:
        """Read a request again without its wish for another protocol, for which the parser has left the body out."""
        request = self._waiting.pop()
        self._parser = httptools.HttpRequestParser(self)
        head = [request.method.encode(), b" ", request.url, b" HTTP/1.1\r\n"]
        if b"close" in request.headers.pop(b"connection", b"").lower():
            request.headers[b"connection"] = b"close"
        for name, value in request.headers.items():
            if name != b"upgrade":
                head += name, b": ", value, b"\r\n"
        self.data_received(b"".join([*head, b"\r\n", rest]))

    # what the parser calls

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._arriving = _Request(self, alone=len(self._state.connections) == 1)
        self._in_head, self._head = True, 0
        self.overdue = self._loop.time() + self.arrival

    def on_url(self, url: bytes) -> None:
        """Take a part of the address."""
        assert self._arriving is not None
        self._arriving.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        assert self._arriving is not None
        self._arriving.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """Let the request be answered, though its body has not come."""
        request = self._arriving
        assert request is not None
        self._in_head = False
        request.method = self._parser.get_method().decode("ascii")
        if request.method == "CONNECT":
            raise ValueError("this is no proxy")
        request.read_url()
        request.keep_alive = self._parser.get_http_version() != "1.0" and self._parser.should_keep_alive()
        request.expects = request.headers.get(b"expect", b"").lower() == b"100-continue"
        self._waiting.append(request)

    def on_body(self, part: bytes) -> None:
        """Take a part of the body."""
        request = self._arriving
        if request is None or (request is not self._current and request not in self._waiting):
            return  # it is answered already
        request.parts.append(part)
        if sum(map(len, request.parts)) > _UNREAD:
            self._hold()
        request.wake()

    def on_message_complete(self) -> None:
        """Take note that all of a request has come."""
        request, self._arriving = self._arriving, None
        assert request is not None
        request.complete = True
        request.wake()
        idle = self._current is None and not self._waiting
        self.overdue = self._loop.time() + self._keep_alive if idle else _NEVER

    # answers

    def _answer_next(self) -> None:
        """Answer what waits, one after the other, until an answer takes longer."""
        if self._turning:  # it is called by what it has called
            return
        self._turning = True
        while self._waiting and self._current is None and not self._stalled:
            self._current = self._waiting.pop(0)
            drive(self._answer(self._current), self._state.tasks)
        self._turning = False
        if self._waiting:
            self._hold()
        elif self._current is None and not self.transport.is_closing():
            if self._broken:
                self.transport.write(self._refusal)
                self.transport.close()
            else:
                self.read_on()

    async def _answer(self, request: _Request) -> None:
        call, service = Call(self.service, request), self.service
        try:
            answer = await service.answer(call)
            if answer is not None:
                self._write(request, answer, service.headers(call, answer))
        except BaseException:  # it is cancelled at the end of all grace
            self.transport.close()
            raise
        service.record(call, answer)
        self._state.total_requests += 1
        self._current = None
        if request.complete:  # else the rest is still due
            self.overdue = self._loop.time() + self._keep_alive
        self._answer_next()

    def _write(self, request: _Request, answer: Answer, headers: Headers) -> None:
        parts = [_STATUS[answer.status]]
        if (self._ending or not request.keep_alive) and CLOSE not in headers:
            headers.append(CLOSE)
        for name, value in (*self._state.default_headers, *headers):
            parts += name, b": ", value, b"\r\n"
        parts.append(b"\r\n")
        if request.method != "HEAD":
            parts.append(answer.body)
        self.transport.write(b"".join(parts))
        if CLOSE in headers:
            self.transport.close()

    def _break_off(self, problem: Problem) -> None:
        """Read no more: what is arriving cannot be read. What has come before is answered, and then this is."""
        self._broken, self._refusal = True, _refusal(problem)
        request, self._arriving, self._in_head = self._arriving, None, False
        if request is not None:
            if request in self._waiting:
                self._waiting.remove(request)
            request.gone = True
            request.wake()

    def _hold(self) -> None:
        """Leave further bytes to the system."""
        if not self._held and not self.transport.is_closing():
            self._held = True
            self.transport.pause_reading()

    def read_on(self) -> None:
        """Read further bytes."""
        if self._held and not self.transport.is_closing():
            self._held = False
            self.transport.resume_reading()

    def pause_writing(self) -> None:
        """Answer nothing more to a client that does not read."""
        self._stalled = True

    def resume_writing(self) -> None:
        """Go on with a client that reads again."""
        self._stalled = False
        self._answer_next()

    def shutdown(self) -> None:
        """End after the answers to what has begun."""
        self._ending = True
        if self._current is None and not self._waiting:
            self.transport.close()


def protocol_of(service: Service, max_connections: int, within: float) -> type[Connection]:
    """Return the class of connections to a service. `close_overdue` must be called now and then.

    Parameters
    ----------
    service : Service
    max_connections : int
        One more is told so, with status 503, and closed.
    within : float
        Seconds from the connection, or the first byte of a request, to its last. Whoever takes longer is closed.
    """
    full = Problem(503, f"there are {max_connections} connections already", headers=[(b"retry-after", b"1")])
    values = {"service": service, "most": max_connections, "arrival": within, "full": _refusal(full)}
    return type("Protocol", (Connection,), values)


def close_overdue(connections: Iterable[object], now: float) -> None:
    """Close connections whose request has not arrived in time, or that were idle too long."""
    for one in list(connections):
        if isinstance(one, Connection) and one.overdue < now:
            if one.transport.get_write_buffer_size():  # to whoever does not read
                one.transport.abort()
            else:
                one.transport.close()


def _refusal(problem: Problem) -> bytes:
    """Return the answer to what is no request, or none that is heard."""
    answer = problem.answer("")
    parts = [_STATUS[answer.status], b"content-type: ", answer.content_type]
    for name, value in (*answer.headers, CLOSE, (b"content-length", b"%d" % len(answer.body))):
        parts += b"\r\n", name, b": ", value
    return b"".join([*parts, b"\r\n\r\n", answer.body])
