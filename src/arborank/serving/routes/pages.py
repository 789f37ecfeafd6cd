"""What browsers get: the page to try the models, a description for people, and the element for pages of others."""

import base64
import re
from functools import cache
from hashlib import sha256
from importlib import resources

from starlette.responses import FileResponse, Response

from ..call import Call
from ..problems import Problem

__all__ = ["component", "day", "docs", "page", "whole_day"]

_FRESH = {"cache-control": "no-cache"}


async def page(call: Call) -> Response:
    """Return the page to try the models."""
    return _shown(call, "page.html")


async def docs(call: Call) -> Response:
    """Return the description of what can be asked, for people."""
    return _shown(call, "docs.html")


async def day(call: Call) -> Response:
    """Return the page that replays a day."""
    if call.service.settings.day is None:
        raise Problem(404, "the service has no day to replay")
    return _shown(call, "day.html")


async def whole_day(call: Call) -> Response:
    """Return what happened on the day."""
    if (path := call.service.settings.day) is None:
        raise Problem(404, "the service has no day to replay")
    return FileResponse(path, headers=_FRESH, media_type="application/json")


def _shown(call: Call, name: str) -> Response:
    """Return a page, which may run its own script, ask its own service, and nothing else."""
    if not call.service.settings.page:
        raise Problem(404, "the service shows no page")
    content, headers = _page(name)
    return Response(content, headers=headers, media_type="text/html")


async def component(call: Call) -> Response:
    """Return the element ``<arborank-complete>``."""
    return Response(_file("complete.js"), headers=_FRESH, media_type="text/javascript")


def _file(name: str) -> bytes:
    return (resources.files(__package__.rpartition(".")[0]) / name).read_bytes()


@cache
def _page(name: str) -> tuple[bytes, dict[str, str]]:
    """Return the page and its policy, which knows its script and its style by their hashes."""
    content = _file(name)
    sources = []
    for tag in (b"script", b"style"):
        (inside,) = re.findall(rb"<%s>(.*?)</%s>" % (tag, tag), content, flags=re.DOTALL)
        digest = base64.b64encode(sha256(inside).digest()).decode()
        sources.append(f"{tag.decode()}-src 'sha256-{digest}'")
    rest = "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    policy = f"default-src 'none'; {'; '.join(sources)}; {rest}"
    return content, {"content-security-policy": policy, "referrer-policy": "no-referrer", **_FRESH}
