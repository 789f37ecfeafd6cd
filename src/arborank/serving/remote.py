"""A part of a model that is served elsewhere: asked over HTTP, on connections that are kept.

It asks with `http.client`: urllib3 takes twice its time for a request of one text.
"""

import http.client
import logging
import time
import weakref
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import structs

from ..core.errors import ArgumentError
from .bodies import ModelAnswer, RankAnswer, RankBody

__all__ = ["RemotePart"]

_LOG = logging.getLogger(__name__)
_REST = 1.0  # seconds without a question to a part that has not answered


@dataclass(eq=False)
class RemotePart:
    """A part of a model, served somewhere.

    Attributes
    ----------
    address : str
        Of the model there.
    key : str, optional
    n_labels : int
        That the part has; a service with others is not asked.
    timeout : float
        Seconds.
    """

    address: str
    key: str | None
    n_labels: int
    timeout: float
    known: bool = False
    silent_until: float = 0.0
    idle: list[http.client.HTTPConnection] = field(default_factory=list)

    def __post_init__(self) -> None:
        weakref.finalize(self, _close, self.idle)

    @classmethod
    def of(cls, where: str, fields: list[str], n_labels: int, timeout: float) -> "RemotePart":
        """Read a line of addresses; ``where`` is its place.

        Raises
        ------
        ValueError
            If it is something else.
        """
        url = urlsplit(fields[0])
        if len(fields) > 2 or url.scheme not in ("http", "https") or not url.hostname:
            raise ArgumentError(
                "parts",
                f"{where}: an address such as http://10.0.0.1:8080/v1/models/model was expected, and a key behind it "
                f"if the service there needs one, found {' '.join(fields[:3])!r}",
            )
        return cls(fields[0].rstrip("/"), fields[1] if len(fields) == 2 else None, n_labels, timeout)

    def ask(self, body: RankBody) -> RankAnswer | None:
        """Return the part's answer; None if there is none, which is not asked for again for a moment."""
        if time.monotonic() < self.silent_until:
            return None
        try:
            if not self.known:
                self._know(msgspec.json.decode(self._send("GET", "", None), type=ModelAnswer))
            return msgspec.json.decode(
                self._send("POST", "/rank", msgspec.json.encode(_without_defaults(body))), type=RankAnswer
            )
        except (OSError, http.client.HTTPException, msgspec.MsgspecError, ValueError) as error:
            self.silent_until = time.monotonic() + _REST
            self.known = False
            _LOG.warning("the part at %s does not answer: %s", self.address, error)
            return None

    def _know(self, told: ModelAnswer) -> None:
        if told.n_labels != self.n_labels:
            raise ValueError(
                f"it has {told.n_labels} labels, not {self.n_labels}: another part, or another model"
            )
        self.known = True

    def _send(self, method: str, path: str, body: bytes | None) -> bytes:
        url = urlsplit(self.address)
        headers = {"content-type": "application/json"}
        if self.key is not None:
            headers["authorization"] = f"Bearer {self.key}"
        with suppress(IndexError, ConnectionError):  # one that was kept may have been closed meanwhile
            return self._over(self.idle.pop(), method, url.path + path, body, headers)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.netloc, timeout=self.timeout)
        return self._over(connection, method, url.path + path, body, headers)

    def _over(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
    ) -> bytes:
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content: bytes = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        self.idle.append(connection)
        if answer.status != 200:
            raise ValueError(f"status {answer.status}: {content[:200].decode(errors='replace')}")
        return content


def _close(connections: list[http.client.HTTPConnection]) -> None:
    for connection in connections:
        connection.close()


def _without_defaults(body: RankBody) -> dict[str, Any]:
    plain = RankBody()
    return {name: value for name, value in structs.asdict(body).items() if value != getattr(plain, name)}
