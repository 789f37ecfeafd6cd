"""Arrays on disk that grow at their end: what long work has finished leaves memory at once.

A file holds the bytes of one array's rows and nothing else. How many rows count is for the owner to write down after
`GrowingArrays.sync`; what a killed process wrote beyond that is cut off when the files are opened again.
"""

import contextlib
import mmap
import os
from collections.abc import Mapping
from io import BufferedRandom
from math import prod
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .tensorfile import DTYPES, dtype_code, little_endian_pieces

__all__ = ["Described", "GrowingArrays", "map_arrays"]

Described = dict[str, dict[str, Any]]  # array name: {"dtype": code, "shape": [rows, ...]}


class GrowingArrays:
    """Named arrays, a file each, that are appended to; a context manager that closes the files.

    Parameters
    ----------
    stem : Path
        Array ``name`` is in the file ``stem.name``.
    described : mapping
        What `sync` returned when the arrays were last written; empty to begin anew. What the files hold beyond is cut
        off.

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is missing or holds less.
    """

    def __init__(self, stem: Path, described: Described) -> None:
        self._stem = stem
        self._described = {name: dict(array) for name, array in described.items()}
        self._opened = contextlib.ExitStack()
        self._files: dict[str, BufferedRandom] = {}
        with contextlib.ExitStack() as opened:  # closed again if one is not as described
            for name, array in described.items():
                self._files[name] = opened.enter_context(_open(_path(stem, name), _n_bytes(array)))
            self._opened = opened.pop_all()

    @property
    def lengths(self) -> dict[str, int]:
        """Rows of every array so far."""
        return {name: array["shape"][0] for name, array in self._described.items()}

    def append(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write rows behind those that are there; the same names, dtypes and widths every time."""
        for name, rows in arrays.items():
            if name not in self._files:
                self._files[name] = self._opened.enter_context(_open(_path(self._stem, name), 0))
                self._described[name] = {"dtype": dtype_code(rows, name), "shape": [0, *rows.shape[1:]]}
            array = self._described[name]
            if array["dtype"] != dtype_code(rows, name) or array["shape"][1:] != list(rows.shape[1:]):
                raise ValueError(
                    f"{name} holds rows of {array['dtype']}{array['shape'][1:]}, not of {rows.dtype}"
                )
            for piece in little_endian_pieces(rows):
                self._files[name].write(piece)
            array["shape"][0] += rows.shape[0]

    def sync(self) -> Described:
        """Bring all to the disk, and return how the arrays are now."""
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
        return {name: {**array, "shape": list(array["shape"])} for name, array in self._described.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()


def map_arrays(stem: Path, described: Described) -> dict[str, NDArray[Any]]:
    """Map such arrays into memory, read-only.

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is missing or holds less than described.
    """
    return {name: _map(_path(stem, name), array) for name, array in described.items()}


def _map(path: Path, array: dict[str, Any]) -> NDArray[Any]:
    dtype, n_bytes = DTYPES[array["dtype"]], _n_bytes(array)
    with path.open("rb") as file:
        _check_size(file.fileno(), path, n_bytes)
        if n_bytes == 0:  # cannot be mapped
            return np.empty(array["shape"], dtype)
        buffer = mmap.mmap(file.fileno(), n_bytes, access=mmap.ACCESS_READ)
    return np.frombuffer(buffer, dtype).reshape(array["shape"])


def _open(path: Path, n_bytes: int) -> BufferedRandom:
    file = path.open("r+b" if n_bytes or path.exists() else "x+b")
    try:
        _check_size(file.fileno(), path, n_bytes)
        file.truncate(n_bytes)
        file.seek(n_bytes)
    except BaseException:
        file.close()
        raise
    return file


def _check_size(descriptor: int, path: Path, n_bytes: int) -> None:
    found = os.fstat(descriptor).st_size
    if found < n_bytes:
        raise ValueError(f"{path} is truncated: it has {found} bytes, at least {n_bytes} were expected")


def _n_bytes(array: dict[str, Any]) -> int:
    rows: int = prod(array["shape"])
    return rows * DTYPES[array["dtype"]].itemsize


def _path(stem: Path, name: str) -> Path:
    return stem.with_name(f"{stem.name}.{name}")
