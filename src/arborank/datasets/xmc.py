"""The text layouts of the extreme classification repository.

``N D L`` files: a header with the numbers of instances, features and labels, then ``label,label feature:value
...`` a line. Sparse files: a header ``N D``, then ``index:value ...`` a line. All indices count from 0.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.lazy import sp
from ..core.sparse import Csr, as_csr, to_scipy
from ..core.structure import check_claims
from ..core.types import MatrixLike
from .containers import MatrixData
from .lines import LONGEST_LINE, StrPath, fault, open_bytes, refuse_other_format
from .pairs import parse_block

__all__ = ["read_sparse", "read_xmc", "write_sparse", "write_xmc"]

_BLOCK_BYTES = 1 << 22
_ROWS_A_WRITE = 4096


def read_xmc(path: StrPath) -> MatrixData:
    """Read an ``N D L`` file into `MatrixData` with X and Y.

    Y holds ones; values of a feature repeated in a line are added up. A line that starts with a space, or
    with a pair, has no labels. ``.gz``, ``.xz`` and ``.zst`` are unpacked.

    Raises
    ------
    ValueError
        With file and line, if the header is missing, a line is malformed, an index is not in the range that
        the header gives, or the number of lines differs.

    Examples
    --------
    >>> data = read_xmc("train.txt")  # doctest: +SKIP
    >>> data.X.shape, data.Y.shape  # doctest: +SKIP
    ((15539, 5000), (15539, 3993))
    """
    with open_bytes(path) as file:
        n_rows, n_features, n_labels = _header(file, path, ("N", "D", "L"))
        rows = _read_rows(file, path, n_rows, n_features, n_labels)
    ones = np.ones(len(rows.labels), np.float32)
    Y = sp.csr_array((ones, rows.labels, rows.label_indptr), shape=(n_rows, n_labels))
    Y.sum_duplicates()
    Y.data[:] = 1.0
    X = sp.csr_array((rows.values, rows.indices, rows.indptr), shape=(n_rows, n_features))
    return MatrixData(to_scipy(as_csr(Y, "Y")), to_scipy(as_csr(X, "X")))


def read_sparse(path: StrPath) -> "sp.csr_array":
    """Read a sparse file with its ``N D`` header as a float32 `csr_array`; errors as in `read_xmc`."""
    with open_bytes(path) as file:
        n_rows, n_columns = _header(file, path, ("N", "D"))
        rows = _read_rows(file, path, n_rows, n_columns, None)
    matrix = sp.csr_array((rows.values, rows.indices, rows.indptr), shape=(n_rows, n_columns))
    return to_scipy(as_csr(matrix, str(path)))


def write_xmc(path: StrPath, X: MatrixLike, Y: MatrixLike) -> None:
    """Write an ``N D L`` file, packed if the name ends in ``.gz``, ``.xz`` or ``.zst``; values come back bit for bit.

    Parameters
    ----------
    path : path-like
    X : matrix of shape (n_instances, n_features)
    Y : matrix of shape (n_instances, n_labels)
        Every stored entry that is not zero is a label.

    Raises
    ------
    ValueError
        If the numbers of rows differ, the name ends as that of another format does, or for the reasons of
        `arborank.core.sparse.as_csr`.
    """
    refuse_other_format(path, "N D L")
    features = as_csr(X, "X")
    _write(path, features, as_csr(Y, "Y", n_rows=features.shape[0]))


def write_sparse(path: StrPath, X: MatrixLike) -> None:
    """Write a sparse file with its ``N D`` header; see `write_xmc`."""
    refuse_other_format(path, "N D L")
    _write(path, as_csr(X, "X"))


def _write(path: StrPath, features: Csr, labels: Csr | None = None) -> None:
    sizes = features.shape if labels is None else (*features.shape, labels.shape[1])
    with open_bytes(path, "wb") as file:
        file.write((" ".join(map(str, sizes)) + "\n").encode())
        for start in range(0, features.shape[0], _ROWS_A_WRITE):
            stop = start + _ROWS_A_WRITE
            lines = _rows(features, start, stop)
            if labels is not None:
                heads = _rows(labels, start, stop, ",", values=False)
                lines = [f"{head} {pairs}".rstrip() for head, pairs in zip(heads, lines, strict=True)]
            file.write(("\n".join(lines) + "\n").encode())


class _Rows(NamedTuple):
    label_indptr: NDArray[np.int64]
    labels: NDArray[np.int32]
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[np.float32]


def _header(file: IO[bytes], path: StrPath, names: tuple[str, ...]) -> list[int]:
    line = file.readline(200)
    tokens = line.split()
    if len(tokens) != len(names) or not all(token.isdigit() for token in tokens):
        form = f'a header of {len(names)} integers "{" ".join(names)}"'
        raise fault(path, 1, f"{form} was expected, found {line[:60].decode(errors='replace').rstrip()!r}")
    sizes = [int(token) for token in tokens]
    if max(sizes[1:]) > np.iinfo(np.int32).max:
        raise fault(
            path, 1, f"at most {np.iinfo(np.int32).max} columns are supported, found {max(sizes[1:])}"
        )
    return sizes


def _blocks(file: IO[bytes], path: StrPath) -> Iterator[bytes]:
    """Yield whole lines, some megabytes at a time; the last line is ended if the file does not."""
    rest = b""
    while data := file.read(_BLOCK_BYTES):
        cut = data.rfind(b"\n") + 1
        if cut:
            yield rest + data[:cut]
            rest = data[cut:]
        else:
            rest += data
        if len(rest) > LONGEST_LINE:
            raise ValueError(f"{path} has a line of more than {LONGEST_LINE:,} bytes")
    if rest:
        yield rest + b"\n"


def _read_rows(file: IO[bytes], path: StrPath, n_rows: int, n_columns: int, n_labels: int | None) -> _Rows:
    """Parse all lines after the header; ``n_labels`` is None where lines have no labels."""
    label_counts, labels, pair_counts, indices, values = [], [], [], [], []
    line = 2
    for data in _blocks(file, path):
        block = parse_block(data, path, line, labelled=n_labels is not None)
        _check_range(block.indices, block.pair_counts, n_columns, "index", path, line)
        _check_range(block.labels, block.label_counts, n_labels or 0, "label", path, line)
        over = line - 2 + len(block.pair_counts) - n_rows
        extra = block.pair_counts + block.label_counts
        if over > 0 and extra[max(len(extra) - over, 0) :].any():  # blank lines at the end do no harm
            raise fault(path, n_rows + 2, f"the header announces {n_rows} rows, but there are more")
        line += len(block.pair_counts)
        label_counts.append(block.label_counts)
        labels.append(block.labels.astype(np.int32))
        pair_counts.append(block.pair_counts)
        indices.append(block.indices.astype(np.int32))
        values.append(block.values)
    n_entries = sum(map(len, indices)) + sum(map(len, labels))
    check_claims((n_rows, max(n_columns, n_labels or 0)), max(n_entries, line), f"{path}: its header")
    if line - 2 < n_rows:
        raise fault(path, line - 1, f"the file ends after {line - 2} rows, but the header announces {n_rows}")
    return _Rows(
        _indptr(label_counts, n_rows),
        np.concatenate([np.empty(0, np.int32), *labels]),
        _indptr(pair_counts, n_rows),
        np.concatenate([np.empty(0, np.int32), *indices]),
        np.concatenate([np.empty(0, np.float32), *values]),
    )


def _indptr(counts: list[NDArray[np.int64]], n_rows: int) -> NDArray[np.int64]:
    every = np.concatenate([np.zeros(1, np.int64), *counts])[: n_rows + 1]
    return np.cumsum(every, dtype=np.int64)


def _check_range(
    found: NDArray[np.int64], counts: NDArray[np.int64], size: int, what: str, path: StrPath, line: int
) -> None:
    if found.size and found.max() >= size:
        first = int(np.flatnonzero(found >= size)[0])
        row = int(np.searchsorted(np.cumsum(counts), first, side="right"))
        message = f"{what} {found[first]} is outside [0, {size}), the range that the header gives"
        raise fault(path, line + row, message + (" (indices count from 0)" if found[first] == size else ""))


def _rows(csr: Csr, start: int, stop: int, separator: str = " ", values: bool = True) -> list[str]:
    """Rows as text: ``index:value`` of all entries, or the indices of the non-zero ones."""
    indptr = csr.indptr[start : stop + 1]
    part = slice(int(indptr[0]), int(indptr[-1]))
    data = csr.data[part]
    tokens = [str(index) for index in csr.indices[part].tolist()]
    offsets = (indptr - indptr[0]).tolist()
    if values:
        tokens = [f"{index}:{value}" for index, value in zip(tokens, data.astype(str).tolist(), strict=True)]
    elif (data == 0).any():
        offsets = np.concatenate([[0], np.cumsum(data != 0)])[offsets].tolist()
        tokens = [token for token, value in zip(tokens, data.tolist(), strict=True) if value != 0]
    return [separator.join(tokens[a:b]) for a, b in pairwise(offsets)]
