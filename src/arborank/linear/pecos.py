"""Reads XR-Linear models saved by PECOS (libpecos): their tree, weights and search settings.

A model folder holds ``ranker/param.json`` and, for every layer of the tree, top first, ``ranker/<i>.model``
with ``W.npz`` (weights, n_features x n_children, with one row more if there is a bias), ``C.npz`` (which
child belongs to which parent, n_children x n_parents) and ``param.json`` (bias and prediction settings).
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_choice, check_integer, check_real
from ..core.lazy import sp
from ..core.structure import check_claims, check_structure
from ..core.threads import n_threads
from ..datasets.npz import open_arrays
from ..indexing.chain import chain_orders
from ..indexing.tree import LabelTree
from ..matching.combine import COMBINATIONS
from ..ranking.weights import LayerWeights
from ..storage.disk import read_text

__all__ = ["PecosModel", "import_xlinear"]


@dataclass(frozen=True)
class PecosModel:
    """The parts of an imported model.

    Attributes
    ----------
    tree : LabelTree
        The cluster chain, nodes renumbered so that siblings are neighbours; label ids are PECOS' own.
    layers : tuple of LayerWeights
        One a layer, top first.
    bias : tuple of float
        Value of the constant feature at each layer, 0 for none; `LayerWeights` already has it multiplied in.
    combine : str
        Score combination (PECOS: post-processor), see `arborank.matching.combine`.
    beam_size : int
        Nodes kept at every inner layer.
    k : int
        Labels returned by default.
    """

    tree: LabelTree
    layers: tuple[LayerWeights, ...]
    bias: tuple[float, ...]
    combine: str
    beam_size: int
    k: int


def import_xlinear(
    directory: str | os.PathLike[str],
    *,
    combine: str | None = None,
    beam_size: int | None = None,
    n_jobs: int | None = None,
) -> PecosModel:
    """Read a PECOS ``XLinearModel`` folder.

    Parameters
    ----------
    directory : path
        The folder that ``XLinearModel.save`` made, or its ``ranker`` folder. The ``.npz`` files may be
        compressed.
    combine : str, optional
        Use this score combination. By default the model's own, which must be the same for all layers.
    beam_size : int, optional
        Use this beam. By default the model's own, which must be the same for all inner layers; 10 if there is
        none.
    n_jobs : int, optional
        Threads that pack the weights; None or -1 for every core.

    Returns
    -------
    PecosModel
        A beam search over it gives libpecos' scores up to rounding. A label below several clusters, which
        libpecos lists several times, appears once, with its best score.

    Raises
    ------
    FileNotFoundError
        If the folder is not such a model, or a file is missing.
    MemoryError
        If a matrix would need more memory than is free.
    ValueError
        If a file is truncated, altered or of another kind, or the layers do not fit each other. The message
        names the file.
    """
    ranker = _ranker_folder(Path(directory))
    depth = _read_param(ranker / "param.json", "HierarchicalMLModel", {"depth": int})["depth"]
    if depth < 1:
        raise ValueError(f"{ranker / 'param.json'}: depth is {depth}; a model has at least 1 layer")
    folders: list[Path] = []
    params: list[dict[str, Any]] = []
    fields: dict[str, type | tuple[type, ...]] = {"bias": (int, float), "pred_kwargs": dict}
    while len(folders) < depth:  # of which a file may claim any number: the first that is missing ends it
        folders.append(ranker / f"{len(folders)}.model")
        params.append(_read_param(folders[-1] / "param.json", "MLModel", fields))
        check_real(f"{folders[-1] / 'param.json'}: bias", params[-1]["bias"])
    combine = _combination(folders, params) if combine is None else combine
    check_choice("combine", combine, COMBINATIONS)
    inner = _setting(folders[:-1], params[:-1], "only_topk", "beam_size") if beam_size is None else beam_size
    beam_size = 10 if inner is None else inner
    check_integer("beam_size", beam_size, 1)
    tree, orders = _read_tree(folders)
    biases = tuple(max(float(param["bias"]), 0.0) for param in params)
    layers: list[LayerWeights] = []
    n_features = None
    ranks = None  # of the bottom layer, whose weights say most about the frequency of features
    for folder, branches, order, bias in reversed(
        list(zip(folders, tree.branches, orders, biases, strict=True))
    ):
        W, constant = _read_weights(folder / "W.npz", order, bias, n_features)
        try:
            layer = LayerWeights.from_matrix(W, constant, branches, ranks=ranks, n_threads=n_threads(n_jobs))
        except ValueError as error:
            raise ValueError(f"{folder / 'W.npz'}: {error}") from error
        n_features, ranks = layer.n_features, layer.ranks
        layers.insert(0, layer)
    k = params[-1]["pred_kwargs"].get("only_topk")
    return PecosModel(
        tree, tuple(layers), biases, combine, beam_size, k if isinstance(k, int) and k > 0 else 10
    )


def _ranker_folder(directory: Path) -> Path:
    for folder in (directory / "ranker", directory):
        if (folder / "param.json").exists() and (
            folder == directory / "ranker" or (folder / "0.model").exists()
        ):
            return folder
    hint = ""
    if (directory / "xlinear_ensemble").exists():
        hint = f"; it is a Text2Text model, whose linear part is in {directory / 'xlinear_ensemble' / '0'}"
    raise FileNotFoundError(f"{directory} is not a PECOS XR-Linear model: ranker/param.json is missing{hint}")


def _read_param(path: Path, kind: str, fields: dict[str, type | tuple[type, ...]]) -> dict[str, Any]:
    try:
        param = json.loads(read_text(path))
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON ({error})") from None
    if not isinstance(param, dict) or param.get("model") != kind:
        raise ValueError(f"{path} does not describe a PECOS {kind}")
    if param.get("is_mmap"):
        raise ValueError(
            f"{path}: a memory-mapped PECOS model cannot be read; take the one it was compiled from"
        )
    for name, types in fields.items():
        if isinstance(param.get(name), bool) or not isinstance(param.get(name), types):
            raise ValueError(f"{path} has {name} {param.get(name)!r}")
    return param


def _setting(folders: list[Path], params: list[dict[str, Any]], name: str, argument: str) -> Any:
    """Return what all layers agree on, None if there is no layer."""
    values = [param["pred_kwargs"].get(name) for param in params]
    for folder, value in zip(folders, values, strict=True):
        if value != values[0]:
            other = f"layer 0 has {values[0]!r}; choose {argument}"
            raise ValueError(f"{folder / 'param.json'} has {name} {value!r}, but {other}")
    return values[0] if values else None


def _combination(folders: list[Path], params: list[dict[str, Any]]) -> str:
    found = _setting(folders, params, "post_processor", "combine")
    if found not in COMBINATIONS:
        known = ", ".join(COMBINATIONS)
        raise ValueError(f"{folders[0] / 'param.json'} has post_processor {found!r}; known are {known}")
    return str(found)


def _read_tree(folders: list[Path]) -> tuple[LabelTree, list[NDArray[np.int64]]]:
    """Return the tree, and PECOS' number of each of its nodes, level by level from 1 on."""
    chain: list[sp.csc_array] = []
    for folder in folders:
        path = folder / "C.npz"
        C = _read_matrix(path)
        n_parents = chain[-1].shape[0] if chain else 1
        if C.shape[1] != n_parents:
            above = (
                f"the layer above has {n_parents} nodes" if chain else "the top layer has 1 parent, the root"
            )
            raise ValueError(f"{path} has {C.shape[1]} columns, but {above}")
        chain.append(C)
    try:
        branches, orders = chain_orders(chain)
        labels = orders[-1].astype(np.int32)
        return LabelTree(tuple(branches), labels, chain[-1].shape[0]), orders
    except ValueError as error:
        raise ValueError(f"the C.npz files below {folders[0].parent} make no tree: {error}") from error


def _read_weights(
    path: Path, order: NDArray[np.int64], bias: float, n_features: int | None
) -> "tuple[sp.csc_array, NDArray[np.float32]]":
    """Return the weights, columns in tree order, and what the constant feature adds to each margin."""
    children = _read_matrix(path).T.tocsr()
    n_children = int(order.max()) + 1
    if children.shape[0] != n_children:
        raise ValueError(f"{path} has {children.shape[0]} columns, but C.npz beside it has {n_children} rows")
    width = children.shape[1] - (bias > 0)
    if width < 1 or width != (n_features or width):
        raise ValueError(f"{path} has weights of {width} features, but the layer below it has {n_features}")
    children = children[order]
    constant = np.zeros(order.size, np.float32)
    if bias > 0:
        constant = children[:, [width]].toarray().ravel() * np.float32(bias)
        children = children[:, :width]
    return children.T, constant


def _read_matrix(path: Path) -> "sp.csc_array":
    """Read a sparse matrix as SciPy and PECOS write it, compressed or not; float32 and canonical."""
    try:
        with open_arrays(path, " is not a whole sparse matrix in .npz format") as stream:
            arrays = np.load(stream, allow_pickle=False)
            matrix = _assemble(
                {name: arrays[name] for name in ("format", "shape", "data", "indices", "indptr")}
            )
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing") from None
    if not np.isfinite(matrix.data).all():
        raise ValueError(f"{path} holds NaN or infinity")
    return matrix


def _assemble(arrays: dict[str, NDArray[Any]]) -> "sp.csc_array":
    kind = arrays["format"].item()
    kind = kind.decode("ascii") if isinstance(kind, bytes) else kind
    if kind not in ("csc", "csr"):
        raise ValueError(f"its format is {kind!r}; csc or csr was expected")
    for name, kinds in (("data", "iuf"), ("indices", "iu"), ("indptr", "iu"), ("shape", "iu")):
        if arrays[name].dtype.kind not in kinds:
            raise ValueError(f"its {name} are {arrays[name].dtype}")
    parts = (arrays["data"].astype(np.float32, copy=False), arrays["indices"], arrays["indptr"])
    make = sp.csc_array if kind == "csc" else sp.csr_array
    matrix = make(parts, shape=tuple(arrays["shape"].tolist()))
    check_claims(matrix.shape, matrix.data.size, "it")
    canonical = check_structure(matrix, "it").tocsc()
    canonical.sum_duplicates()
    return canonical
