"""SciPy's ``.npz`` matrices, checked before anything is taken memory for or walks through their indices."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any, BinaryIO

import numpy as np

from ..core.lazy import sp
from ..core.memory import check_room
from ..core.sparse import as_csr, to_scipy
from ..core.structure import check_claims, check_structure
from ..storage.disk import open_regular
from .lines import StrPath

__all__ = ["open_arrays", "read_npz"]

_MOST_ARRAYS = 64
_MOST_LETTERS = 300  # of an error, which may hold what the file holds
_DEFLATED = 1032  # bytes that one can stand for, at most
# RuntimeError: a password, or a way to compress that Python does not know
_DAMAGED = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    OSError,
    EOFError,
    RuntimeError,
    AttributeError,
)
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npz(path: StrPath, name: str = "matrix") -> "sp.csr_array":
    """Read a sparse matrix written by ``scipy.sparse.save_npz``, of any format.

    Pickled content is refused, and sizes and index arrays are checked before use.

    Parameters
    ----------
    path : path-like
    name : str
        The matrix's name, for error messages.

    Returns
    -------
    float32 csr_array, its columns ascending in every row

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        With the file's name, if it is not such a matrix or is damaged, or claims rows or columns far beyond its
        entries.
    MemoryError
        If it would need more memory than is free.
    """
    with open_arrays(path, ": not a sparse matrix saved by scipy.sparse.save_npz") as file:
        matrix: Any = sp.load_npz(file)
        if matrix.ndim == 2:
            check_claims(matrix.shape, np.size(matrix.data), "it")
            matrix = check_structure(matrix, "it")
    try:
        return to_scipy(as_csr(matrix, name))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


@contextmanager
def open_arrays(path: StrPath, complaint: str) -> Iterator[BinaryIO]:
    """Open an ``.npz`` file whose arrays are as large as they say.

    ``FileNotFoundError`` if there is none, ``MemoryError`` if its arrays need more memory than is free, and
    ``ValueError`` for all else that goes wrong in the course of the ``with``: the path, ``complaint``, why.
    """
    try:
        with open_regular(path) as file:
            _check_arrays(file, str(path))
            file.seek(0)
            yield file
    except (FileNotFoundError, MemoryError):
        raise
    except (*_DAMAGED, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path}{complaint}: {str(error)[:_MOST_LETTERS]}") from error


def _check_arrays(file: BinaryIO, path: str) -> None:
    if not zipfile.is_zipfile(file):  # NumPy would take it for a pickle, and tell how to load that
        file.seek(0)
        dense = file.read(6) == b"\x93NUMPY"
        raise zipfile.BadZipFile("it is a dense array" if dense else "it is not a zip archive")
    size = file.seek(0, 2)
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > _MOST_ARRAYS or sum(member.compress_size for member in members) > size:
            raise zipfile.BadZipFile(f"it lists {len(members)} arrays, which do not fit it")
        for member in members:
            most = member.compress_size * (_DEFLATED if member.compress_type == zipfile.ZIP_DEFLATED else 1)
            if (
                member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
                or member.file_size > most
            ):
                raise zipfile.BadZipFile(
                    f"{member.filename} claims {member.file_size} bytes of {member.compress_size}"
                )
        check_room(
            sum(member.file_size for member in members), f"the arrays of {path} need", "take a smaller file"
        )
        for member in members:
            with archive.open(member) as content:
                _check_array(content, member)


def _check_array(content: Any, member: zipfile.ZipInfo) -> None:
    read_header = _HEADERS.get(np.lib.format.read_magic(content))
    if read_header is None:
        raise ValueError(f"{member.filename} is of an unknown version of NumPy's format")
    shape, _, dtype = read_header(content)
    if dtype.hasobject:
        raise ValueError(f"{member.filename} holds Python objects, which only a pickle can hold")
    found = member.file_size - content.tell()
    if prod(shape) * dtype.itemsize != found:
        raise ValueError(f"{member.filename} has {found} bytes, which does not fit {dtype} of shape {shape}")
