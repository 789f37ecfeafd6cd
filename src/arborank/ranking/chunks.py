"""Layers of weights that change: chunks of siblings are taken over as they lie, single ones are packed anew."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._native import append_mapped
from ..core.lazy import sp
from .weights import LayerWeights

__all__ = ["append_chunks", "concat_siblings", "gather_chunks", "select_children"]

_CHUNKED = ("index", "starts", "keys", "units", "bases")
_COLUMNS = [0, 2, 3, 4, 5]  # of extents: where a chunk begins in these
_LARGE = 1 << 20  # bytes: smaller ones are copied
_TAIL = 1  # where the second part of its index begins


def append_chunks(first: LayerWeights, second: LayerWeights) -> LayerWeights:
    """Return a layer with the parents of ``first``, then those of ``second``."""
    second = second.astype(first.precision)
    if not np.array_equal(first.ranks, second.ranks):
        second = _packed(*second.to_matrix(), second.branches, first, second.scales)
    n = [layer.branches.size - 1 for layer in (first, second)]
    source = np.repeat([0, 1], n)
    return gather_chunks([first, second], source, np.concatenate([np.arange(m) for m in n]))


def concat_siblings(layers: Sequence[LayerWeights]) -> LayerWeights:
    """Make the children of several single parents siblings below one.

    Raises
    ------
    ValueError
        If a layer has more than one parent.
    """
    for layer in layers:
        if layer.branches.size != 2:
            raise ValueError(f"a layer has {layer.branches.size - 1} parents; 1 was expected")
    first = layers[0]
    layers = [layer.astype(first.precision) for layer in layers]
    matrices = [layer.to_matrix() for layer in layers]
    W = sp.hstack([W for W, _ in matrices], format="csc")
    bias = np.concatenate([bias for _, bias in matrices])
    scales = np.concatenate([layer.scales for layer in layers])
    return _packed(W, bias, np.array([0, bias.size]), first, scales)


def select_children(layer: LayerWeights, kept: NDArray[np.bool_]) -> LayerWeights:
    """Leave out children; a parent that loses all of them goes too.

    Parameters
    ----------
    layer : LayerWeights
    kept : bool array of shape (n_children,)

    Returns
    -------
    LayerWeights
        The weights of what is left are the same to the bit.
    """
    counts = np.diff(np.concatenate([[0], np.cumsum(kept)])[layer.branches])
    parents = np.flatnonzero(counts)
    touched = np.flatnonzero((counts > 0) & (counts < np.diff(layer.branches)))
    if not touched.size:
        return gather_chunks([layer], np.zeros(parents.size, np.int64), parents)
    part = gather_chunks([layer], np.zeros(touched.size, np.int64), touched)
    W, bias = part.to_matrix()
    columns = kept[_children(layer.branches, touched)]
    bounds = np.concatenate([[0], np.cumsum(counts[touched])])
    scales = part.scales[columns] if part.scales.size else part.scales
    edited = _packed(W[:, columns], bias[columns], bounds, layer, scales)
    is_touched = np.isin(parents, touched)
    chunk = np.where(is_touched, np.cumsum(is_touched) - 1, parents)
    return gather_chunks([layer, edited], is_touched.astype(np.int64), chunk)


def gather_chunks(layers: Sequence[LayerWeights], source: ArrayLike, parent: ArrayLike) -> LayerWeights:
    """Put whole chunks together to one layer, byte by byte.

    Parameters
    ----------
    layers : sequence of LayerWeights
        Where the chunks come from; all with the same ``ranks`` and ``precision``.
    source, parent : int arrays of shape (n_parents,)
        Parent ``i`` of the new layer is parent ``parent[i]`` of ``layers[source[i]]``.

    Raises
    ------
    ValueError
        If the layers differ in width, in the ranks of features or in precision, or no chunk is asked for.
    """
    widths = {layer.n_features for layer in layers}
    if len(widths) > 1:
        raise ValueError(f"the layers have different numbers of features: {sorted(widths)}")
    precisions = {layer.precision for layer in layers}
    if len(precisions) > 1:
        raise ValueError(f"the layers have different precisions: {sorted(precisions)}")
    if any(not np.array_equal(layer.ranks, layers[0].ranks) for layer in layers[1:]):
        raise ValueError("the layers rank their features differently; pack them with the same ranks")
    sources, parents = np.asarray(source, np.int64), np.asarray(parent, np.int64)
    if not sources.size:
        raise ValueError("no chunk is asked for; a layer has at least one parent")
    runs = _runs(sources, parents)
    pieces: dict[str, list[NDArray[Any]]] = {name: [] for name in (*_CHUNKED, "bias", "scales")}
    sizes = [np.zeros((1, len(_COLUMNS)), np.int64)]
    heads: list[NDArray[np.int64]] = []
    families = [np.zeros(1, np.int64)]
    for number, first, last in runs:
        layer = layers[number]
        begin, end = layer.extents[first, _COLUMNS], layer.extents[last, _COLUMNS]
        for name, a, b in zip(_CHUNKED, begin, end, strict=True):
            pieces[name].append(getattr(layer, name)[a:b])
        for name in ("bias", "scales"):  # float weights have no scales
            pieces[name].append(getattr(layer, name)[layer.branches[first] : layer.branches[last]])
        extents = layer.extents[first : last + 1]
        heads.append(extents[:-1, _TAIL] - extents[:-1, 0])
        sizes.append(np.diff(extents[:, _COLUMNS], axis=0))
        families.append(np.diff(layer.branches[first : last + 1]))
    padding = layers[0].units[layers[0].extents[-1, 4] :]
    pieces["units"].append(padding)
    arrays = {name: _joined(parts) for name, parts in pieces.items()}
    extents = np.empty((sources.size + 1, len(_COLUMNS) + 1), np.int64)
    extents[:, _COLUMNS] = np.cumsum(np.concatenate(sizes), axis=0)
    extents[:, _TAIL] = extents[:, 0]
    extents[:-1, _TAIL] += np.concatenate(heads)
    return LayerWeights(
        branches=np.cumsum(np.concatenate(families)),
        ranks=layers[0].ranks,
        extents=extents,
        n_features=widths.pop(),
        precision=precisions.pop(),
        index=arrays["index"],
        starts=arrays["starts"],
        bases=arrays["bases"],
        keys=arrays["keys"],
        units=arrays["units"],
        bias=arrays["bias"],
        scales=arrays["scales"],
    )


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Join arrays; of a large one from a mapped file, which comes first, the pages are shared and not copied."""
    first = parts[0]
    if first.nbytes >= _LARGE and len(parts) > 1 and not first.flags.writeable:
        rest = np.concatenate(parts[1:])
        joined = append_mapped(first.ravel().view(np.uint8), rest.ravel().view(np.uint8))
        if joined is not None:
            return joined.view(first.dtype).reshape(-1, *first.shape[1:])
        parts = [first, rest]
    return np.concatenate(parts)


def _packed(
    W: "sp.csc_array",
    bias: NDArray[np.float32],
    branches: NDArray[np.int64],
    like: LayerWeights,
    scales: NDArray[np.float32],
) -> LayerWeights:
    """Pack weights that another layer held, in its ranks and precision, to the same bits."""
    layer = LayerWeights.from_matrix(W, bias, branches, ranks=like.ranks).astype(like.precision)
    return replace(layer, scales=scales)


def _runs(source: NDArray[np.int64], parent: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Join neighbours: (source, first parent, one after the last parent)."""
    begins = np.flatnonzero(np.concatenate([[True], (np.diff(source) != 0) | (np.diff(parent) != 1)]))
    ends = np.append(begins[1:], source.size) - 1
    return list(
        zip(source[begins].tolist(), parent[begins].tolist(), (parent[ends] + 1).tolist(), strict=True)
    )


def _children(branches: NDArray[np.int64], parents: NDArray[np.int64]) -> NDArray[np.int64]:
    """Children of several parents, in their order."""
    widths = branches[parents + 1] - branches[parents]
    starts = np.concatenate([[0], np.cumsum(widths)])[:-1]
    children: NDArray[np.int64] = np.arange(widths.sum()) + np.repeat(branches[parents] - starts, widths)
    return children
