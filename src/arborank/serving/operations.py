"""What the service answers: every route with who may use it, what it takes and what it returns."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.responses import Response

from . import bodies
from .call import Call
from .keys import Opening
from .routes import annif, changes, inference, pages, questions, views

__all__ = ["FOREIGN", "OPERATIONS", "PAGES", "Operation"]

Handler = Callable[..., Awaitable[Response]]


@dataclass(frozen=True)
class Operation:
    """A method of a path.

    Attributes
    ----------
    method, path : str
    handler : coroutine function of a `Call`, and of the query or the body where there is one
    scope : what a key must open, None for what everyone may ask
    query, body, answer : types, of which the OpenAPI page tells
    """

    method: str
    path: str
    handler: Handler
    scope: Opening | None
    query: Any = bodies.NoQuery
    body: Any = None
    answer: Any = None
    decoder: Any = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "decoder", None if self.body is None else msgspec.json.Decoder(self.body))

    @property
    def summary(self) -> str:
        """The first line of what the handler says of itself."""
        return (self.handler.__doc__ or "").partition("\n")[0]

    async def run(self, call: Call) -> Response:
        """Answer a request, if the client may ask and asks well."""
        headers = call.headers
        call.service.check_key(call, self.scope)
        if call.model:
            call.find_slot()
        if b"origin" in headers and self.method != "GET":
            call.service.check_origin(call)
        if b"x-timeout-ms" in headers:
            call.set_deadline()
        if b"x-min-revision" in headers:
            await call.catch_up()
        given: list[Any] = []
        if self.query is not bodies.NoQuery:
            given.append(call.query(self.query))
        elif call.query_string:
            call.query(bodies.NoQuery)  # which says what is wrong
        if self.decoder is not None:
            given.append(await call.body(self.decoder))
        return await self.handler(call, *given)


_MODEL = "/v1/models/{model}"
OPERATIONS = (
    Operation(
        "POST", f"{_MODEL}/rank", questions.rank, "rank", body=bodies.RankBody, answer=bodies.RankAnswer
    ),
    Operation(
        "GET", f"{_MODEL}/rank", questions.rank_query, "rank", bodies.RankQuery, answer=bodies.RankAnswer
    ),
    Operation(
        "POST",
        f"{_MODEL}/complete",
        questions.complete,
        "rank",
        body=bodies.CompleteBody,
        answer=bodies.CompleteAnswer,
    ),
    Operation(
        "GET",
        f"{_MODEL}/complete",
        questions.complete_query,
        "rank",
        bodies.CompleteQuery,
        answer=bodies.CompleteAnswer,
    ),
    Operation(
        "POST",
        f"{_MODEL}/explain",
        questions.explain,
        "rank",
        body=bodies.ExplainBody,
        answer=bodies.ExplainAnswer,
    ),
    Operation("GET", "/v1/models", views.models, "rank", answer=bodies.ModelsAnswer),
    Operation("GET", _MODEL, views.model, "rank", answer=bodies.ModelAnswer),
    Operation(
        "GET", f"{_MODEL}/labels", views.labels, "rank", bodies.LabelsQuery, answer=bodies.LabelsAnswer
    ),
    Operation(
        "POST", f"{_MODEL}/labels", changes.add, "write", body=bodies.AddBody, answer=bodies.ChangeAnswer
    ),
    Operation(
        "DELETE", f"{_MODEL}/labels", changes.remove, "write", bodies.RemoveQuery, answer=bodies.ChangeAnswer
    ),
    Operation("POST", f"{_MODEL}/reload", changes.reload, "write", answer=bodies.ChangeAnswer),
    Operation(
        "POST",
        f"{_MODEL}/feedback",
        changes.feedback,
        "rank",
        body=bodies.FeedbackBody,
        answer=bodies.StatusAnswer,
    ),
    Operation(
        "POST",
        f"{_MODEL}/rewards",
        changes.rewards,
        "rank",
        body=bodies.RewardsBody,
        answer=bodies.StatusAnswer,
    ),
    Operation("GET", "/healthz", views.health, None, answer=bodies.StatusAnswer),
    Operation("GET", "/readyz", views.ready, None, answer=bodies.StatusAnswer),
    Operation("GET", "/metrics", views.metrics, "metrics"),
    Operation("GET", "/openapi.json", views.openapi, None),
)
PAGES = (
    Operation("GET", "/", pages.page, None),
    Operation("GET", "/docs", pages.docs, None),
    Operation("GET", "/day", pages.day, None),
    Operation("GET", "/day.json", pages.whole_day, None),
    Operation("GET", "/complete.js", pages.component, None),
)
"""Routes for browsers, of which the OpenAPI description does not tell."""

_PROJECT = "/annif/v1/projects/{model}"
_INFERENCE = "/v2/models/{model}"
FOREIGN = (
    Operation("GET", "/annif/v1/", annif.info, None),
    Operation("GET", "/annif/v1/projects", annif.projects, "rank"),
    Operation("GET", _PROJECT, annif.project, "rank"),
    Operation("POST", f"{_PROJECT}/suggest", annif.suggest, "rank"),
    Operation(
        "POST", f"{_PROJECT}/suggest-batch", annif.suggest_batch, "rank", annif.BatchQuery, annif.BatchBody
    ),
    Operation("POST", f"{_PROJECT}/learn", annif.learn, "write", body=annif.LearnBody),
    Operation("GET", "/v2", inference.server, None),
    Operation("GET", "/v2/health/live", inference.live, None),
    Operation("GET", "/v2/health/ready", inference.ready, None),
    Operation("GET", _INFERENCE, inference.model, "rank"),
    Operation("GET", f"{_INFERENCE}/ready", inference.model_ready, None),
    Operation("POST", f"{_INFERENCE}/infer", inference.infer, "rank"),
)
"""Routes of other protocols, which describe themselves."""
