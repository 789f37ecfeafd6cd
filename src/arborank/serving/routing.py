"""Which operation a request asks for, and what the client gets when it fails."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from .call import Call
from .operations import FOREIGN, OPERATIONS, PAGES, Operation
from .problems import Problem
from .routes.inference import refusal

if TYPE_CHECKING:
    from .service import Service

__all__ = ["router"]

_LOG = logging.getLogger("arborank.serving")


class _Resource:
    """What there is at a path, as an application: the operations of its methods."""

    def __init__(self, service: "Service", methods: Mapping[str, Operation]) -> None:
        self._service, self._methods = service, dict(methods)
        if "GET" in methods:
            self._methods["HEAD"] = methods["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        service = self._service
        service.follow()
        call = Call(service, scope, receive)
        response: Response | None = None
        try:
            response = await self._answer(call)
            response.raw_headers += service.headers(call)
            await response(scope, receive, send)
        except ClientDisconnect:
            pass
        finally:
            service.record(call, response)

    async def _answer(self, call: Call) -> Response:
        """Answer a request, whatever it is."""
        try:
            return await self._operation(call).run(call)
        except Problem as problem:
            foreign = call.scope["path"].startswith(f"{call.root}/v2/")
            return refusal(problem) if foreign else problem.response(call.request_id)
        except ClientDisconnect:
            raise
        except Exception:
            _LOG.exception("request %s failed", call.request_id)
            return Problem(500, "the service has a fault; its log says more").response(call.request_id)

    def _operation(self, call: Call) -> Operation:
        """Return what a request asks for; status 404 or 405 if that is nothing."""
        if not self._methods:
            raise Problem(404, "there is nothing at this path; /docs has a list of all that there is")
        found = self._methods.get(call.scope["method"])
        if found is None:
            allowed = ", ".join(sorted(self._methods))
            raise Problem(405, f"the path has the methods {allowed}", headers={"allow": allowed})
        call.route = found.path
        if "{model}" in found.path:  # and not only in the path of a mount
            call.model = call.scope["path_params"]["model"]
        return found


def router(service: "Service") -> Router:
    """Return the application of all paths."""
    paths: dict[str, dict[str, Operation]] = {}
    for one in (*OPERATIONS, *FOREIGN, *PAGES):
        paths.setdefault(one.path, {})[one.method] = one
    cors = Middleware(
        CORSMiddleware,
        allow_origins=service.settings.cors,
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=("authorization", "x-min-revision", "x-request-id", "x-timeout-ms"),
        expose_headers=("x-request-id", "x-model-revision"),
    )
    return Router(
        [Route(path, _Resource(service, methods)) for path, methods in paths.items()],
        redirect_slashes=False,
        default=_Resource(service, {}),
        lifespan=service.living,
        middleware=[cors] if service.settings.cors else [],
    )
