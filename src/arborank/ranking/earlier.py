"""Layers as formats up to 3 saved them: with 32-bit starts and keys, and no pairs."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

__all__ = ["EARLIER", "read_earlier"]

EARLIER: Final = {"branches", "ranks", "extents", "index", "starts", "keys", "units", "bias", "scales"}

_INVERSE = np.uint32(340573321)  # of the multiplier that hashed ranks to keys
_COUNT = np.array([number.bit_count() for number in range(1 << 16)], np.int64)


def read_earlier(arrays: Mapping[str, NDArray[Any]], n_features: int, precision: str) -> sp.csc_array:
    """Return the weights of such a layer as a float32 matrix of shape (n_features, n_children)."""
    branches, extents = arrays["branches"], arrays["extents"]
    n_rows = np.diff(extents[:, 2]) - 1
    parent = np.repeat(np.arange(n_rows.size), n_rows)
    row = np.arange(parent.size) + extents[:-1, 2][parent] - (np.cumsum(n_rows) - n_rows)[parent]
    at = arrays["starts"][row] + extents[parent, 4]
    end = arrays["starts"][row + 1] + extents[parent, 4]
    features = _features(arrays)
    wide = np.diff(branches)[parent] > 16
    found: list[tuple[Any, Any, Any]] = []
    left = np.flatnonzero(at < end)
    while left.size:  # the first block of every row, then the second of those that have one, and so on
        mask = arrays["units"][at[left]].astype(np.int64)
        block = np.where(wide[left], arrays["units"][np.minimum(at[left] + 1, arrays["units"].size - 1)], 0)
        begin = at[left] + 1 + wide[left]
        for lane in range(16):
            there = np.flatnonzero(mask >> lane & 1)
            place = _COUNT[mask[there] & ((1 << lane) - 1)]
            child = branches[parent[left[there]]] + block[there].astype(np.int64) * 16 + lane
            weight = _weights(arrays["units"], begin[there], place, precision)
            if precision == "int8":
                weight = weight * arrays["scales"][child]
            found.append((weight, features[left[there]], child))
        count = _COUNT[mask]
        at[left] = begin + {"float32": 2 * count, "float16": count, "int8": (count + 1) // 2}[precision]
        left = left[at[left] < end[left]]
    columns = zip(*found, strict=True) if found else ((), (), ())
    weight, feature, child = (np.concatenate([*column, np.empty(0)]) for column in columns)
    shape = (n_features, int(branches[-1]))
    entries = (weight.astype(np.float32), (feature.astype(np.int64), child.astype(np.int64)))
    return sp.csc_array(sp.coo_array(entries, shape=shape))


def _features(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    """Return the feature of every row."""
    feature_of = np.argsort(arrays["ranks"])
    bits = np.ascontiguousarray(arrays["index"][:, 0]).astype("<u4")
    ranks: list[NDArray[Any]] = []
    extents = arrays["extents"]
    for here, after in pairwise(extents):
        dense = bits[here[0] : here[1]].view(np.uint8)
        ranks += [np.flatnonzero(np.unpackbits(dense, bitorder="little"))]
        ranks += [arrays["keys"][here[3] : after[3] - 1] * _INVERSE]
    return feature_of[np.concatenate(ranks).astype(np.int64)]


def _weights(
    units: NDArray[np.uint16], begin: NDArray[np.int64], place: NDArray[np.int64], precision: str
) -> NDArray[np.float32]:
    if precision == "float32":
        both = np.stack([units[begin + 2 * place], units[begin + 2 * place + 1]], axis=1)
        weights: NDArray[np.float32] = both.view(np.float32)[:, 0]
    elif precision == "float16":
        weights = units[begin + place].view(np.float16).astype(np.float32)
    else:
        weights = units.view(np.int8)[2 * begin + place].astype(np.float32)
    return weights
