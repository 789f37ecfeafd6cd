"""What browsers get: the page to try the models, a description for people, and the element for pages of others."""

import base64
import re
from functools import cache
from hashlib import sha256
from importlib import resources
from pathlib import Path

from ..call import Call
from ..problems import Answer, Headers, Problem

__all__ = ["component", "day", "docs", "page", "whole_day"]


async def page(call: Call) -> Answer:
    """Return the page to try the models."""
    return _shown(call, "page.html")


async def docs(call: Call) -> Answer:
    """Return the description of what can be asked, for people."""
    return _shown(call, "docs.html")


async def day(call: Call) -> Answer:
    """Return the page that replays a day."""
    if call.service.settings.day is None:
        raise Problem(404, "the service has no day to replay")
    return _shown(call, "day.html")


async def whole_day(call: Call) -> Answer:
    """Return what happened on the day."""
    if (path := call.service.settings.day) is None:
        raise Problem(404, "the service has no day to replay")
    return Answer(200, Path(path).read_bytes(), headers=[(b"cache-control", b"no-cache")])


def _shown(call: Call, name: str) -> Answer:
    """Return a page, which may run its own script, ask its own service, and nothing else."""
    if not call.service.settings.page:
        raise Problem(404, "the service shows no page")
    content, headers = _page(name)
    return Answer(200, content, b"text/html; charset=utf-8", headers)


async def component(call: Call) -> Answer:
    """Return the element ``<arborank-complete>``."""
    return Answer(
        200, _file("complete.js"), b"text/javascript; charset=utf-8", [(b"cache-control", b"no-cache")]
    )


def _file(name: str) -> bytes:
    return (resources.files(__package__.rpartition(".")[0]) / name).read_bytes()


@cache
def _page(name: str) -> tuple[bytes, Headers]:
    """Return the page and its policy, which knows its script and its style by their hashes."""
    content = _file(name)
    sources = []
    for tag in (b"script", b"style"):
        (inside,) = re.findall(rb"<%s>(.*?)</%s>" % (tag, tag), content, flags=re.DOTALL)
        digest = base64.b64encode(sha256(inside).digest()).decode()
        sources.append(f"{tag.decode()}-src 'sha256-{digest}'")
    rest = "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    policy = f"default-src 'none'; {'; '.join(sources)}; {rest}"
    headers = [
        (b"content-security-policy", policy.encode()),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-cache"),
    ]
    return content, headers
