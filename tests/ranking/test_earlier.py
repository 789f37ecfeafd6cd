"""The layout of formats up to 3, written plainly, is read."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp

from arborank.ranking.weights import PRECISIONS, LayerWeights
from arborank.state import State

MULTIPLIER = 2654435769


def packed(values, precision, scales):
    if precision == "int8":
        data = np.rint(values / scales).astype(np.int8).tobytes()
        return np.frombuffer(data + b"\0" * (len(data) % 2), np.uint16).tolist()
    return np.frombuffer(values.astype(precision).tobytes(), np.uint16).tolist()


def written(W, bias, branches, ranks, precision, n_dense):
    """The arrays of a layer whose first ranks have a bit each; the others have keys."""
    scales = np.maximum(np.abs(W).max(axis=0, initial=0) / np.float32(127), np.finfo(np.float32).tiny)
    index, starts, keys, units, extents = [], [], [], [], []
    feature_of = np.argsort(ranks)
    for first, last in itertools.pairwise(branches):
        chunk = W[:, first:last]
        there = np.flatnonzero(np.abs(chunk[feature_of]).max(axis=1, initial=0) > 0)
        dense = there[there < n_dense]
        tail = sorted((int(rank) * MULTIPLIER % 2**32, rank) for rank in there[there >= n_dense])
        here = [len(index), len(index) + n_dense // 32, len(starts), len(keys), len(units)]
        bits = np.zeros(n_dense, np.uint8)
        bits[dense] = 1
        index += [*np.packbits(bits, bitorder="little").view(np.uint32).tolist(), 0]
        base = len(units)
        for rank in [*dense, *(rank for _, rank in tail)]:
            starts.append(len(units) - base)
            row = chunk[feature_of[rank]]
            for block in range(0, row.size, 16):
                lanes = np.flatnonzero(row[block : block + 16])
                if not lanes.size:
                    continue
                units += [int((1 << lanes).sum())] + ([block // 16] if row.size > 16 else [])
                units += packed(row[block + lanes], precision, scales[first + block + lanes])
        starts.append(len(units) - base)
        keys += [key for key, _ in tail] + [2**32 - 1]
        extents.append(here)
    extents.append([len(index), len(index), len(starts), len(keys), len(units)])
    return {
        "branches": branches,
        "ranks": ranks,
        "extents": np.array(extents, np.int64),
        "index": np.stack([np.array(index, np.uint32), np.zeros(len(index), np.uint32)], axis=1),
        "starts": np.array(starts, np.uint32),
        "keys": np.array(keys, np.uint32),
        "units": np.array(units + [0] * 40, np.uint16),
        "bias": bias,
        "scales": scales if precision == "int8" else np.empty(0, np.float32),
    }


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("density", [0.0, 0.02, 0.6])
def test_an_earlier_layout_is_read(precision, density):
    rng = np.random.default_rng(0)
    branches = np.array([0, 3, 3, 60, 61, 100])
    W = rng.normal(size=(300, 100)).astype(np.float32)
    W[rng.random(W.shape) >= density] = 0
    bias = rng.normal(size=100).astype(np.float32)
    ranks = rng.permutation(300).astype(np.int32)
    arrays = written(W, bias, branches, ranks, precision, 96)
    config = {"n_features": 300, "precision": precision}
    layer = LayerWeights.from_state(State(config=config, arrays=arrays))
    layer.check()
    new = LayerWeights.from_matrix(sp.csc_array(W), bias, branches, ranks=ranks).astype(precision)
    for name in ("units", "starts", "keys", "index", "bias", "scales"):
        np.testing.assert_array_equal(getattr(layer, name), getattr(new, name))


def test_a_damaged_one_is_refused():
    arrays = written(
        np.eye(64, 20, dtype=np.float32),
        np.zeros(20, np.float32),
        np.array([0, 20]),
        np.arange(64, dtype=np.int32),
        "float32",
        32,
    )
    arrays["extents"] = arrays["extents"] * 1000
    with pytest.raises(ValueError, match="corrupt layer weights"):
        LayerWeights.from_state(State(config={"n_features": 64, "precision": "float32"}, arrays=arrays))
