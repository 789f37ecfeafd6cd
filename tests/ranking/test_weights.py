import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from arborank.ranking.weights import LayerWeights
from arborank.state import State


def random_layer(rng, n_parents=5, widest=40, n_features=200, density=0.2):
    sizes = rng.integers(0, widest + 1, size=n_parents)
    branches = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    W = sp.random_array(
        (n_features, int(branches[-1])), density=density, rng=rng, dtype=np.float32, format="csc"
    )
    return W, rng.normal(size=int(branches[-1])).astype(np.float32), branches


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_parents=st.integers(1, 8),
    widest=st.sampled_from([1, 15, 16, 17, 80]),
    n_features=st.sampled_from([1, 7, 500, 3000]),
    density=st.sampled_from([0.0, 0.01, 0.3, 1.0]),
)
def test_round_trip(seed, n_parents, widest, n_features, density):
    W, bias, branches = random_layer(np.random.default_rng(seed), n_parents, widest, n_features, density)
    layer = LayerWeights.from_matrix(W, bias, branches)
    back, back_bias = layer.to_matrix()
    assert back.shape == W.shape
    assert (back != W).nnz == 0
    np.testing.assert_array_equal(back_bias, bias)
    assert back.has_sorted_indices
    assert layer.nnz == back.nnz == W.count_nonzero()
    assert layer.n_children == W.shape[1]


def test_widths_orders_and_threads_do_not_matter():
    W, bias, branches = random_layer(np.random.default_rng(0), n_parents=40)
    layer = LayerWeights.from_matrix(W, bias, branches)
    wide = sp.csr_matrix(W.astype(np.float64))
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    for other in (
        LayerWeights.from_matrix(wide, bias.astype(np.float64), branches.astype(np.int32)),
        LayerWeights.from_matrix(W, bias, branches, n_threads=7),
    ):
        for field in dataclasses.fields(LayerWeights):
            np.testing.assert_array_equal(getattr(other, field.name), getattr(layer, field.name))


def test_zeros_are_dropped():
    W = sp.csc_array((np.array([0.0, 2.0], np.float32), np.array([0, 1]), np.array([0, 2])), shape=(3, 1))
    layer = LayerWeights.from_matrix(W, np.zeros(1), np.array([0, 1]))
    assert layer.nnz == 1
    assert layer.nbytes == sum(a.nbytes for a in layer.to_state().arrays.values())


def test_state_round_trip_shares_arrays():
    layer = LayerWeights.from_matrix(*random_layer(np.random.default_rng(1)))
    state = layer.to_state()
    for array in state.arrays.values():
        array.flags.writeable = False
    again = LayerWeights.from_state(state)
    assert again.words is layer.words
    assert (again.to_matrix()[0] != layer.to_matrix()[0]).nnz == 0


@pytest.mark.parametrize(
    ("W", "bias", "branches", "match"),
    [
        (np.ones((2, 3)), np.zeros(2), [0, 3], "bias has shape"),
        (np.ones((2, 3)), [0, np.nan, 0], [0, 3], "bias contains NaN"),
        (np.full((2, 3), np.inf), np.zeros(3), [0, 3], "W contains infinity"),
        (np.ones((2, 3)), np.zeros(3), [0, 2], "branches must run from 0 to the 3"),
        (np.ones((2, 3)), np.zeros(3), [1, 3], "branches must run"),
        (np.ones((2, 3)), np.zeros(3), [0, 2, 1, 3], "branches decrease at parent 1"),
        (np.ones((2, 3)), np.zeros(3), [], "branches is empty"),
    ],
)
def test_refusals(W, bias, branches, match):
    with pytest.raises(ValueError, match=match):
        LayerWeights.from_matrix(sp.csc_array(W), bias, branches)


class TestCorruptLayers:
    """Whatever a file may hold: a clear error, never a read outside the arrays."""

    @pytest.fixture
    def state(self):
        return LayerWeights.from_matrix(*random_layer(np.random.default_rng(2), widest=70)).to_state()

    def refuse(self, state, match="corrupt layer weights", **changes):
        changed = State(config=state.config, arrays={**state.arrays, **changes})
        with pytest.raises(ValueError, match=match):
            LayerWeights.from_state(changed).native  # noqa: B018

    def test_intact(self, state):
        assert LayerWeights.from_state(state).native is not None

    @pytest.mark.parametrize("name", ["branches", "extents", "index", "rows", "words", "bias"])
    def test_truncated_or_of_another_type(self, state, name):
        self.refuse(state, **{name: state.arrays[name][:-1]})
        self.refuse(state, **{name: state.arrays[name][:0]})
        self.refuse(state, **{name: state.arrays[name].astype(np.float64)})

    @pytest.mark.parametrize("name", ["extents", "index", "rows"])
    def test_wrong_width(self, state, name):
        self.refuse(state, **{name: np.ascontiguousarray(state.arrays[name][:, :1])})

    @pytest.mark.parametrize("value", [0, 1, 15, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
    @pytest.mark.parametrize("name", ["branches", "extents", "index", "rows"])
    def test_any_changed_number_is_found(self, state, name, value):
        rng = np.random.default_rng(0)
        for at in rng.integers(0, state.arrays[name].size, size=40):
            array = state.arrays[name].copy()
            if array.flat[at] == value:
                continue
            array.flat[at] = value
            self.refuse(state, **{name: array})

    def test_not_finite(self, state):
        bias = state.arrays["bias"].copy()
        bias[3] = np.inf
        self.refuse(state, match="a bias is not finite", bias=bias)
        words = state.arrays["words"].copy()
        words[1] = np.float32(np.nan).view(np.uint32)
        self.refuse(state, match="a weight is not finite", words=words)

    def test_headers(self, state):
        for value in (0, 0x00010000, 0xFFFFFFFF, 0xFFFF0001, 0x0000FFFF):
            words = state.arrays["words"].copy()
            words[0] = value
            self.refuse(state, words=words)

    def test_number_of_features(self, state):
        for n in (-1, 3, 2**40):
            changed = State(config={"n_features": n}, arrays=state.arrays)
            with pytest.raises(ValueError, match="corrupt layer weights"):
                LayerWeights.from_state(changed).native  # noqa: B018

    def test_random_damage_never_crashes(self, state):
        """Layers that still pass the check must be safe to walk."""
        rng = np.random.default_rng(0)
        for _ in range(300):
            words = state.arrays["words"].copy()
            words[rng.integers(words.size)] ^= np.uint32(1) << np.uint32(rng.integers(32))
            layer = LayerWeights.from_state(
                State(config=state.config, arrays={**state.arrays, "words": words})
            )
            try:
                W, _ = layer.to_matrix()
            except ValueError as error:
                assert "corrupt" in str(error)
            else:
                assert W.nnz <= words.size
