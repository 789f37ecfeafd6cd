"""The routes of Annif's REST interface, so that its clients, and its backend ``http``, may ask an Arborank model.

A label is a subject's URI. What an Annif project would say of itself is answered as far as there is an answer.
"""

from datetime import UTC, datetime
from urllib.parse import parse_qs

import msgspec
from starlette.responses import Response

from ... import __version__
from ..answers import as_json
from ..bodies import AddBody, NewLabel, RankBody, Recent, Scored
from ..call import Call
from ..problems import Problem
from ..slots import Served
from .changes import added
from .questions import ranked

__all__ = [
    "BatchBody",
    "BatchQuery",
    "LearnBody",
    "info",
    "learn",
    "project",
    "projects",
    "suggest",
    "suggest_batch",
]


class _Form(msgspec.Struct):
    text: str
    limit: int = 10
    threshold: float = 0.0


class _Document(msgspec.Struct):
    text: str
    document_id: str | None = None


class BatchBody(msgspec.Struct):
    """Documents to suggest subjects for."""

    documents: list[_Document]


class BatchQuery(msgspec.Struct):
    """How many subjects for each, and their least score."""

    limit: int = 10
    threshold: float = 0.0
    language: str = ""


class _Subject(msgspec.Struct):
    uri: str
    label: str | None = None


class _Learned(msgspec.Struct):
    text: str
    subjects: list[_Subject]


LearnBody = list[_Learned]
"""Documents with their subjects."""


async def info(call: Call) -> Response:
    """Say what this is."""
    return as_json({"title": "Arborank, as Annif REST API", "version": __version__})


async def projects(call: Call) -> Response:
    """List the models that rank texts."""
    found = [slot.served for slot in call.service.slots if slot.served.kind.name == "texts"]
    return as_json({"projects": [_project(served) for served in found]})


async def project(call: Call) -> Response:
    """Say what a model is."""
    return as_json(_project(call.take_model()))


async def suggest(call: Call) -> Response:
    """Suggest subjects for one text, sent as a form."""
    fields = parse_qs(
        (await call.content()).decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100
    )
    try:
        form = msgspec.convert({name: values[-1] for name, values in fields.items()}, _Form, strict=False)
    except msgspec.ValidationError as error:
        raise Problem(400, str(error)) from None
    (results,) = await _suggested(call, [form.text], form.limit, form.threshold)
    return as_json({"results": results})


async def suggest_batch(call: Call, query: BatchQuery, body: BatchBody) -> Response:
    """Suggest subjects for several texts."""
    rows = await _suggested(call, [one.text for one in body.documents], query.limit, query.threshold)
    answers = [
        {"document_id": document.document_id, "results": results}
        for document, results in zip(body.documents, rows, strict=True)
    ]
    return as_json(answers)


async def learn(call: Call, body: LearnBody) -> Response:
    """Learn subjects that are new; what is known of the others stays as it is."""
    kind = call.find_slot().served.kind
    if kind.name != "texts":
        raise Problem(404, f"{call.model} ranks no texts", "model")
    new: dict[str, NewLabel] = {}
    for document in body:
        for subject in document.subjects:
            if subject.uri not in kind.model.labels_:
                new.setdefault(subject.uri, NewLabel(subject.uri)).texts.append(document.text)
    if not new:
        raise Problem(422, "the model knows all subjects, and learns only new ones; train it again for more")
    told = [Recent(one.text, labels=[subject.uri for subject in one.subjects]) for one in body]
    await added(call, AddBody(list(new.values()), [*call.service.recent, *told]))
    return Response(status_code=204)


async def _suggested(
    call: Call, texts: list[str], limit: int, threshold: float
) -> list[list[dict[str, object]]]:
    served = call.take_model()
    if served.kind.name != "texts":
        raise Problem(404, f"{served.name} ranks no texts", "model")
    if limit < 1:
        raise Problem(400, f"limit must be at least 1, found {limit}", "limit")
    body = RankBody(texts=texts, k=limit, threshold=threshold)
    return [
        [_subject(one) for one in row if one.score > 0] for row in await ranked(call, served, texts, body)
    ]


def _subject(one: Scored) -> dict[str, object]:
    return {"uri": one.label, "label": one.label, "notation": None, "score": min(one.score, 1.0)}


def _project(served: Served) -> dict[str, object]:
    return {
        "project_id": served.name,
        "name": served.name,
        "language": "",
        "backend": {"backend_id": "arborank"},
        "vocab": {"vocab_id": served.name, "languages": []},
        "vocab_language": "",
        "is_trained": True,
        "modification_time": datetime.fromtimestamp(served.loaded, UTC).isoformat(),
    }
