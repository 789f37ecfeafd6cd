"""What browsers are told, so that pages of other origins may ask."""

from .call import Call
from .problems import Answer, Headers, Problem

__all__ = ["is_preflight", "preflight", "shared"]

_ASKED = b"access-control-request-method"
_ALLOWED = [
    (b"access-control-allow-methods", b"GET, POST, DELETE"),
    (
        b"access-control-allow-headers",
        b"authorization, content-type, x-min-revision, x-request-id, x-timeout-ms",
    ),
    (b"access-control-max-age", b"600"),
]
_EXPOSED = (b"access-control-expose-headers", b"x-request-id, x-model-revision")
_VARY = (b"vary", b"origin")


def is_preflight(call: Call) -> bool:
    """Whether a browser asks whether it may ask."""
    return call.method == "OPTIONS" and _ASKED in call.request.headers


def preflight(call: Call) -> Answer:
    """Tell a browser what pages of an origin may ask; status 403 if that is nothing."""
    origin = call.header(b"origin")
    if origin not in call.service.settings.cors:
        raise Problem(403, f"pages of {origin[:200]!r} may not ask; see the setting cors")
    return Answer(204, b"", headers=_ALLOWED)


def shared(call: Call) -> Headers:
    """Return the headers that let a page read the answer, if it is of an origin that may ask."""
    origin = call.header(b"origin")
    if origin not in call.service.settings.cors:
        return [_VARY]
    return [(b"access-control-allow-origin", origin.encode("latin-1")), _EXPOSED, _VARY]
