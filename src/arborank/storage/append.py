"""Arrays on disk that grow at their end: what long work has finished leaves memory at once.

A file holds the bytes of one array's rows and nothing else. How many rows count, and their checksum, is for the owner
to write down after `GrowingArrays.sync`; what a killed process wrote beyond that is cut off when the files are opened
again.
"""

import contextlib
import os
import zlib
from collections.abc import Mapping
from io import BufferedRandom
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from ..core.types import AnyArray
from .disk import map_file, naming, open_regular, sync
from .tensorfile import DTYPES, dtype_code, little_endian_pieces

__all__ = ["Described", "GrowingArrays", "map_arrays"]

# array name: {"dtype": code, "shape": [rows, ...], "crc32": of the bytes}
Described = dict[str, dict[str, Any]]

_PIECE = 1 << 22


class GrowingArrays:
    """Named arrays, a file each, that are appended to; a context manager that closes the files.

    Array ``name`` is in the file ``stem.name``. ``described`` is what `sync` returned when the arrays were last
    written, empty to start with none; what the files hold beyond is cut off. A file that is missing, holds less or was
    altered is a ``FileNotFoundError`` or ``ValueError``.
    """

    def __init__(self, stem: Path, described: Described) -> None:
        self._stem = stem
        self._described = {name: dict(array) for name, array in described.items()}
        self._files: dict[str, BufferedRandom] = {}
        with contextlib.ExitStack() as opened:  # closed again if one is not as described
            for name, array in described.items():
                self._files[name] = opened.enter_context(_open(_path(stem, name), array))
            self._opened = opened.pop_all()

    @property
    def lengths(self) -> dict[str, int]:
        """Rows of every array so far."""
        return {name: array["shape"][0] for name, array in self._described.items()}

    def append(self, arrays: Mapping[str, AnyArray]) -> None:
        """Write rows behind those that are there; the same names, dtypes and widths every time."""
        for name, rows in arrays.items():
            dtype, width = dtype_code(rows, name), list(rows.shape[1:])
            if name not in self._files:
                new: dict[str, Any] = {"dtype": dtype, "shape": [0, *width], "crc32": 0}
                self._files[name] = self._opened.enter_context(_open(_path(self._stem, name), new))
                self._described[name] = new
            array = self._described[name]
            if array["dtype"] != dtype or array["shape"][1:] != width:
                raise ValueError(
                    f"{name} holds rows of {array['dtype']}{array['shape'][1:]}, not of {rows.dtype}"
                )
            for piece in little_endian_pieces(rows):
                with naming(self._files[name].name):
                    self._files[name].write(piece)
                array["crc32"] = zlib.crc32(piece, array["crc32"])
            array["shape"][0] += rows.shape[0]

    def sync(self) -> Described:
        """Bring all to the disk, and return how the arrays are now."""
        for file in self._files.values():
            sync(file)
        return {name: {**array, "shape": list(array["shape"])} for name, array in self._described.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()


def map_arrays(stem: Path, described: Described, *, verify: bool = True) -> dict[str, AnyArray]:
    """Map `GrowingArrays` into memory, read-only; where the file system cannot map files, they are read.

    With ``verify`` all files are read once to compare their checksums.
    """
    return {name: _map(_path(stem, name), array, verify) for name, array in described.items()}


def _map(path: Path, array: dict[str, Any], verify: bool) -> NDArray[Any]:
    dtype = DTYPES[array["dtype"]]
    with naming(path), open_regular(path) as file:
        n_bytes = _checked_size(file, path, array, verify)
        if n_bytes == 0:  # cannot be mapped
            return np.empty(array["shape"], dtype)
        buffer = map_file(file, n_bytes)
    return np.frombuffer(buffer, dtype).reshape(array["shape"])


def _open(path: Path, array: dict[str, Any]) -> BufferedRandom:
    """Open a file behind the rows it holds."""
    file = path.open("r+b" if array["shape"][0] or path.exists() else "x+b")
    try:
        with naming(path):
            n_bytes = _checked_size(file, path, array)
            file.truncate(n_bytes)
            file.seek(n_bytes)
    except BaseException:
        file.close()
        raise
    return file


def _checked_size(file: BinaryIO, path: Path, array: dict[str, Any], verify: bool = True) -> int:
    """Return how many bytes of a file count, or raise if it has fewer or, with ``verify``, others."""
    n_bytes: int = prod(array["shape"]) * DTYPES[array["dtype"]].itemsize
    size = os.fstat(file.fileno()).st_size
    if size < n_bytes:
        raise ValueError(f"{path} is truncated: it has {size} bytes, at least {n_bytes} were expected")
    found, rest, expected = 0, n_bytes, array["crc32"]
    while verify and rest and (piece := file.read(min(rest, _PIECE))):
        found, rest = zlib.crc32(piece, found), rest - len(piece)
    if verify and found != expected:
        raise ValueError(f"{path} is altered: the CRC-32 of its bytes is {found}, {expected} was expected")
    return n_bytes


def _path(stem: Path, name: str) -> Path:
    return stem.with_name(f"{stem.name}.{name}")
