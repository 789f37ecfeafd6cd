"""Arrays in one file, in the safetensors format: written as a stream, read as a memory map.

A file is the length of its header (8 bytes, little-endian), the header (JSON: name, dtype, shape and extent
of every array) and the arrays without gaps. The `safetensors` package reads what is written here. Unlike it,
the writer hashes as it writes and syncs the file to the disk, and the reader copies nothing.
"""

import hashlib
import json
import os
import reprlib
from collections.abc import Iterator, Mapping
from itertools import chain
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.types import AnyArray
from .disk import map_file, naming, open_regular, sync

__all__ = ["open_tensors", "write_tensors"]

DTYPES = {
    "BOOL": np.dtype("bool"),
    "U8": np.dtype("uint8"),
    "I8": np.dtype("int8"),
    "U16": np.dtype("<u2"),
    "I16": np.dtype("<i2"),
    "F16": np.dtype("<f2"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "F32": np.dtype("<f4"),
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
    "F64": np.dtype("<f8"),
}
_CODES = {dtype: code for code, dtype in DTYPES.items()}
_ALIGNMENT = 64
_MOST_DIMENSIONS = 32
_MAX_HEADER = 100_000_000  # the format's own limit
_PIECE = 1 << 22  # small enough to be still in the cache when it is written after it was hashed


class FileRecord(NamedTuple):
    """What is remembered of a file, to recognise it again: bytes, and their SHA-256 in hexadecimal."""

    size: int
    sha256: str


def dtype_code(array: NDArray[Any], name: str) -> str:
    """Return the format's name of an array's dtype; ``TypeError`` for one that is not a plain number."""
    code = _CODES.get(array.dtype.newbyteorder("<"))
    if code is None:
        raise TypeError(
            f"array {name!r} has dtype {array.dtype}, which cannot be saved; numbers were expected"
        )
    return code


def write_tensors(path: Path, arrays: Mapping[str, AnyArray]) -> FileRecord:
    """Write arrays to a new file and sync it to the disk; ``TypeError`` for a dtype that is not a plain number.

    Beyond the arrays themselves this needs memory only for an array that is not C-contiguous, one at a time.
    """
    # Wide types first: with the header padded, every array is then aligned to its own dtype.
    names = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))
    header: dict[str, Any] = {}
    position = 0
    for name in names:
        array, begin = arrays[name], position
        position += array.nbytes
        extent = [begin, position]
        header[name] = {"dtype": dtype_code(array, name), "shape": list(array.shape), "data_offsets": extent}
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-(8 + len(encoded)) % _ALIGNMENT)
    digest = hashlib.sha256()
    with naming(path), path.open("xb") as file:
        pieces = (piece for name in names for piece in little_endian_pieces(arrays[name]))
        head = [memoryview(len(encoded).to_bytes(8, "little")), memoryview(encoded)]
        for piece in chain(head, pieces):
            digest.update(piece)
            file.write(piece)
        sync(file)
    return FileRecord(8 + len(encoded) + position, digest.hexdigest())


def little_endian_pieces(array: NDArray[Any]) -> Iterator[memoryview]:
    flat = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(-1).view(np.uint8)
    for start in range(0, flat.size, _PIECE):
        yield flat[start : start + _PIECE].data


def open_tensors(
    path: Path, expected: FileRecord | None = None, *, verify: bool = True
) -> dict[str, AnyArray]:
    """Map a file into memory and return its arrays: read-only views, no copies.

    Where the file system cannot map files, it is read. The file must have the ``expected`` size and, with ``verify``,
    which reads all of it once, the checksum; else, or if it is no valid safetensors file, this is a ``ValueError``.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if expected is not None and size != expected.size:
                what = "truncated" if size < expected.size else "altered"
                raise ValueError(f"{path} is {what}: it has {size} bytes, {expected.size} were expected")
            if size < 8:
                raise ValueError(
                    f"{path} is truncated: it has {size} bytes, a safetensors file has at least 8"
                )
            buffer = map_file(file, size)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing") from None
    if expected is not None and verify:
        found = hashlib.sha256(buffer).hexdigest()
        if found != expected.sha256:
            raise ValueError(f"{path} is altered: its SHA-256 is {found}, {expected.sha256} was expected")
    return _parse(buffer, path)


def _parse(buffer: memoryview, path: Path) -> dict[str, NDArray[Any]]:
    length = int.from_bytes(buffer[:8], "little")
    if length > min(len(buffer) - 8, _MAX_HEADER):
        raise ValueError(f"{path} is malformed: its header claims {length} bytes of {len(buffer) - 8}")
    try:
        header = json.loads(bytes(buffer[8 : 8 + length]), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is malformed: its header is not valid JSON ({error})") from None
    if not isinstance(header, dict):
        raise ValueError(f"{path} is malformed: its header is not a JSON object")
    header.pop("__metadata__", None)
    start = 8 + length
    arrays: dict[str, NDArray[Any]] = {}
    extents: list[tuple[int, int, str]] = []
    for name, entry in header.items():
        where = f"{path} is malformed: array {name!r}"
        dtype, shape, begin, end = _entry(entry, where)
        if end > len(buffer) - start:
            raise ValueError(f"{where} ends at byte {end} of {len(buffer) - start}")
        if end - begin != prod(shape) * dtype.itemsize:
            raise ValueError(
                f"{where} has {end - begin} bytes, which does not fit {dtype} of shape {tuple(shape)}"
            )
        try:
            array = np.frombuffer(buffer, dtype, prod(shape), start + begin).reshape(shape)
        except ValueError as error:  # more dimensions, or empty ones longer, than numpy can hold
            raise ValueError(f"{where} has an impossible shape ({error})") from None
        if not array.flags.aligned:
            raise ValueError(f"{where} is not aligned to its dtype {dtype}")
        arrays[name] = array
        extents.append((begin, end, name))
    position = 0
    for begin, end, name in sorted(extents):
        if begin != position:
            what = "overlaps the one before it" if begin < position else "follows a gap"
            raise ValueError(f"{path} is malformed: array {name!r} {what}")
        position = end
    if position != len(buffer) - start:
        raise ValueError(f"{path} is malformed: {len(buffer) - start - position} bytes belong to no array")
    return arrays


def _entry(entry: Any, where: str) -> tuple[np.dtype[Any], list[int], int, int]:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{where} is not described by dtype, shape and data_offsets")
    if not isinstance(entry["dtype"], str) or entry["dtype"] not in DTYPES:
        raise ValueError(f"{where} has dtype {reprlib.repr(entry['dtype'])}; known are {', '.join(DTYPES)}")
    shape, offsets = entry["shape"], entry["data_offsets"]
    for numbers, what in ((shape, "shape"), (offsets, "data_offsets")):
        if not isinstance(numbers, list) or any(type(n) is not int or not 0 <= n < 2**63 for n in numbers):
            found = reprlib.repr(numbers)
            raise ValueError(f"{where} has {what} {found}; a list of non-negative integers was expected")
    if len(shape) > _MOST_DIMENSIONS:
        raise ValueError(f"{where} has an impossible shape, of {len(shape)} dimensions")
    if len(offsets) != 2 or offsets[0] > offsets[1]:
        raise ValueError(
            f"{where} has data_offsets {reprlib.repr(offsets)}; a begin and an end were expected"
        )
    return DTYPES[entry["dtype"]], shape, offsets[0], offsets[1]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("a name occurs twice")
    return entries
