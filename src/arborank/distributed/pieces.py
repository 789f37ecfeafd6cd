"""What files of the work directory hold: strings, texts of many files, rows of many files, and labels of all rows."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import overload

import numpy as np
from numpy.typing import NDArray

from ..core.sparse import Csr, row_places
from ..core.state import State
from ..core.strings import StringTable
from ..core.types import AnyArray
from .work import Work

__all__ = ["ManyRows", "ManyTexts", "packed", "table_of", "unpacked"]

_AT_ONCE = 1 << 20  # rows of labels

Ids = NDArray[np.int64]


def packed(strings: Sequence[str], name: str) -> dict[str, AnyArray]:
    """Return strings as two arrays: their UTF-8 and where each begins."""
    encoded = [string.encode("utf-8", "surrogatepass") for string in strings]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(one) for one in encoded], out=offsets[1:])
    return {f"{name}_bytes": np.frombuffer(b"".join(encoded), np.uint8), f"{name}_offsets": offsets}


def unpacked(arrays: dict[str, AnyArray], name: str) -> list[str]:
    """Return the strings that `packed` packed."""
    ends = arrays[f"{name}_offsets"].tolist()
    data = arrays[f"{name}_bytes"].tobytes()
    return [data[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(ends)]


def table_of(arrays: dict[str, AnyArray], name: str) -> StringTable:
    """Return strings that `packed` packed, where they lie."""
    return StringTable.from_state(
        State({}, {"text": arrays[f"{name}_bytes"], "offsets": arrays[f"{name}_offsets"]})
    )


class ManyTexts(Sequence[str]):
    """The texts of several files as one sequence; only those that are asked for are read."""

    def __init__(self, work: Work, files: Sequence[str], sizes: Sequence[int]) -> None:
        self._files = [work.arrays(name) for name in files]
        self._starts = np.cumsum([0, *sizes])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @overload
    def __getitem__(self, key: int) -> str: ...
    @overload
    def __getitem__(self, key: slice) -> list[str]: ...
    def __getitem__(self, key: int | slice) -> str | list[str]:
        if isinstance(key, slice):
            return [self[i] for i in range(*key.indices(len(self)))]
        if not 0 <= key < len(self):
            raise IndexError(f"position {key} is out of range for {len(self)} texts")
        file = int(np.searchsorted(self._starts, key, side="right")) - 1
        arrays, place = self._files[file], int(key - self._starts[file])
        begin, end = arrays["text_offsets"][place : place + 2].tolist()
        return str(arrays["text_bytes"][begin:end].tobytes(), "utf-8", "surrogatepass")


class ManyRows:
    """The instances of several files, and the labels of all.

    Parameters
    ----------
    work : Work
    files : sequence of str
        Files with ``indptr``, ``indices`` and ``data``, in the order of the rows.
    sizes : sequence of int
        Rows of each.
    columns : str
        The file of the stage ``columns``, with the labels of all rows.
    """

    def __init__(self, work: Work, files: Sequence[str], sizes: Sequence[int], columns: str) -> None:
        self._work, self._files = work, list(files)
        self._starts = np.cumsum([0, *sizes])
        self._columns = work.arrays(columns)

    @property
    def n_rows(self) -> int:
        """Rows of all files."""
        return int(self._starts[-1])

    @property
    def n_labels(self) -> int:
        """Number of labels."""
        return int(self._columns["label_counts"].size)

    @property
    def taught_counts(self) -> NDArray[np.int64]:
        """Rows of every label, documents of labels among them."""
        return np.bincount(self._columns["label_ids"], minlength=self.n_labels)

    def weights(self, rows: Ids) -> NDArray[np.float32] | None:
        """Return what some rows count, None if all count 1."""
        return self._columns["weights"][rows] if "weights" in self._columns else None

    @cached_property
    def ranks(self) -> NDArray[np.int32]:
        """The place of every feature, commonest first."""
        return np.array(self._columns["ranks"])

    def take(self, rows: Ids) -> Csr:
        """Return some rows, by their numbers in ascending order; a file is mapped only while it is read."""
        bounds = np.searchsorted(rows, self._starts)
        parts = [
            (name, rows[a:b] - start)
            for name, start, (a, b) in zip(self._files, self._starts.tolist(), pairwise(bounds), strict=False)
            if a < b
        ]
        lengths = [np.diff(self._work.arrays(name)["indptr"])[own] for name, own in parts]
        indptr = np.concatenate([[0], np.cumsum(np.concatenate([*lengths, np.zeros(0, np.int64)]))])
        indices, data = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
        at = 0
        for name, own in parts:
            arrays = self._work.arrays(name)
            for places in _blocks(arrays["indptr"], own):
                indices[at : at + places.size] = arrays["indices"][places]
                data[at : at + places.size] = arrays["data"][places]
                at += places.size
        return Csr(indptr, indices, data, self.ranks.size)

    def labels(self, rows: Ids) -> Csr:
        """Return the labels of some rows, an indicator of shape (n_rows, n_labels)."""
        indptr, ids = self._columns["label_indptr"], self._columns["label_ids"]
        starts, places = row_places(indptr, rows)
        return Csr(starts, ids[places], np.ones(places.size, np.float32), self.n_labels)

    def below(self, node_of: NDArray[np.int32]) -> tuple[Ids, Csr]:
        """Return the rows that have a label below some nodes, in ascending order, and which of the nodes.

        Parameters
        ----------
        node_of : int32 array of shape (n_labels,)
            The node above every label, -1 where it is none of these.
        """
        indptr, ids = self._columns["label_indptr"], self._columns["label_ids"]
        width = int(node_of.max()) + 1
        found: list[Ids] = []
        for first in range(0, self.n_rows, _AT_ONCE):
            some = indptr[first : first + _AT_ONCE + 1]
            nodes = node_of[ids[some[0] : some[-1]]]
            held = nodes >= 0
            rows = np.repeat(np.arange(first, first + some.size - 1), np.diff(some))[held]
            pairs = rows * width + nodes[held]
            found.append(np.unique(pairs) if (np.diff(pairs) <= 0).any() else pairs)
        pairs = np.concatenate(found)
        rows, nodes = np.divmod(pairs, width)
        starts = np.flatnonzero(np.diff(rows, prepend=-1))
        indptr = np.append(starts, rows.size)
        return rows[starts], Csr(indptr, nodes.astype(np.int32), np.ones(rows.size, np.float32), width)


def _blocks(indptr: Ids, rows: Ids) -> Iterator[Ids]:
    """Yield the places of the values of some rows, for some rows at a time."""
    for first in range(0, rows.size, _AT_ONCE):
        yield row_places(indptr, rows[first : first + _AT_ONCE])[1]
