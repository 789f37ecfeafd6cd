"""``config.json``: a model as nested descriptions, and the records of the files that hold its arrays."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..core.state import Savable, State
from ..core.types import Json, JsonMapping
from .kinds import KINDS, class_of
from .records import Record
from .tensorfile import FileRecord, dtype_code

__all__ = ["FORMAT", "Files", "checksum", "make_document", "parse_document", "put_together", "take_apart"]

FORMAT = "arborank"
FORMAT_VERSION = 7
_DEEPEST = 64  # parts within parts

Files = dict[str, dict[str, NDArray[Any]]]  # file name: array name: array

_NAME = re.compile(r"[A-Za-z0-9_]+")
_FULL_NAME = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")


def take_apart(part: Savable, place: tuple[str, ...], files: Files) -> Json:
    """Describe an object, and put its arrays into ``files``: one file for each part of the model.

    ``place`` are the names of the parts that lead to it, empty for the model itself. Files have the name of their part
    until they are written, see `named`. The description has kind, config, arrays (dtype and shape of each, and where
    another part's array is the same memory, its file and name), parts (the same again) and, where there are arrays,
    file.
    """
    kind = type(part).__name__
    where = ".".join(place) or "model"
    if len(place) > _DEEPEST:
        raise ValueError(f"{where}: parts are nested more than {_DEEPEST} deep")
    if kind not in KINDS or class_of(kind) is not type(part):
        raise TypeError(f"{where} is a {kind}, which cannot be saved; known are {', '.join(sorted(KINDS))}")
    state = part.to_state()
    for name in (*state.arrays, *state.parts):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{where}: {name!r} is not made of letters, digits and underscores")
    node: dict[str, Any] = {"kind": kind, "config": plain(dict(state.config), f"{where}: config")}
    file = place[0] if place else kind.lower()
    node["arrays"] = {}
    for name, array in state.arrays.items():
        described = {"dtype": dtype_code(array, f"{where}.{name}"), "shape": list(array.shape)}
        held = next(
            ([f, n] for f, saved in files.items() for n, one in saved.items() if _is_same(one, array)), None
        )
        if held is None:
            files.setdefault(file, {})[".".join((*place, name))] = array
        else:
            described["same_as"] = held
        node["arrays"][name] = described
    if any("same_as" not in described for described in node["arrays"].values()):
        node["file"] = file
    node["parts"] = {name: take_apart(sub, (*place, name), files) for name, sub in state.parts.items()}
    return node


def named(node: Json, names: Mapping[str, str]) -> Json:
    """Return a description whose files have other names."""
    arrays = {
        name: array
        | ({"same_as": [names[array["same_as"][0]], array["same_as"][1]]} if "same_as" in array else {})
        for name, array in node["arrays"].items()
    }
    file = {"file": names[node["file"]]} if "file" in node else {}
    return (
        node
        | file
        | {"arrays": arrays, "parts": {name: named(sub, names) for name, sub in node["parts"].items()}}
    )


def _is_same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Tell whether two arrays are views of the same memory, as those are that layers share."""
    if a is b:
        return True
    one, other = a.__array_interface__, b.__array_interface__
    return a.size > 0 and all(one[key] == other[key] for key in ("data", "shape", "strides", "typestr"))


def plain(value: Any, where: str) -> Any:
    """Check that JSON gives a value back as it is; numpy scalars become Python's."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not np.isfinite(value):
            raise ValueError(f"{where} is {value}, which JSON cannot hold")
        return value
    if isinstance(value, list | tuple):
        return [plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{where} has the key {key!r}; strings were expected")
        return {key: plain(item, f"{where}[{key!r}]") for key, item in value.items()}
    raise TypeError(f"{where} is a {type(value).__name__}, which JSON cannot hold")


def make_document(
    node: Json, files: Mapping[str, FileRecord], records: Sequence[Record], metadata: JsonMapping
) -> Json:
    """Return the contents of config.json for a model's description, its files and what is known of it."""
    document = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "library_version": __version__,
        "model": node,
        "files": {name: record._asdict() for name, record in files.items()},
        "records": [plain(record.to_dict(), f"record {record.title!r}") for record in records],
    }
    if metadata:
        document["metadata"] = plain(dict(metadata), "metadata")
    return {**document, "checksum": checksum(document)}


def checksum(document: JsonMapping) -> str:
    """SHA-256 of everything in config.json but the checksum, however it is laid out."""
    rest = {key: value for key, value in document.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def parse_document(path: Path, text: str) -> Json:
    """Read config.json, checking its format, version and checksum."""
    try:
        document = json.loads(text)
        found = checksum(document) if isinstance(document, dict) else None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is truncated or altered: it is not valid JSON ({error})") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"{path} does not describe an Arborank model")
    version = document.get("format_version")
    if type(version) is not int or version < 1:
        raise ValueError(f"{path} is malformed: its format_version is {version!r}")
    if version != FORMAT_VERSION:
        way_out = "upgrade it" if version > FORMAT_VERSION else "train the model again"
        raise ValueError(
            f"{path} has format version {version}, written by Arborank {document.get('library_version')}; "
            f"this is Arborank {__version__}, which reads version {FORMAT_VERSION}: {way_out}"
        )
    if document.get("checksum") != found:
        raise ValueError(f"{path} is altered: its checksum does not fit")
    return document


def put_together(
    node: Json, place: tuple[str, ...], path: Path, files: Files, taken: Files | None = None
) -> Any:
    """Rebuild an object as the config.json at ``path`` describes it; moves its arrays from ``files`` to ``taken``."""
    taken = {} if taken is None else taken
    if len(place) > _DEEPEST:
        raise ValueError(f"{path} is malformed: its parts are nested more than {_DEEPEST} deep")
    kind, where = node["kind"], ".".join(place) or "model"
    if kind not in KINDS:
        raise ValueError(f"{path}: {where} is a {kind!r}; known are {', '.join(sorted(KINDS))}")
    parts = {
        name: put_together(sub, (*place, name), path, files, taken) for name, sub in node["parts"].items()
    }
    if "file" in node and node["file"] not in files:
        raise ValueError(f"{path} is malformed: {where} is in {node['file']!r}, which is not among its files")
    file = path.with_name(node["file"]) if "file" in node else path
    described_in = f"{kind}, arrays in {file.name}" if "file" in node else kind
    arrays: dict[str, NDArray[Any]] = {}
    for name, described in node["arrays"].items():
        full = ".".join((*place, name))
        if "same_as" in described:
            held, full = _same_as(described["same_as"], full, path, files)
        else:
            held = node["file"]
        if full in files.get(held, {}):
            taken.setdefault(held, {})[full] = files[held].pop(full)
        array = taken.get(held, {}).get(full)
        if array is None:
            raise ValueError(f"{path.with_name(held)} lacks the array {full!r}")
        if dtype_code(array, full) != described["dtype"] or list(array.shape) != described["shape"]:
            raise ValueError(
                f"{file}: array {full!r} is {dtype_code(array, full)} of shape {array.shape}, but "
                f"config.json says {described['dtype']} of shape {tuple(described['shape'])}"
            )
        arrays[name] = array
    try:
        return class_of(kind).from_state(State(node["config"], arrays, parts))
    except KeyError as error:
        raise ValueError(f"{path}: {where} ({described_in}) lacks {error.args[0]!r}") from error
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {where} ({described_in}): {error}") from error


def _same_as(value: Any, name: str, path: Path, files: Files) -> tuple[str, str]:
    """Return the file and the name of the array that another one is, as config.json tells it."""
    if not (isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value)):
        raise ValueError(
            f"{path} is malformed: array {name!r} is the same as {value!r}; [file, name of an array] was expected"
        )
    file, full = value
    if file not in files:
        raise ValueError(f"{path} is malformed: array {name!r} is in {file!r}, which is not among its files")
    if not _FULL_NAME.fullmatch(full):
        raise ValueError(f"{path} is malformed: array {name!r} is the same as {full!r}, which is not a name")
    return file, full
