"""HTTP as uvicorn speaks it, with a limit on connections and on the time that a request may take to arrive."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .problems import Problem

__all__ = ["protocol_of"]


def protocol_of(max_connections: int, arrival: float) -> type[HttpToolsProtocol]:
    """Return the class of the protocol.

    Parameters
    ----------
    max_connections : int
        One more is told so, with status 503, and closed.
    arrival : float
        Seconds from the connection, or the first byte of a request, to its last. Whoever takes longer is closed.
    """
    body = Problem(503, f"there are {max_connections} connections already").answer("").body
    full = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n"
    full += b"connection: close\r\nretry-after: 1\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)

    class Protocol(HttpToolsProtocol):
        _waiting: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait()
            if len(self.connections) > max_connections:
                transport.write(full)
                transport.close()

        def connection_lost(self, exc: Exception | None) -> None:
            self._wait_no_more()
            super().connection_lost(exc)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._wait()

        def on_message_complete(self) -> None:
            self._wait_no_more()
            super().on_message_complete()

        def _wait(self) -> None:
            self._wait_no_more()
            self._waiting = self.loop.call_later(arrival, self.timeout_keep_alive_handler)

        def _wait_no_more(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None

    return Protocol
