"""Questions to a model: labels of texts, completions, explanations."""

import time
from collections.abc import Hashable, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from starlette.responses import Response

from ...exploration import Decision
from ..answers import as_json, encode
from ..bodies import (
    CompleteAnswer,
    CompleteBody,
    CompleteQuery,
    Completion,
    ExplainAnswer,
    ExplainBody,
    Partial,
    RankAnswer,
    RankBody,
    RankQuery,
    Row,
    Scored,
)
from ..call import Call
from ..journal import append_line
from ..kinds import Kind
from ..problems import Problem, asked_well
from ..slots import Served

__all__ = ["complete", "complete_query", "explain", "rank", "rank_query", "ranked"]

_ENTRY = 20  # characters that take as long to read as an entry of a history
_LONG = 10_000  # characters, or values of a row: more are read in a thread
_PIECE = {True: 256, False: 32}  # texts of a batch between two looks at the clock; more are quicker together


async def rank(call: Call, body: RankBody) -> Response:
    """Rank the labels of one text, or of each of several."""
    served = call.take_model()
    items, single = served.kind.items(body)
    if body.explore:
        return await _explored(call, served, items[0] if single else None, body)
    rows = await ranked(call, served, items, body)
    took = round(1e6 * call.took)
    head = served.name, served.revision, took
    if body.explain:
        await _explain_all(call, served, body, rows, single)
    partial = any(isinstance(row, Partial) for row in rows)
    labels, results = (rows[0], None) if single else (None, rows)
    return as_json(RankAnswer(*head, labels=labels, results=results, partial=partial))


async def _explored(call: Call, served: Served, item: "str | Row | None", body: RankBody) -> Response:
    """Rank the labels of one text as a decision, which is kept with its propensities."""
    path, kind = call.service.settings.decisions, served.kind
    if path is None:
        raise Problem(422, "nothing explores here; start the service with a file for decisions", "explore")
    plain = RankBody(
        body.text, row=body.row, k=body.k, candidates=body.candidates, exclude=body.exclude, explore=True
    )
    if item is None or plain != body:
        raise Problem(422, "explore is for a single text, with k, candidates and exclude only", "explore")
    call.n_texts, call.k, call.asked = 1, body.k, item
    call.check_k(body.k)

    def decided() -> Decision:
        started = time.perf_counter()
        found = kind.explorer.rank(kind.query(item), body.k, candidates=body.candidates, exclude=body.exclude)
        call.took = time.perf_counter() - started
        append_line(path, found.to_line().encode())
        return found

    with call.service.work.admitted(1), asked_well:
        decision = await call.service.work.aside(decided, call)
    call.service.metrics.asked(served.name, 1, not decision.labels, 0, call.took)
    shown = zip(decision.labels, decision.scores, decision.propensities, strict=True)
    labels = [Scored(label, score, propensity=propensity) for label, score, propensity in shown]
    took = round(1e6 * call.took)
    return as_json(RankAnswer(served.name, served.revision, took, labels, decision=decision.id))


async def _explain_all(
    call: Call, served: Served, body: RankBody, rows: list[list[Scored]], single: bool
) -> None:
    """Add the ways to every label of a single text."""
    if not single:
        raise Problem(422, "explain is for a single text", "explain")

    def explained() -> None:
        for one in rows[0]:
            one.ways = served.kind.explained(ExplainBody(one.label, body.text, body.row))

    with call.service.work.admitted(1), asked_well:
        await call.service.work.aside(explained, call)


async def ranked(
    call: Call, served: Served, items: "Sequence[str | Row]", body: RankBody
) -> list[list[Scored]]:
    """Return the best labels of every item: of one at once, of several in threads."""
    service, kind = call.service, served.kind
    call.n_texts, call.k, call.asked = len(items), body.k, items
    if len(items) > service.settings.max_texts:
        raise Problem(422, f"{len(items)} texts were sent; the most is {service.settings.max_texts}", "texts")
    call.check_k(body.k)

    def answer(some: "Sequence[str | Row]") -> list[_Answered]:
        started = time.perf_counter()
        rows, n_unknown = kind.ranked(some, body)
        took = time.perf_counter() - started
        service.metrics.asked(served.name, len(some), rows.count([]), n_unknown, took)
        return [(row, took) for row in rows]

    with service.work.admitted(len(items)), asked_well:
        if len(items) != 1:
            service.metrics.batch_texts.observe(len(items))
            found = await service.work.in_pieces(answer, items, _PIECE[served.quick], call)
        elif kind.size(items[0]) > _LONG and served.quick:
            found = await service.work.aside(lambda: answer(items), call)
        elif call.alone and served.quick:
            found = await service.work.at_once(lambda: answer(items), call)
        else:
            key = _same(kind, body)
            found = [await service.batcher.ask(key, answer, items[0], call, served.quick)]
    call.took = max((took for _, took in found), default=0.0)
    return [row for row, _ in found]


_Answered = tuple[list[Scored], float]
"""The labels of an item, and how long the model took for those that it answered together."""


def _same(kind: Kind[Any], body: RankBody) -> Hashable:
    """Return what questions have in common that are answered together."""
    limits = body.candidates, body.exclude, body.label_weights
    told = None if limits == (None, None, None) else encode(limits)
    return kind, body.k, body.threshold, body.probabilities, body.beam_size, told


async def rank_query(call: Call, query: RankQuery) -> Response:
    """Rank the labels of a text, as a browser asks; proxies may keep the answer."""
    served = call.take_model()
    digest = sha256(served.revision.encode() + call.query_string).hexdigest()
    headers = {"etag": f'"{digest[:16]}"', "cache-control": "no-cache"}
    if call.header(b"if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    body = RankBody(
        text=query.q,
        k=query.k,
        threshold=query.threshold,
        probabilities=query.probabilities,
        beam_size=query.beam_size,
    )
    response = await rank(call, body)
    response.headers.update(headers)
    return response


async def complete(call: Call, body: CompleteBody) -> Response:
    """Complete a prefix after the queries sent before it, which travel with the request, as the history does."""
    served, service = call.take_model(), call.service
    kind = served.kind
    call.n_texts, call.k, call.asked = 1, body.k, [*body.previous, body.prefix]
    call.check_k(body.k)
    with service.work.admitted(1), asked_well:

        def answer() -> list[Completion]:
            started = time.perf_counter()
            found = kind.completed(body)
            call.took = time.perf_counter() - started
            return found

        before = sum(map(len, body.previous)) + sum(_ENTRY + len(query) for query, _ in body.history)
        limits = sum(
            _ENTRY + len(one) for one in (*(body.candidates or ()), *body.exclude, *(body.weights or ()))
        )
        at_once = served.quick and len(body.prefix) + before + limits <= _LONG
        found = await (service.work.at_once if at_once else service.work.aside)(answer, call)
    service.metrics.asked(served.name, 1, not found, 0, call.took)
    return as_json(CompleteAnswer(served.name, served.revision, round(1e6 * call.took), found))


async def complete_query(call: Call, query: CompleteQuery) -> Response:
    """Complete a prefix, as a browser asks."""
    return await complete(call, CompleteBody(**msgspec.structs.asdict(query)))


async def explain(call: Call, body: ExplainBody) -> Response:
    """Say why a label gets its score: every way to it through the tree, and the words that pull."""
    served, service = call.take_model(), call.service
    call.n_texts, call.asked = 1, body.text if body.row is None else body.row
    with service.work.admitted(1), asked_well:
        ways = await service.work.aside(lambda: served.kind.explained(body), call)
    return as_json(ExplainAnswer(served.name, served.revision, body.label, ways))
