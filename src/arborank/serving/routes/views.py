"""Looks at models and at the service itself."""

from starlette.responses import Response

from ..answers import as_json
from ..bodies import LabelsAnswer, LabelsQuery, ModelAnswer, ModelsAnswer, StatusAnswer
from ..call import Call
from ..metrics import CONTENT_TYPE
from ..problems import Problem
from ..slots import Served

__all__ = ["health", "labels", "metrics", "model", "models", "openapi", "ready"]


async def models(call: Call) -> Response:
    """List the models."""
    told = [_told(call, slot.served) for slot in call.service.slots]
    return as_json(ModelsAnswer(told, day=call.service.settings.day is not None))


async def model(call: Call) -> Response:
    """Say what a model is, and what is known of it."""
    return as_json(_told(call, call.take_model()))


def _told(call: Call, served: Served) -> ModelAnswer:
    kind = served.kind
    return ModelAnswer(
        served.name,
        kind.name,
        served.revision,
        type(kind.model).__name__,
        kind.n_labels,
        kind.n_features,
        served.n_bytes,
        served.loaded,
        not call.service.settings.read_only,
        [dict(record.to_dict()) for record in served.records],
    )


async def labels(call: Call, query: LabelsQuery) -> Response:
    """List labels that begin with a prefix."""
    served = call.take_model()
    kind = served.kind
    found = await call.service.work.aside(lambda: kind.labels(query.prefix, query.limit), call)
    return as_json(LabelsAnswer(served.name, served.revision, kind.n_labels, found))


async def health(call: Call) -> Response:
    """Say that the process answers."""
    return as_json(StatusAnswer("alive"))


async def ready(call: Call) -> Response:
    """Say that requests are welcome: all models are loaded, and the service does not end."""
    if call.service.draining:
        raise Problem(503, "the service ends")
    return as_json(StatusAnswer("ready"))


async def metrics(call: Call) -> Response:
    """Return what Prometheus collects."""
    call.service.measure()
    return Response(call.service.metrics.text(), media_type=CONTENT_TYPE)


async def openapi(call: Call) -> Response:
    """Describe all of this, as OpenAPI 3.1."""
    return Response(call.service.description(call.root), media_type="application/json")
