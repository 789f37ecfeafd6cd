"""The description of the service, made of the same table as its routes."""

import re
from typing import Any

import msgspec

from .. import __version__
from ..core.types import Json
from .bodies import NoQuery
from .operations import OPERATIONS, Operation
from .problems import ProblemAnswer

__all__ = ["describe"]

_REF = "#/components/schemas/{name}"


def describe(prefix: str, secured: bool, models: list[str]) -> Json:
    """Return the OpenAPI 3.1 description of all routes.

    Parameters
    ----------
    prefix : str
        Path under which the service is mounted.
    secured : bool
        Whether keys are needed.
    models : list of str
        Names of the models.
    """
    types = [kind for one in OPERATIONS for kind in (one.body, one.answer) if kind is not None]
    _, components = msgspec.json.schema_components([*types, ProblemAnswer], ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method.lower()] = _described(one, secured, models)
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Arborank",
            "version": __version__,
            "description": "Ranks labels and completes queries.",
        },
        "servers": [{"url": prefix or "/"}],
        "paths": paths,
        "components": {"schemas": components},
    }
    if secured:
        described["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    return described


def _described(one: Operation, secured: bool, models: list[str]) -> dict[str, Any]:
    name = re.sub(r"\W+", "_", one.path.removeprefix("/v1")).strip("_")
    described: dict[str, Any] = {
        "operationId": f"{one.method.lower()}_{name}",
        "summary": one.summary,
        "responses": {
            "200": _content(one.answer),
            "default": _content(ProblemAnswer, "application/problem+json"),
        },
    }
    if one.path.endswith(("/feedback", "/rewards")):
        described["responses"]["202"] = described["responses"].pop("200")
    if one.method == "GET" and one.path.endswith("/rank"):
        described["responses"]["304"] = {"description": "The answer that the client has is still right."}
    parameters = [
        {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "enum": models}}
    ] * ("{model}" in one.path)
    if one.query is not NoQuery:
        schema = msgspec.json.schema(one.query)
        schema = schema["$defs"][one.query.__name__]
        parameters += [
            {
                "name": field,
                "in": "query",
                "required": field in schema.get("required", ()),
                "schema": of_field,
            }
            for field, of_field in schema["properties"].items()
        ]
    if parameters:
        described["parameters"] = parameters
    if one.body is not None:
        described["requestBody"] = {"required": True, **_content(one.body)}
        del described["requestBody"]["description"]
    if secured and one.scope is not None:
        described["security"] = [{"key": []}]
    return described


def _content(kind: Any, media_type: str = "application/json") -> dict[str, Any]:
    if kind is None:
        return {"description": "The answer."}
    schema = {"$ref": _REF.format(name=kind.__name__)}
    about = " ".join((kind.__doc__ or "").split())
    return {"description": about, "content": {media_type: {"schema": schema}}}
