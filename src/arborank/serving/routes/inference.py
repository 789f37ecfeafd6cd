"""The Open Inference Protocol, version 2: texts in, tensors of labels and scores out.

Clients of Triton, KServe and others speak it. Tensors may follow the JSON as bytes, by Triton's extension for them.
"""

import struct
from typing import Any

import msgspec
import numpy as np
from starlette.responses import Response

from ... import __version__
from ..answers import as_json, encode
from ..bodies import RankBody
from ..call import Call
from ..problems import Problem
from .questions import ranked

__all__ = ["infer", "live", "model", "model_ready", "ready", "refusal", "server"]

_HEAD = "inference-header-content-length"
_INTEGERS: dict[str, np.dtype[Any]] = {
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "UINT32": np.dtype("<u4"),
}


class _Tensor(msgspec.Struct):
    name: str
    datatype: str
    shape: list[int]
    data: Any = None
    parameters: dict[str, Any] = {}


class _Output(msgspec.Struct):
    name: str
    parameters: dict[str, Any] = {}


class _Request(msgspec.Struct):
    inputs: list[_Tensor]
    outputs: list[_Output] = []
    id: str | None = None
    parameters: dict[str, Any] = {}


_decode = msgspec.json.Decoder(_Request).decode


def refusal(problem: Problem) -> Response:
    """Return a problem as the protocol has errors."""
    return as_json({"error": problem.detail}, problem.status, problem.headers)


async def server(call: Call) -> Response:
    """Say what this is."""
    told = {"name": "arborank", "version": __version__, "extensions": ["binary_tensor_data"]}
    return as_json(told)


async def live(call: Call) -> Response:
    """Say that the process answers."""
    return as_json({"live": True})


async def ready(call: Call) -> Response:
    """Say whether requests are welcome."""
    draining = call.service.draining
    return as_json({"ready": not draining}, 503 if draining else 200)


async def model_ready(call: Call) -> Response:
    """Say whether a model is loaded."""
    return as_json({"name": call.take_model().name, "ready": True})


async def model(call: Call) -> Response:
    """Say what a model takes and returns."""
    served = call.take_model()
    inputs = [
        {"name": "text", "datatype": "BYTES", "shape": [-1]},
        {"name": "k", "datatype": "INT32", "shape": [1]},
    ]
    outputs = [
        {"name": "labels", "datatype": "BYTES", "shape": [-1, -1]},
        {"name": "scores", "datatype": "FP32", "shape": [-1, -1]},
    ]
    told = {"name": served.name, "versions": [served.revision], "platform": "arborank"}
    return as_json({**told, "inputs": inputs, "outputs": outputs})


async def infer(call: Call) -> Response:
    """Rank the labels of texts; rows with fewer than ``k`` labels end with empty names of score 0."""
    served = call.take_model()
    if served.kind.name != "texts":
        raise Problem(400, f"{served.name} ranks no texts")
    request, values = _read(call.header(_HEAD.encode()), await call.content())
    if "text" not in values:
        raise Problem(400, "the input 'text' is missing")
    k = values.get("k", [request.parameters.get("k", 10)])
    if len(k) != 1 or not isinstance(k[0], int) or k[0] < 1:
        raise Problem(400, f"k must be one number of at least 1, found {k!r}")
    texts = values["text"]
    width = min(k[0], served.kind.n_labels)
    rows = await ranked(call, served, texts, RankBody(texts=texts, k=width))
    labels: list[str] = []
    scores: list[float] = []
    for row in rows:
        empty = width - len(row)
        labels += [str(one.label) for one in row] + [""] * empty
        scores += [one.score for one in row] + [0.0] * empty
    found: dict[str, tuple[str, list[Any]]] = {"labels": ("BYTES", labels), "scores": ("FP32", scores)}
    head: dict[str, Any] = {"model_name": served.name, "model_version": served.revision}
    if request.id is not None:
        head["id"] = request.id
    return _written(head, request, found, [len(rows), width])


def _read(head: str, content: bytes) -> tuple[_Request, dict[str, list[Any]]]:
    """Return the request, and the values of its inputs by name."""
    end = int(head) if head.isdecimal() and len(head) < 12 else len(content)
    try:
        request = _decode(content[:end])
    except (msgspec.DecodeError, RecursionError) as error:
        raise Problem(400, str(error)) from None
    values = {}
    for tensor in request.inputs:
        size = tensor.parameters.get("binary_data_size")
        if size is None:
            data = np.ravel(np.array(tensor.data, dtype=object)).tolist()
        elif isinstance(size, int) and 0 <= size <= len(content) - end:
            data = _from_bytes(tensor.datatype, content[end : end + size])
            end += size
        else:
            raise Problem(400, f"the bytes of {tensor.name!r} are not all there")
        kinds = str if tensor.name == "text" else int
        if len(data) != np.prod(tensor.shape, dtype=np.float64) or not all(
            isinstance(one, kinds) for one in data
        ):
            raise Problem(
                400, f"the input {tensor.name!r} does not fit its type {tensor.datatype} or its shape"
            )
        values[tensor.name] = data
    return request, values


def _from_bytes(datatype: str, content: bytes) -> list[Any]:
    if datatype in _INTEGERS and len(content) % _INTEGERS[datatype].itemsize == 0:
        return list(np.frombuffer(content, _INTEGERS[datatype]).tolist())
    found, at = [], 0
    try:
        while datatype == "BYTES" and at < len(content):
            (length,) = struct.unpack_from("<I", content, at)
            found.append(content[at + 4 : at + 4 + length].decode())
            at += 4 + length
    except (struct.error, UnicodeDecodeError) as error:
        raise Problem(400, f"strings cannot be read: {error}") from None
    if at != len(content):
        raise Problem(400, f"bytes of type {datatype} cannot be read")
    return found


def _written(
    head: dict[str, Any], request: _Request, found: dict[str, tuple[str, list[Any]]], shape: list[int]
) -> Response:
    """Return outputs as JSON, and behind it those that are wanted as bytes."""
    wanted = request.outputs or [_Output(name) for name in found]
    outputs, parts = [], []
    for one in wanted:
        if one.name not in found:
            raise Problem(400, f"there is no output {one.name!r}; there are {', '.join(found)}")
        datatype, values = found[one.name]
        output: dict[str, Any] = {"name": one.name, "datatype": datatype, "shape": shape}
        if one.parameters.get("binary_data", request.parameters.get("binary_data_output", False)):
            if datatype == "BYTES":
                texts = [value.encode() for value in values]
                part = b"".join(struct.pack("<I", len(text)) + text for text in texts)
            else:
                part = np.array(values, "<f4").tobytes()
            output["parameters"] = {"binary_data_size": len(part)}
            parts.append(part)
        else:
            output["data"] = values
        outputs.append(output)
    if not parts:
        return as_json({**head, "outputs": outputs})
    told = encode({**head, "outputs": outputs})
    return Response(told + b"".join(parts), 200, {_HEAD: str(len(told))}, "application/octet-stream")
