"""Errors as clients see them: problem+json (RFC 9457), with the field they are about."""

from http import HTTPStatus
from typing import NamedTuple

import msgspec

from ..core.errors import ArgumentError

__all__ = ["CLOSE", "Answer", "ClientGone", "Headers", "Problem", "ProblemAnswer", "asked_well"]

Headers = list[tuple[bytes, bytes]]
CLOSE = (b"connection", b"close")


class Answer(NamedTuple):
    """What is sent back: status, body, type of the content, further headers."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: Headers = []  # noqa: RUF012 (never changed)


class ProblemAnswer(msgspec.Struct, rename={"kind": "type"}, omit_defaults=True):
    """What a client did that cannot be answered, or why the service cannot."""

    title: str
    status: int
    detail: str
    request_id: str
    kind: str = "about:blank"
    field: str | None = None


class Problem(Exception):
    """An error with a status of HTTP; ``field`` is the part of the request that is wrong."""

    def __init__(
        self, status: int, detail: str, field: str | None = None, headers: Headers | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.field, self.headers = status, detail, field, headers or []

    def answer(self, request_id: str) -> Answer:
        """Return the error as problem+json."""
        title = HTTPStatus(self.status).phrase
        body = ProblemAnswer(title, self.status, self.detail, request_id, field=self.field)
        return Answer(self.status, msgspec.json.encode(body), b"application/problem+json", self.headers)


class ClientGone(Exception):
    """The client has left before its request was complete."""


class _AskedWell:
    """Turns errors of a model about its arguments into problems of the client."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ArgumentError):
            raise Problem(422, str(error), error.argument or None) from error
        if isinstance(error, TypeError | ValueError):
            raise Problem(422, str(error)) from error


asked_well = _AskedWell()
