"""Looks at models and at the service itself."""

import msgspec

from ..bodies import LabelsAnswer, LabelsQuery, ModelAnswer, ModelsAnswer, StatusAnswer
from ..call import Call
from ..metrics import CONTENT_TYPE
from ..problems import Answer, Problem
from ..slots import Served

__all__ = ["health", "labels", "metrics", "model", "models", "openapi", "ready"]

_encode = msgspec.json.Encoder().encode
_ALIVE = _encode(StatusAnswer("alive"))
_READY = _encode(StatusAnswer("ready"))


async def models(call: Call) -> Answer:
    """List the models."""
    told = [_told(call, slot.served) for slot in call.service.slots]
    return Answer(200, _encode(ModelsAnswer(told, day=call.service.settings.day is not None)))


async def model(call: Call) -> Answer:
    """Say what a model is, and what is known of it."""
    return Answer(200, _encode(_told(call, call.take_model())))


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


async def labels(call: Call, query: LabelsQuery) -> Answer:
    """List labels that begin with a prefix."""
    served = call.take_model()
    kind = served.kind
    found = await call.service.work.aside(lambda: kind.labels(query.prefix, query.limit), call)
    return Answer(200, _encode(LabelsAnswer(served.name, served.revision, kind.n_labels, found)))


async def health(call: Call) -> Answer:
    """Say that the process answers."""
    return Answer(200, _ALIVE)


async def ready(call: Call) -> Answer:
    """Say that requests are welcome: all models are loaded, and the service does not end."""
    if call.service.draining:
        raise Problem(503, "the service ends")
    return Answer(200, _READY)


async def metrics(call: Call) -> Answer:
    """Return what Prometheus collects."""
    call.service.measure()
    return Answer(200, call.service.metrics.text(), CONTENT_TYPE)


async def openapi(call: Call) -> Answer:
    """Describe all of this, as OpenAPI 3.1."""
    return Answer(200, call.service.description(call.request.root))
