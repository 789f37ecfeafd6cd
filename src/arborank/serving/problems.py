"""Errors as clients see them: problem+json (RFC 9457), with the field they are about."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.responses import Response

from ..core.errors import ArgumentError

__all__ = ["Problem", "ProblemAnswer", "asked_well"]


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
        self, status: int, detail: str, field: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.field, self.headers = status, detail, field, headers

    def response(self, request_id: str) -> Response:
        """Return the error as problem+json."""
        title = HTTPStatus(self.status).phrase
        body = ProblemAnswer(title, self.status, self.detail, request_id, field=self.field)
        return Response(msgspec.json.encode(body), self.status, self.headers, "application/problem+json")


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
