"""SciPy's ``.npz`` matrices, checked before anything walks through their indices."""

import zipfile
import zlib
from typing import Any

import scipy.sparse as sp

from ..sparse import as_csr, to_scipy
from .lines import StrPath

__all__ = ["read_npz"]


def read_npz(path: StrPath, name: str = "matrix") -> sp.csr_array:
    """Read a sparse matrix written by ``scipy.sparse.save_npz``, of any format.

    Pickled content is refused, and the index arrays are checked before use.

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
        With the file's name, if it is not such a matrix or is damaged.
    """
    try:
        with open(path, "rb") as file:
            if not zipfile.is_zipfile(file):  # NumPy would take it for a pickle, and tell how to load that
                raise zipfile.BadZipFile("it is no zip archive")
            file.seek(0)
            matrix: Any = sp.load_npz(file)
        if matrix.format in ("csr", "csc", "bsr"):
            matrix.check_format(full_check=True)
    except FileNotFoundError:
        raise
    except (
        ValueError,
        TypeError,
        KeyError,
        OSError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        AttributeError,
    ) as error:
        raise ValueError(f"{path}: not a sparse matrix saved by scipy.sparse.save_npz: {error}") from error
    try:
        return to_scipy(as_csr(matrix, name))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
