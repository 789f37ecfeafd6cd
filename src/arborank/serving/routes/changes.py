"""Changes: labels, models, and what is kept of their answers."""

import time
from typing import Any

import msgspec
from starlette.responses import Response

from ...exploration import reward_line
from ..answers import as_json, encode
from ..bodies import AddBody, ChangeAnswer, FeedbackBody, RemoveQuery, RewardsBody, StatusAnswer
from ..call import Call
from ..journal import append_line
from ..problems import Problem
from ..slots import Served, Slot

__all__ = ["add", "added", "feedback", "reload", "remove", "rewards"]


async def add(call: Call, body: AddBody) -> Response:
    """Add labels from texts that have them, or from texts about them, or queries from a log, and serve them."""
    return _changed(call, await added(call, body))


async def added(call: Call, body: AddBody) -> Served:
    """Return the model with further labels, which is served from then on."""
    slot, service = _writable(call), call.service
    recent = service.recent if body.recent is None else body.recent
    return await service.slots.change(slot, "add", lambda kind: kind.added(body, recent))


async def remove(call: Call, query: RemoveQuery) -> Response:
    """Remove labels, or queries of a completer."""
    slot = _writable(call)
    served = await call.service.slots.change(
        slot, "remove", lambda kind: kind.removed(query.label, query.missing)
    )
    return _changed(call, served)


async def reload(call: Call) -> Response:
    """Serve what the model's directory holds now."""
    return _changed(call, await call.service.slots.reload(_writable(call)))


async def feedback(call: Call, body: FeedbackBody) -> Response:
    """Keep what happened to an answer, for training and evaluation later."""
    served, path = call.take_model(), call.service.settings.feedback
    if path is None:
        raise Problem(404, "the service keeps no feedback; start it with a file for it")
    line: dict[str, Any] = {"time": round(time.time(), 3), "model": served.name, "revision": served.revision}
    line |= msgspec.structs.asdict(body)
    await call.service.work.aside(lambda: append_line(path, encode(line), lasting=True), call)
    return as_json(StatusAnswer("kept"), 202)


async def rewards(call: Call, body: RewardsBody) -> Response:
    """Keep what came of a ranking that explored."""
    served, path = call.take_model(), call.service.settings.decisions
    if path is None:
        raise Problem(404, "nothing explores here; start the service with a file for decisions")
    rewards: dict[str | int, float] = {}
    for label, reward in body.rewards.items():
        rewards[int(label) if served.kind.name == "rows" and label.isdecimal() else label] = reward
    line = reward_line(body.decision, rewards).encode()
    await call.service.work.aside(lambda: append_line(path, line, lasting=True), call)
    return as_json(StatusAnswer("kept"), 202)


def _writable(call: Call) -> Slot:
    slot = call.find_slot()
    if call.service.settings.read_only:
        raise Problem(403, "the service changes no models: it is read-only")
    return slot


def _changed(call: Call, served: Served) -> Response:
    call.served = served
    return as_json(ChangeAnswer(served.name, served.revision, served.kind.n_labels))
