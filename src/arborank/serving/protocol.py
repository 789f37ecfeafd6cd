"""HTTP as uvicorn speaks it, with a limit on connections and on the time that a request may take to arrive."""

from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .problems import Problem

__all__ = ["close_overdue", "protocol_of"]

_NEVER = float("inf")


class _Waiting(list[Any]):
    """Requests of a connection that wait for their turn; an empty deque takes ten times the memory."""

    def appendleft(self, request: Any) -> None:
        self.insert(0, request)


class _Connection(HttpToolsProtocol):
    """A connection that knows when it has to be closed, without a timer of its own."""

    arrival: float
    overdue = _NEVER

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.pipeline = _Waiting()  # type: ignore[assignment]
        self.overdue = self.loop.time() + self.arrival

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.overdue = self.loop.time() + self.arrival

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.overdue = self._idle() if self.cycle.response_complete else _NEVER

    def on_response_complete(self) -> None:
        """Go on as uvicorn does, without its timer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif not self.cycle.more_body:  # else the rest of the message is still due
            self.overdue = self._idle()

    def _idle(self) -> float:
        return self.loop.time() + self.timeout_keep_alive


def protocol_of(max_connections: int, within: float) -> type[HttpToolsProtocol]:
    """Return the class of the protocol. `close_overdue` must be called now and then.

    Parameters
    ----------
    max_connections : int
        One more is told so, with status 503, and closed.
    within : float
        Seconds from the connection, or the first byte of a request, to its last. Whoever takes longer is closed.
    """
    body = Problem(503, f"there are {max_connections} connections already").answer("").body
    full = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n"
    full += b"connection: close\r\nretry-after: 1\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)

    class Protocol(_Connection):
        arrival = within

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > max_connections:
                transport.write(full)
                transport.close()

    return Protocol


def close_overdue(connections: Iterable[object], now: float) -> None:
    """Close connections whose request has not arrived in time, or that were idle too long."""
    for one in list(connections):
        if isinstance(one, _Connection) and one.overdue < now:
            one.timeout_keep_alive_handler()
