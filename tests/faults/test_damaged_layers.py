"""Whatever numbers a layer of weights holds, no search of it reads or writes outside its arrays."""

import numpy as np
import pytest
import scipy.sparse as sp

from arborank.core.sparse import as_csr
from arborank.core.state import State
from arborank.matching import BeamSearch
from arborank.ranking import LayerWeights
from arborank.ranking.weights import PRECISIONS

N_FEATURES = 3000


@pytest.fixture(scope="module", params=PRECISIONS)
def layer(request):
    rng = np.random.default_rng(0)
    W = sp.random_array((N_FEATURES, 40), density=0.2, rng=rng, dtype=np.float32, format="csc")
    return LayerWeights.from_matrix(W, np.zeros(40), np.array([0, 40])).astype(request.param)


def damaged(layer, **arrays):
    state = layer.to_state()
    return LayerWeights.from_state(State(state.config, {**state.arrays, **arrays}))


def search(layer, n_rows):
    X = as_csr(np.random.default_rng(1).random((n_rows, N_FEATURES), np.float32), "X")
    labels = np.arange(layer.n_children, dtype=np.int32)
    ids, scores = BeamSearch([layer.branches], [layer], labels, labels.size).topk(X, 5, combine="noop")
    assert ((ids >= -1) & (ids < labels.size)).all()
    assert not np.isnan(scores).any()


@pytest.mark.parametrize("n_rows", [1, 40])
@pytest.mark.parametrize(
    "ranks",
    [
        np.zeros(N_FEATURES),
        np.full(N_FEATURES, 511),
        np.arange(N_FEATURES) % 512,
        np.arange(N_FEATURES) % 513,
        np.full(N_FEATURES, -1),
        np.full(N_FEATURES, 2**31 - 1),
        np.arange(N_FEATURES) - 1500,
    ],
    ids=["all-0", "all-511", "commonest", "nearly", "negative", "largest", "half-negative"],
)
def test_ranks_that_are_no_permutation(layer, ranks, n_rows):
    wrong = damaged(layer, ranks=ranks.astype(np.int32))
    search(wrong, n_rows)
    with pytest.raises(ValueError, match="ranks are no permutation"):
        wrong.check()


@pytest.mark.parametrize("n_parents", [2, 3])
@pytest.mark.parametrize("least", [-(2**63), -(2**63) + 39, -1, 2**63 - 1])
def test_branches_that_wrap_round(layer, n_parents, least):
    branches = np.array([0, 20, *[least] * (n_parents - 2), 40])[: n_parents + 1]
    branches[1] = 20 if n_parents == 3 else least
    extents = np.concatenate([layer.arrays["extents"][:1]] * n_parents + [layer.arrays["extents"][1:]])
    with pytest.raises(ValueError, match=r"out of order|extents"):
        damaged(layer, branches=branches, extents=extents)


@pytest.mark.parametrize("column", range(6))
@pytest.mark.parametrize("value", [-(2**63), -1, 2**63 - 1, 2**63 - 40, 2**62])
@pytest.mark.parametrize("row", [0, 1])
def test_extents_that_wrap_round(layer, row, column, value):
    extents = layer.arrays["extents"].copy()
    extents[row, column] = value
    with pytest.raises(ValueError, match="corrupt layer weights"):
        damaged(layer, extents=extents)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf, 3e38])
def test_scales(layer, scale):
    layer = layer.astype("int8")
    scales = layer.arrays["scales"].copy()
    scales[3] = scale
    with pytest.raises(ValueError, match="a scale is not finite and positive"):
        damaged(layer, scales=scales)


def test_sizes_that_no_layer_has(layer):
    state = layer.to_state()
    for n_features in (-1, N_FEATURES + 1, 2**31, 2**40, 2**62):
        with pytest.raises(ValueError, match="n_features"):
            LayerWeights.from_state(State({**state.config, "n_features": n_features}, state.arrays))
    with pytest.raises(ValueError, match="corrupt layer weights"):
        damaged(layer, extents=np.empty((0, 6), np.int64), branches=np.zeros(1, np.int64))
