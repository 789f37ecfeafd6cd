"""Requests as ASGI brings them, for a service within another application or under another server."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from .problems import Answer, ClientGone, Headers

__all__ = ["AsgiRequest", "Receive", "Scope", "Send", "send_answer"]

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class AsgiRequest:
    """A request with its parts as messages."""

    alone = False

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.root: str = scope.get("root_path", "")
        self.path: str = scope["path"].removeprefix(self.root)
        self.query: bytes = scope["query_string"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self._receive = receive

    async def part(self) -> tuple[bytes, bool]:
        """Return the next bytes of the body, and whether more are to come."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        return message.get("body", b""), message.get("more_body", False)


async def send_answer(send: Send, answer: Answer, headers: Headers) -> None:
    """Send an answer as messages."""
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
