"""Mutations as data: a list of edits that JSON can hold, drawn at random, applied to a copy of a seed.

A model's checksums and recorded sizes are made anew after the edits, so that they protect nothing.
"""

import copy
import hashlib
import json
from functools import reduce
from operator import getitem

import numpy as np

from arborank.storage.manifest import checksum
from arborank.storage.tensorfile import DTYPES, dtype_code, open_tensors, write_tensors

EXTREMES = [0, 1, -1, 2, 7, 127, 128, 255, 2**15, 2**16 - 1, 2**27, 2**31 - 1, -(2**31), 2**32]
EXTREMES += [2**62, 2**63 - 1, -(2**63)]
FLOATS = [0.0, -0.0, 1e-45, 1e-30, 1.0, -1.0, 3e38, -3e38, "nan", "inf", "-inf"]
VALUES = [None, True, False, -1, 0, 1, 2, 10**12, -(10**12), 2**27, 2**63, 1e300, 0.5]
VALUES += ["", "x", "\ud800", "../../x", [], [1], {}]
KINDS = ["json", "json", "take", "delete", "entry", "entry", "entry", "fill", "length", "dtype", "copy"]
KINDS += ["byte", "flip", "flip", "reverse", "same", "document", "deep"]
PIECES = [
    b"",
    b"\x00",
    b"\xff",
    b"\t",
    b"\n",
    b"\r",
    b'"',
    b",",
    b":",
    b"-1",
    b"9" * 20,
    b"1e999",
    b"nan",
    b"\xed\xa0\x80",
]
PIECES += [b"\xed\xa0\x80", "\ufeff\u2028".encode(), b"[" * 5000, b"{" * 100]


# ---------------------------------------------------------------- models


def places(node, path=()):
    """Yield the path of every value in a JSON document."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def nodes(node, place=()):
    """Yield every part of a model with the names that lead there."""
    yield place, node
    parts = node.get("parts") if isinstance(node, dict) else None
    for name, part in parts.items() if isinstance(parts, dict) else ():
        yield from nodes(part, (*place, name))


def entries(node):
    """Yield name and description of the arrays of a part, whatever edits have left of it."""
    described = node.get("arrays") if isinstance(node, dict) else None
    for name, entry in described.items() if isinstance(described, dict) else ():
        if isinstance(entry, dict):
            yield name, entry


def setting(rng, document):
    """Return the path of a value of a model's description: most often of a setting, or of a whole part."""
    paths = list(places(document["model"]))
    chosen = [
        path
        for path in paths
        if "config" in path or path[-1] in ("parts", "kind") or path[-2:-1] == ("parts",)
    ]
    return list(rng.choice(chosen if rng.random() < 0.8 else paths))


def entry_of(document, name):
    """Return where a model describes an array."""
    way = []
    for part in name.split(".")[:-1]:
        way += ["parts", part]
    return [*way, "arrays", name.rpartition(".")[2]]


def documents_in(directory, document):
    """Return what arrays of bytes hold as JSON: the settings of an encoder."""
    found = {}
    for file in document["files"]:
        for name, array in open_tensors(directory / file).items():
            if array.dtype == np.uint8 and bytes(array[:1]) == b"{":
                found[name] = json.loads(array.tobytes())
    return found


def held_as(rng, document):
    """Return a file and a name under which some array is held."""
    found = [
        [node["file"], ".".join((*place, name))]
        for place, node in nodes(document["model"])
        for name, described in node["arrays"].items()
        if "same_as" not in described
    ]
    return rng.choice(found)


def draw_for_model(rng, directory):
    """Return one to three random edits of a saved model."""
    document = json.loads((directory / "config.json").read_text("utf-8"))
    arrays = {
        ".".join((*place, name)): described
        for place, node in nodes(document["model"])
        for name, described in node["arrays"].items()
        if "same_as" not in described
    }
    edits = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        kind = rng.choice(KINDS)
        name = rng.choice(sorted(arrays))
        size = int(np.prod(arrays[name]["shape"]))
        value = rng.choice(FLOATS if arrays[name]["dtype"].startswith("F") else EXTREMES)
        match kind:
            case "json":
                edits.append({"edit": "json", "path": setting(rng, document), "value": rng.choice(VALUES)})
            case "take":
                edits.append({"edit": "take", "path": setting(rng, document), "of": setting(rng, document)})
            case "flip":
                edits.append(
                    {
                        "edit": "flip",
                        "array": name,
                        "seed": rng.randrange(2**32),
                        "bits": rng.choice([1, 8, 200]),
                    }
                )
            case "reverse":
                edits.append({"edit": "reverse", "array": name})
            case "same":  # one array in the place of two
                edits.append(
                    {
                        "edit": "json",
                        "path": [*entry_of(document, name), "same_as"],
                        "value": held_as(rng, document),
                    }
                )
            case "deep":
                edits.append({"edit": "deep", "path": setting(rng, document), "depth": rng.choice([40, 400])})
            case "document" if documents := documents_in(directory, document):
                name = rng.choice(sorted(documents))
                path = list(rng.choice(list(places(documents[name]))))
                edits.append({"edit": "document", "array": name, "path": path, "value": rng.choice(VALUES)})
            case "delete":
                edits.append({"edit": "delete", "path": list(rng.choice(list(places(document["model"]))))})
            case "entry" if size:
                near = rng.random() < 0.3
                index = rng.choice([0, size - 1, rng.randrange(size)])
                edit = {"edit": "entry", "array": name, "index": index}
                edits.append(
                    {**edit, "add": rng.choice([-1, 1, 2, 16])} if near else {**edit, "value": value}
                )
            case "fill":
                edits.append({"edit": "fill", "array": name, "value": value})
            case "length":
                length = rng.choice([0, 1, max(size - 1, 0), size + 1, 2 * size])
                edits.append({"edit": "length", "array": name, "length": length})
            case "dtype":
                edits.append({"edit": "dtype", "array": name, "dtype": rng.choice(sorted(DTYPES))})
            case "copy":
                edits.append({"edit": "copy", "array": name, "of": rng.choice(sorted(arrays))})
            case "byte":
                edits.append(
                    {"edit": "byte", "array": name, "at": rng.randrange(4096), "value": rng.randrange(256)}
                )
    return edits


def apply_to_model(edits, directory):
    """Edit a saved model in place, and make its checksums fit."""
    path = directory / "config.json"
    document = json.loads(path.read_text("utf-8"))
    held = {name: dict(open_tensors(directory / name)) for name in document["files"]}
    for edit in edits:
        if edit["edit"] in ("json", "take", "delete", "deep"):
            _edit_json(document["model"], edit)
        elif edit["edit"] != "byte":
            _edit_array(document["model"], held, edit)
    listed = {
        ".".join((*place, name))
        for place, node in nodes(document["model"])
        for name, described in entries(node)
        if "same_as" not in described
    }
    for name, arrays in held.items():
        for array in set(arrays) - listed:  # what is left over would be refused
            del arrays[array]
        (directory / name).unlink()
        write_tensors(directory / name, arrays)
    for edit in edits:
        if edit["edit"] == "byte":
            file = next((name for name, arrays in held.items() if edit["array"] in arrays), None)
            if file is not None:
                data = bytearray((directory / file).read_bytes())
                data[edit["at"] % len(data)] = edit["value"]
                (directory / file).write_bytes(data)
    for name in held:
        data = (directory / name).read_bytes()
        document["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    document["checksum"] = checksum(document)
    path.write_text(json.dumps(document), "utf-8")


def _edit_json(document, edit):
    *way, last = edit["path"]
    node = document
    try:
        for key in way:
            node = node[key]
        if edit["edit"] == "delete":
            del node[last]
        elif edit["edit"] == "take":
            node[last] = copy.deepcopy(reduce(getitem, edit["of"], document))
        elif edit["edit"] == "deep":
            node[last] = reduce(lambda inner, _: [inner], range(edit["depth"]), [])
        else:
            node[last] = edit["value"]
    except (KeyError, IndexError, TypeError):
        pass  # another edit took it away


def _edit_array(model, held, edit):
    file = next((name for name, arrays in held.items() if edit["array"] in arrays), None)
    if file is None:
        return
    array = np.array(held[file][edit["array"]])
    with np.errstate(all="ignore"):
        match edit["edit"]:
            case "entry" if array.size:
                flat, index = array.reshape(-1), edit["index"] % array.size
                if "value" in edit:
                    flat[index] = _cast(edit["value"], array.dtype)
                else:
                    flat[index] += _cast(edit["add"], array.dtype)
            case "fill":
                array[...] = _cast(edit["value"], array.dtype)
            case "length":
                row = int(np.prod(array.shape[1:])) or 1
                array = np.resize(array, (edit["length"] // row, *array.shape[1:]))
            case "flip" if array.size:
                rng, content = np.random.default_rng(edit["seed"]), array.reshape(-1).view(np.uint8)
                for _ in range(edit["bits"]):
                    content[rng.integers(content.size)] ^= np.uint8(1 << rng.integers(8))
            case "reverse":
                array = array[::-1].copy()
            case "dtype":
                array = array.astype(DTYPES[edit["dtype"]])
            case "document":
                content = json.loads(array.tobytes())
                _edit_json(content, {**edit, "edit": "json"})
                array = np.frombuffer(json.dumps(content).encode(), np.uint8)
            case "copy":
                array = next((np.array(a[edit["of"]]) for a in held.values() if edit["of"] in a), array)
    held[file][edit["array"]] = array
    for place, node in nodes(model):
        for name, entry in entries(node):
            if ".".join((*place, name)) == edit["array"]:
                entry.update(dtype=dtype_code(array, name), shape=list(array.shape))


def _cast(value, dtype):
    if dtype.kind == "f":
        return dtype.type(value)
    return np.array(
        [int(float(value)) if isinstance(value, str) else int(value) & (2**64 - 1)], np.uint64
    ).astype(dtype)[0]


# ---------------------------------------------------------------- files and folders


def draw(rng, kind, path):
    """Return random edits of a seed."""
    if kind == "models":
        return draw_for_model(rng, path)
    if kind == "files":
        return draw_for_file(rng, path)
    file = rng.choice(sorted(p for p in path.rglob("*") if p.is_file() and p.stat().st_size))
    name = file.relative_to(path).as_posix()
    if file.suffix == ".json" and rng.random() < 0.7:
        way = list(rng.choice(list(places(json.loads(file.read_text("utf-8"))))))
        edits = [
            rng.choice([{"edit": "delete"}, {"edit": "json", "value": rng.choice(VALUES)}]) | {"path": way}
        ]
    else:
        edits = draw_for_file(rng, file)
    return [{**edit, "file": name} for edit in edits]


def apply(kind, edits, path):
    """Edit a copy of a seed in place."""
    if kind == "models":
        return apply_to_model(edits, path)
    if kind == "files":
        return apply_to_file(edits, path)
    for name in dict.fromkeys(edit["file"] for edit in edits):
        own, file = [edit for edit in edits if edit["file"] == name], path / name
        if own[0]["edit"] in ("json", "delete"):
            document = json.loads(file.read_text("utf-8"))
            for edit in own:
                _edit_json(document, edit)
            file.write_text(json.dumps(document), "utf-8")
        else:
            apply_to_file(own, file)


def draw_for_file(rng, path):
    """Return one to four random edits of a file: of members of an archive, or of bytes."""
    edits = []
    if path.suffix == ".npz" and rng.random() < 0.8:
        with np.load(path) as archive:
            for _ in range(rng.choice([1, 1, 2])):
                name = rng.choice(archive.files)
                size = archive[name].size
                value = rng.choice(EXTREMES if archive[name].dtype.kind in "iu" else FLOATS)
                if rng.random() < 0.2:
                    length = rng.choice([0, 1, size + 1, 2 * size])
                    edits.append({"edit": "length", "member": name, "length": length})
                elif archive[name].dtype.kind in "iuf":
                    index = rng.choice([0, size - 1, rng.randrange(size)])
                    edits.append({"edit": "entry", "member": name, "index": index, "value": value})
        return edits
    data = path.read_bytes()
    for _ in range(rng.choice([1, 1, 2, 4])):
        at = rng.randrange(len(data))
        length = rng.choice([0, 1, 1, 2, 8, len(data)])
        new = rng.choice([*PIECES, data[:64] * 3, bytes([rng.randrange(256)])])
        edits.append({"edit": "splice", "at": at, "length": length, "hex": new.hex()})
    return edits


def apply_to_file(edits, path):
    """Edit a file in place."""
    members = [edit for edit in edits if "member" in edit]
    if members:
        with np.load(path) as archive:
            arrays = {name: archive[name] for name in archive.files}
        for edit in members:
            array = np.array(arrays[edit["member"]])
            with np.errstate(all="ignore"):
                if edit["edit"] == "length":
                    array = np.resize(array, edit["length"])
                elif array.size:
                    array.reshape(-1)[edit["index"] % array.size] = _cast(edit["value"], array.dtype)
            arrays[edit["member"]] = array
        np.savez(path, **arrays)
    for edit in edits:
        if edit["edit"] == "splice":
            data = path.read_bytes()
            path.write_bytes(
                data[: edit["at"]] + bytes.fromhex(edit["hex"]) + data[edit["at"] + edit["length"] :]
            )
