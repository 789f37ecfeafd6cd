"""The state of a training in a directory: what is trained leaves memory, and outlives whatever ends the process.

The directory holds ``training.json`` (what is trained, and how far it has come), the label tree, and for every layer a
file an array. A layer is trained in pieces, ranges of parents. A piece is appended to the files, they are synced, then
``training.json`` is replaced: it never counts what is not on the disk.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from .. import storage as persistence
from ..core.sparse import Csr, as_csr
from ..indexing import LabelTree
from ..ranking import LayerWeights, SolverParams, train_layer
from ..storage.append import Described, GrowingArrays, map_arrays
from ..storage.disk import make_directory, naming, put_in_place, read_text, write_text
from ..storage.lock import exclusive
from ..storage.manifest import checksum, plain
from ..storage.tensorfile import DTYPES, little_endian_pieces

__all__ = ["Checkpoint", "checkpoint_in"]

_FORMAT = "arborank-training"
_FORMAT_VERSION = 2
_STATE = "training.json"
_PIECE = 1 << 28  # multiply-adds of one pass over a piece's examples: a second or a few of training
_NO_MATTER = ("n_jobs", "verbose")  # to the result
_ARRAYS = {"extents", "index", "starts", "bases", "keys", "units", "bias"}  # of `LayerWeights.continuing`

Grown = tuple[LabelTree, dict[str, float]]


class Checkpoint:
    """A directory that a training keeps its state in; a context manager that holds it for this process.

    Parameters
    ----------
    directory : path
        Made if missing. What was left there of the same training, however it ended, is taken up.
    subject : mapping of str to JSON values
        What is trained: parameters, and fingerprints of the data.

    Raises
    ------
    FileExistsError
        If the directory holds something that is no training.
    ValueError
        If it holds the training of another subject, or is damaged: then, or later from what finds a file that is
        missing, truncated or altered. Nothing in it is changed.
    BlockingIOError
        If another process trains in it.
    """

    def __init__(self, directory: str | os.PathLike[str], subject: Mapping[str, Any]) -> None:
        self._directory = Path(directory)
        self._subject = plain(dict(subject), "work_dir")
        self._layers: dict[str, Any] = {}
        self._own: set[int] = set()
        self._held = ExitStack()

    def __enter__(self) -> Self:
        make_directory(self._directory)
        with ExitStack() as held:
            held.enter_context(exclusive(self._directory))
            self._layers = self._read()
            self._write()
            self._held = held.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def tree(self, grow: Callable[[], Grown]) -> Grown:
        """Return the label tree that was kept, or grow it and keep it; with the seconds that took."""
        place = self._directory / "tree"
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
        except (FileNotFoundError, ValueError, OverflowError) as error:
            raise self._spoilt(level, error) from None
        return LayerWeights(branches=branches, ranks=ranks, n_features=ranks.size, **arrays)

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
        n_threads: int,
        progress: Callable[[int], None] | None,
    ) -> LayerWeights:
        """Train what is missing of a layer; the result is that of `train_layer`, to the byte, but mapped from files.

        Parameters
        ----------
        level : int
            0 for the children of the root.
        X, active, positives, branches, params, ranks, n_threads, progress
            As for `arborank.ranking.train_layer`.
        """
        first, described = self._progress(level)
        work = np.concatenate([[0], np.cumsum(np.diff(active.indptr) * np.diff(branches))])
        with self._grow(level, described) as files:
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
                    n_threads=n_threads,
                    progress=progress and _beyond(int(work[first]), progress),
                )
                files.append(piece.continuing(files.lengths, ends=last == branches.size - 1))
                self._commit(level, last, files.sync())
                first = last
        self._own.add(level)  # this process knows what it has written
        layer = self.finished(level, branches, ranks)
        if layer is None:
            raise RuntimeError(f"layer {level} ended at parent {first} of {branches.size - 1}")
        return layer

    def _grow(self, level: int, described: Described) -> GrowingArrays:
        try:
            return GrowingArrays(self._stem(level), described)
        except (FileNotFoundError, ValueError) as error:
            raise self._spoilt(level, error) from None

    def _progress(self, level: int) -> tuple[int, Described]:
        """Return how many parents of a layer are trained, and what their files hold."""
        layer = self._layers.get(str(level), {"parents": 0, "arrays": {}})
        return layer["parents"], layer["arrays"]

    def _commit(self, level: int, n_parents: int, described: Described) -> None:
        self._layers[str(level)] = {"parents": n_parents, "arrays": described}
        self._write()

    def _stem(self, level: int) -> Path:
        return self._directory / f"layer{level}"

    def _read(self) -> dict[str, Any]:
        path = self._directory / _STATE
        if not path.exists():
            foreign = sorted(name for name in os.listdir(self._directory) if not name.startswith(_STATE))
            if foreign:
                raise FileExistsError(
                    f"{self._directory} is not empty and holds no training (it holds {foreign[0]!r})"
                )
            return {}
        try:
            with naming(path):
                state = json.loads(read_text(path))
            if state["format"] != _FORMAT or state["format_version"] != _FORMAT_VERSION:
                raise ValueError(f"its format is {state['format']!r}, version {state['format_version']!r}")
            if state["checksum"] != checksum(state):
                raise ValueError("its checksum does not fit")
            subject, layers = dict(state["subject"]), dict(state["layers"])
            for level, layer in layers.items():
                _check_layer(level, layer)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise self._damaged(error) from None
        different = list(_differences(subject, self._subject))
        if different:
            raise ValueError(
                f"{self._directory} holds the training of something else: {'; '.join(different)}. "
                "Use another directory, or remove this one"
            )
        return layers

    def _damaged(self, error: Exception) -> ValueError:
        return ValueError(
            f"{self._directory / _STATE} is damaged, or of another version of Arborank ({error!r}); remove "
            f"{self._directory} to train from the beginning"
        )

    def _spoilt(self, level: int, error: Exception) -> ValueError:
        return ValueError(
            f"{self._directory} is damaged: what is trained of layer {level} cannot be taken up ({error}); remove "
            f"{self._directory} to train from the beginning"
        )

    def _write(self) -> None:
        state = {
            "format": _FORMAT,
            "format_version": _FORMAT_VERSION,
            "subject": self._subject,
            "layers": self._layers,
        }
        state["checksum"] = checksum(state)
        unfinished = self._directory / f"{_STATE}.tmp"
        unfinished.unlink(missing_ok=True)  # by a process that was killed
        write_text(unfinished, json.dumps(state, indent=1))
        put_in_place(unfinished, self._directory / _STATE)


def checkpoint_in(
    directory: str | os.PathLike[str] | None,
    parameters: Mapping[str, Any],
    tree: LabelTree | None,
    **matrices: Any,
) -> AbstractContextManager[Checkpoint | None]:
    """Return the checkpoint of a fit, or None in its place without a directory.

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
        return nullcontext()
    data = {name: None if X is None else _of_matrix(X, name) for name, X in matrices.items()}
    data["tree"] = None if tree is None else _fingerprint(*tree.to_state().arrays.values())
    decisive = {name: value for name, value in parameters.items() if name not in _NO_MATTER}
    return Checkpoint(directory, {"arborank": __version__, "parameters": decisive, "data": data})


def _of_matrix(matrix: Any, name: str) -> str:
    if isinstance(matrix, np.ndarray) and matrix.ndim == 2 and matrix.dtype.kind in "biuf":
        return _fingerprint(matrix)  # embeddings are large, and larger still as sparse rows
    X = as_csr(matrix, name)
    return _fingerprint(np.array(X.shape), X.indptr, X.indices, X.data)


def _fingerprint(*arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        for piece in little_endian_pieces(array):
            digest.update(piece)
    return digest.hexdigest()


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


def _differences(there: Any, here: Any, name: str = "") -> Iterator[str]:
    if isinstance(there, dict) and isinstance(here, dict):
        for key in sorted(there.keys() | here.keys()):
            yield from _differences(there.get(key), here.get(key), key)
    elif there != here:
        long = any(isinstance(value, str) and len(value) == 64 for value in (there, here))
        yield f"{name} differs" if long else f"{name} is {there!r} there and {here!r} here"
