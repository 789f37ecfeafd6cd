"""The state of a training in a directory: what is trained leaves memory, and outlives whatever ends the process.

The directory holds ``training.json`` (what is trained, and how far it has come), the label tree, and for every layer a
file an array. A layer is trained in pieces, ranges of parents. A piece is appended to the files, they are synced, then
``training.json`` is replaced: it never counts what is not on the disk.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from .. import storage as persistence
from ..core.sparse import Csr, as_csr
from ..core.types import JsonMapping
from ..indexing import LabelTree
from ..ranking import LayerWeights, SolverParams, train_layer
from ..storage.append import Described, GrowingArrays, map_arrays
from ..storage.runs import Run, fingerprint
from ..storage.tensorfile import DTYPES

__all__ = ["Checkpoint", "checkpoint_in"]

_PIECE = 1 << 28  # multiply-adds of one pass over a piece's examples: a second or a few of training
_NO_MATTER = ("n_jobs", "verbose")  # to the result
_ARRAYS = {"extents", "index", "starts", "bases", "keys", "units", "bias"}  # of `LayerWeights.continuing`

Grown = tuple[LabelTree, dict[str, float]]


class Checkpoint:
    """The layers of a training in a directory.

    What is missing, truncated or altered there is a ``ValueError`` from what finds it. Nothing is changed then.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._own: set[int] = set()
        for level, layer in run.progress.items():
            try:
                _check_layer(level, layer)
            except (ValueError, KeyError, TypeError) as error:
                raise run.damaged("training.json", repr(error)) from None

    def tree(self, grow: Callable[[], Grown]) -> Grown:
        """Return the label tree that was kept, or grow it and keep it; with the seconds that took."""
        place = self._run.directory / "tree"
        if (place / "config.json").exists():
            return persistence.load(place, verify=True), {"representation": 0.0, "index": 0.0}
        grown = grow()
        persistence.save(grown[0], place)
        return grown

    def finished(
        self, level: int, branches: NDArray[np.int64], ranks: NDArray[np.int32]
    ) -> LayerWeights | None:
        """Return the weights of a layer, mapped from its files, if it is trained to its end."""
        done, described = self._progress(level)
        if done < branches.size - 1:
            return None
        try:
            if done > branches.size - 1:
                raise ValueError(f"layer {level} has {branches.size - 1} parents, not {done}")
            arrays: dict[str, Any] = map_arrays(self._stem(level), described, verify=level not in self._own)
            arrays |= {"branches": branches, "ranks": ranks, "scales": np.empty(0, np.float32)}
            return LayerWeights.from_arrays(arrays)
        except (FileNotFoundError, ValueError, OverflowError) as error:
            raise self._spoilt(level, error) from None

    def train_layer(
        self,
        level: int,
        X: Csr,
        active: Csr,
        positives: Csr,
        branches: NDArray[np.int64],
        params: SolverParams,
        *,
        ranks: NDArray[np.int32],
        n_documents: int,
        weights: NDArray[np.float32] | None,
        n_threads: int,
        progress: Callable[[int], None] | None,
    ) -> LayerWeights:
        """Train what is missing of a layer; the result is that of `train_layer`, to the byte, but mapped from files.

        Parameters
        ----------
        level : int
            0 for the children of the root.
        X, active, positives, branches, params, ranks, n_documents, weights, n_threads, progress
            As for `arborank.ranking.train_layer`.
        """
        first, described = self._progress(level)
        work = np.concatenate([[0], np.cumsum(np.diff(active.indptr) * np.diff(branches))])
        try:
            growing = GrowingArrays(self._stem(level), described)
        except (FileNotFoundError, ValueError) as error:
            raise self._spoilt(level, error) from None
        with growing as files:
            for last in _ends(X, active, branches):
                if last <= first:
                    continue
                piece = train_layer(
                    X,
                    active,
                    positives,
                    branches,
                    params,
                    parents=(first, last),
                    ranks=ranks,
                    n_documents=n_documents,
                    weights=weights,
                    n_threads=n_threads,
                    progress=progress and _beyond(int(work[first]), progress),
                )
                files.append(piece.continuing(files.lengths, ends=last == branches.size - 1))
                done = {"parents": last, "arrays": files.sync()}
                self._run.commit({**self._run.progress, str(level): done})
                first = last
        self._own.add(level)  # this process knows what it has written
        layer = self.finished(level, branches, ranks)
        if layer is None:
            raise RuntimeError(f"layer {level} ended at parent {first} of {branches.size - 1}")
        return layer

    def _progress(self, level: int) -> tuple[int, Described]:
        """Return how many parents of a layer are trained, and what their files hold."""
        layer = self._run.progress.get(str(level), {"parents": 0, "arrays": {}})
        return layer["parents"], layer["arrays"]

    def _stem(self, level: int) -> Path:
        return self._run.directory / f"layer{level}"

    def _spoilt(self, level: int, error: Exception) -> ValueError:
        return self._run.damaged(f"what is trained of layer {level}", error)


@contextmanager
def checkpoint_in(
    directory: str | os.PathLike[str] | None,
    parameters: JsonMapping,
    tree: LabelTree | None,
    **matrices: object,
) -> Iterator[Checkpoint | None]:
    """Hold a directory for a fit; yields None in place of a checkpoint without one.

    Parameters
    ----------
    directory : path or None
    parameters : mapping
        The estimator's, as JSON holds them.
    tree : LabelTree or None
        The tree that the user gave.
    **matrices : matrix or None
        What `fit` is given.
    """
    if directory is None:
        yield None
        return
    data = {name: None if X is None else _of_matrix(X, name) for name, X in matrices.items()}
    data["tree"] = None if tree is None else fingerprint(*tree.to_state().arrays.values())
    decisive = {name: value for name, value in parameters.items() if name not in _NO_MATTER}
    subject = {"arborank": __version__, "parameters": decisive, "data": data}
    with Run(directory, subject, argument="work_dir") as run:
        yield Checkpoint(run)


def _of_matrix(matrix: Any, name: str) -> dict[str, Any]:
    if isinstance(matrix, np.ndarray) and matrix.ndim <= 2 and matrix.dtype.kind in "biuf":
        return fingerprint(
            matrix, shape=list(matrix.shape)
        )  # embeddings are large, and larger still as sparse rows
    X = as_csr(matrix, name)
    return fingerprint(X.indptr, X.indices, X.data, shape=list(X.shape))


def _check_layer(level: Any, layer: Any) -> None:
    """Raise an error unless this is how a layer is recorded."""
    if not level.isdecimal() or set(layer) != {"parents", "arrays"} or not _is_count(layer["parents"]):
        raise ValueError(f"layer {level!r} is {layer!r}")
    if set(layer["arrays"]) != _ARRAYS:
        raise ValueError(f"layer {level} has the arrays {sorted(layer['arrays'])}")
    for name, array in layer["arrays"].items():
        dtype, shape = array["dtype"], array["shape"]
        counts = isinstance(shape, list) and shape and all(map(_is_count, [*shape, array["crc32"]]))
        if dtype not in DTYPES or not counts:
            raise ValueError(f"{name} of layer {level} is {array!r}")


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 48


def _ends(X: Csr, active: Csr, branches: NDArray[np.int64]) -> list[int]:
    """Divide a layer's parents into ranges of about equal work, one parent at least; return where each ends."""
    lengths = np.concatenate([[0], np.cumsum(np.diff(X.indptr)[active.indices])])
    work = np.diff(lengths[active.indptr]) * np.diff(branches)
    before = np.cumsum(work) - work
    return [*(np.flatnonzero(np.diff(before // _PIECE)) + 1).tolist(), branches.size - 1]


def _beyond(start: int, progress: Callable[[int], None]) -> Callable[[int], None]:
    return lambda done: progress(start + done)
