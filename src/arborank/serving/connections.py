"""Connections as uvicorn has them, with limits on their number, on heads, and on the time of a request to arrive."""

import asyncio
from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .call import REQUESTS

__all__ = ["Connection", "close_overdue"]

_NEVER = float("inf")
_LONGEST_HEAD = 1 << 16
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
)


class Connection(HttpToolsProtocol):
    """A connection; `close_overdue` must be called now and then.

    Parameters
    ----------
    most : int
        Connections of the process. One more is told so, with status 503, and closed.
    arrival : float
        Seconds from the connection, or the first byte of a request, to its last; and for a client to read on. Whoever
        takes longer is closed.
    **options
        Those of uvicorn.
    """

    __slots__ = ("_arrival", "_head", "_in_head", "_most", "overdue")  # in the dictionary, a kilobyte more

    def __init__(self, *, most: int, arrival: float, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self._most, self._arrival = most, arrival
        self._in_head, self._head = False, 0  # whether a head is arriving, and its bytes after the first
        self.overdue = _NEVER

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, unless there are too many connections."""
        super().connection_made(transport)
        self._wait_for_client()
        if len(self.connections) > self._most:
            transport.write(_FULL)
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Read, unless a head is too long."""
        if self._in_head:
            self._head += len(data)
            if self._head > _LONGEST_HEAD:
                self.send_400_response(f"The head is longer than {_LONGEST_HEAD} bytes.")
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope["extensions"] = {REQUESTS: self.tasks}  # type: ignore[dict-item]
        self._in_head, self._head = True, 0
        self._wait_for_client()

    def on_headers_complete(self) -> None:
        """Let the request be answered, though its body has not come."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Take note that all of a request has come."""
        if not self.flow.write_paused:
            self.overdue = _NEVER
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Wait for a client that does not read."""
        self._wait_for_client()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Go on with a client that reads again."""
        self.overdue = _NEVER
        super().resume_writing()

    def _wait_for_client(self) -> None:
        self.overdue = self.loop.time() + self._arrival


def close_overdue(connections: Iterable[object], now: float) -> None:
    """Close connections that have waited for their clients too long."""
    for one in list(connections):
        if isinstance(one, Connection) and one.overdue < now:
            if one.transport.get_write_buffer_size():  # to whoever does not read
                one.transport.abort()
            else:
                one.transport.close()
