"""Answers as JSON."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

__all__ = ["as_json", "encode"]

encode = msgspec.json.Encoder().encode


def as_json(told: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return what is told to the client."""
    return Response(encode(told), status, headers, "application/json")
