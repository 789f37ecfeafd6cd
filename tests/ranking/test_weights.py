import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from arborank.core.sparse import as_csr
from arborank.core.state import State
from arborank.matching import BeamSearch
from arborank.ranking.weights import PRECISIONS, LayerWeights, feature_ranks


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
    n_features=st.sampled_from([1, 2, 3, 7, 500, 3000, 70_000]),
    density=st.sampled_from([0.0, 0.0005, 0.01, 0.3, 1.0]),
)
def test_round_trip(seed, n_parents, widest, n_features, density):
    density = min(density, 3000 / n_features)
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
        for name, array in layer.arrays.items():
            np.testing.assert_array_equal(other.arrays[name], array)


def test_zeros_are_dropped():
    W = sp.csc_array((np.array([0.0, 2.0], np.float32), np.array([0, 1]), np.array([0, 2])), shape=(3, 1))
    layer = LayerWeights.from_matrix(W, np.zeros(1), np.array([0, 1]))
    assert layer.nnz == 1
    assert layer.nbytes == sum(a.nbytes for a in layer.to_state().arrays.values())


def quantised(W, precision):
    """What weights become: the oracle."""
    W = W.toarray()
    if precision == "int8":
        scales = np.maximum(np.abs(W).max(axis=0, initial=0) / np.float32(127), np.finfo(np.float32).tiny)
        return np.rint(W / scales) * scales
    return W.astype(precision).astype(np.float32)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    widest=st.sampled_from([1, 15, 16, 17, 80]),
    n_features=st.sampled_from([1, 7, 500]),
    density=st.sampled_from([0.0, 0.05, 1.0]),
    precision=st.sampled_from(PRECISIONS),
    magnitude=st.sampled_from([1e-7, 1e-5, 1.0, 6e4]),
)
def test_precision(seed, widest, n_features, density, precision, magnitude):
    rng = np.random.default_rng(seed)
    W, bias, branches = random_layer(rng, 5, widest, n_features, density)
    W.data[:] = rng.normal(size=W.nnz).clip(-1, 1) * magnitude
    layer = LayerWeights.from_matrix(W, bias, branches)
    converted = layer.astype(precision, n_threads=2)
    assert converted.precision == precision
    converted.check()
    back, back_bias = converted.to_matrix()
    np.testing.assert_array_equal(back.toarray(), quantised(W, precision))
    np.testing.assert_array_equal(back_bias, bias)
    assert (back.data != 0).all()
    again = LayerWeights.from_state(converted.to_state())
    assert again.precision == precision
    assert (again.to_matrix()[0] != back).nnz == 0
    wide = converted.astype("float32")
    assert (wide.to_matrix()[0] != back).nnz == 0
    for same in (converted.astype(precision), wide.astype(precision)):
        np.testing.assert_allclose(same.to_matrix()[0].toarray(), back.toarray(), rtol=1e-6)
    assert converted.nbytes <= layer.nbytes + 4 * layer.n_children


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    widest=st.sampled_from([1, 16, 40]),
    density=st.sampled_from([0.05, 1.0]),
    precision=st.sampled_from(PRECISIONS),
    threshold=st.sampled_from([0, 0.25, 0.5, 10.0]),
    max_nonzeros=st.sampled_from([None, 0, 1, 7, 1000]),
)
def test_prune(seed, widest, density, precision, threshold, max_nonzeros):
    rng = np.random.default_rng(seed)
    W, bias, branches = random_layer(rng, 4, widest, 60, density)
    W.data[:] = rng.integers(-7, 8, size=W.nnz) / 8  # ties abound
    layer = LayerWeights.from_matrix(W, bias, branches).astype(precision)
    pruned = layer.prune(threshold=threshold, max_nonzeros=max_nonzeros, n_threads=2)
    pruned.check()
    assert pruned.precision == precision
    expected = layer.to_matrix()[0].toarray()
    expected[np.abs(expected) < threshold] = 0
    if max_nonzeros is not None:
        for column in expected.T:
            column[np.argsort(-np.abs(column), kind="stable")[max_nonzeros:]] = 0
    np.testing.assert_array_equal(pruned.to_matrix()[0].toarray(), expected)
    np.testing.assert_array_equal(pruned.bias, bias)
    assert np.shares_memory(pruned.ranks, layer.ranks)


def test_conversions_refuse():
    layer = LayerWeights.from_matrix(sp.csc_array(np.full((2, 1), 7e4)), np.zeros(1), np.array([0, 1]))
    with pytest.raises(ValueError, match=r"a weight is 70000.*float16 ends at 65504"):
        layer.astype("float16")
    with pytest.raises(
        ValueError, match="precision must be one of 'float32', 'float16', 'int8', found 'int4'"
    ):
        layer.astype("int4")
    for error, wrong in [
        (ValueError, {"threshold": -1}),
        (ValueError, {"threshold": np.nan}),
        (TypeError, {"threshold": "0.1"}),
        (ValueError, {"max_nonzeros": -1}),
        (TypeError, {"max_nonzeros": 2.5}),
    ]:
        with pytest.raises(error, match=next(iter(wrong))):
            layer.prune(**wrong)


def test_state_round_trip_shares_arrays():
    layer = LayerWeights.from_matrix(*random_layer(np.random.default_rng(1)))
    state = layer.to_state()
    for array in state.arrays.values():
        array.flags.writeable = False
    again = LayerWeights.from_state(state)
    for name, array in again.arrays.items():
        assert array.size == 0 or np.shares_memory(array, state.arrays[name])
    assert (again.to_matrix()[0] != layer.to_matrix()[0]).nnz == 0


@pytest.mark.parametrize(
    ("W", "bias", "branches", "match"),
    [
        (np.ones((2, 3)), np.zeros(2), [0, 3], "bias has shape"),
        (np.ones((2, 3)), [0, np.nan, 0], [0, 3], "bias contains NaN"),
        (np.full((2, 3), np.inf), np.zeros(3), [0, 3], "W contains infinity"),
        (np.ones((2, 3)), np.zeros(3), [0, 2], "branches must run from 0 to 3, found 0 to 2"),
        (np.ones((2, 3)), np.zeros(3), [1, 3], "branches must run"),
        (np.ones((2, 3)), np.zeros(3), [0, 2, 1, 3], "branches decreases after parent 1"),
        (np.ones((2, 3)), np.zeros(3), [], "branches is empty"),
    ],
)
def test_refusals(W, bias, branches, match):
    with pytest.raises(ValueError, match=match):
        LayerWeights.from_matrix(sp.csc_array(W), bias, branches)


class TestCorruptLayers:
    """Whatever a file may hold: a clear error, never a read outside the arrays."""

    @pytest.fixture(params=PRECISIONS)
    def state(self, request):
        """A layer with common and rare features."""
        rng = np.random.default_rng(2)
        W, bias, branches = random_layer(rng, widest=70)
        rare = sp.random_array((3000, bias.size), density=0.002, rng=rng, dtype=np.float32, format="csc")
        layer = LayerWeights.from_matrix(sp.vstack([W, rare], format="csc"), bias, branches)
        assert layer.arrays["keys"].size
        return layer.astype(request.param).to_state()

    def refuse(self, state, match="corrupt layer weights", **changes):
        changed = State(config=state.config, arrays={**state.arrays, **changes})
        with pytest.raises(ValueError, match=match):
            LayerWeights.from_state(changed).check()

    def survive(self, layer):
        """Search it whatever it holds; sanitizers watch."""
        X = as_csr(sp.random_array((20, layer.n_features), density=0.3, rng=np.random.default_rng(0)), "X")
        n_parents = layer.branches.size - 1
        top = LayerWeights.from_matrix(
            sp.csc_array((layer.n_features, n_parents), dtype=np.float32),
            np.zeros(n_parents),
            np.array([0, n_parents]),
        )
        labels = np.arange(layer.n_children, dtype=np.int32)
        search = BeamSearch([top.branches, layer.branches], [top, layer], labels, labels.size)
        with np.errstate(all="ignore"):
            search.topk(X, 5, beam_size=n_parents)
            search.topk(X, 5, beam_size=n_parents, combine="noop", n_threads=2)

    def test_intact(self, state):
        LayerWeights.from_state(state).check()

    @pytest.mark.parametrize(
        "name", ["branches", "extents", "bias", "ranks", "index", "starts", "bases", "keys", "units"]
    )
    def test_truncated_or_of_another_type(self, state, name):
        whole = state.arrays[name]
        for array in (whole[:-1], whole[:0], whole.astype(np.float64)):
            if array.dtype == whole.dtype and array.size == whole.size:
                continue  # layers that are not int8 have no scales
            changed = State(config=state.config, arrays={**state.arrays, name: array})
            with pytest.raises(ValueError, match="corrupt layer weights"):
                LayerWeights.from_state(changed)

    @pytest.mark.parametrize("name", ["extents", "index"])
    def test_wrong_width(self, state, name):
        self.refuse(state, **{name: np.ascontiguousarray(state.arrays[name][:, :1])})

    @pytest.mark.parametrize("value", [0, 1, 15, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
    @pytest.mark.parametrize("name", ["branches", "extents", "ranks", "index", "starts", "bases", "keys"])
    def test_any_changed_number_is_found_and_harmless(self, state, name, value):
        rng = np.random.default_rng(0)
        for at in rng.integers(0, state.arrays[name].size, size=20):
            array = state.arrays[name].copy()
            if array.flat[at] == np.array(value).astype(array.dtype):
                continue
            if name == "index" and int(array.flat[at]).bit_count() == value.bit_count():
                continue  # another feature's bit is as good
            array.flat[at] = np.array(value).astype(array.dtype)
            if name != "keys":  # another feature's key may be as good
                self.refuse(state, **{name: array})
            try:
                layer = LayerWeights.from_state(
                    State(config=state.config, arrays={**state.arrays, name: array})
                )
            except ValueError:
                continue
            self.survive(layer)

    def test_not_finite(self):
        state = LayerWeights.from_matrix(*random_layer(np.random.default_rng(2), widest=70)).to_state()
        bias = state.arrays["bias"].copy()
        bias[3] = np.inf
        self.refuse(state, match="a bias is not finite", bias=bias)
        units = state.arrays["units"].copy()
        units[2:4] = np.array([np.nan], np.float32).view(np.uint16)
        self.refuse(state, match="a weight is not finite", units=units)
        state = LayerWeights.from_state(state).astype("float16").to_state()
        units = state.arrays["units"].copy()
        units[2] = 0x7C00
        self.refuse(state, match="a weight is not finite", units=units)
        state = LayerWeights.from_state(state).astype("int8").to_state()
        scales = np.full_like(state.arrays["scales"], np.inf)
        self.refuse(state, match="a scale is not finite", scales=scales)
        self.refuse(state, match="there are 1 scales", scales=scales[:1])

    def test_headers(self):
        W = sp.random_array((50, 40), density=0.3, rng=np.random.default_rng(5), dtype=np.float32)
        state = LayerWeights.from_matrix(W, np.zeros(40), np.array([0, 40])).to_state()
        for header in ((0, 0), (1, 5), (0xFFFF, 0xFFFF), (0xFFFF, 0), (1, 0xFFFF)):
            units = state.arrays["units"].copy()
            units[:2] = header
            self.refuse(state, units=units)
            self.survive(
                LayerWeights.from_state(State(config=state.config, arrays={**state.arrays, "units": units}))
            )

    def test_padding(self, state):
        units = state.arrays["units"].copy()
        units[-1] = 1
        self.refuse(state, match="padding", units=units)

    def test_number_of_features(self, state):
        for n in (-1, 3, 2**40):
            changed = State(config={**state.config, "n_features": n}, arrays=state.arrays)
            with pytest.raises(ValueError, match=r"corrupt layer weights|n_features must be"):
                LayerWeights.from_state(changed)

    @pytest.mark.parametrize("name", ["index", "starts", "bases", "keys", "units", "ranks", "extents"])
    def test_random_damage_never_crashes(self, state, name):
        """Whatever still opens must be safe to search, and what passes the check safe to take apart."""
        rng = np.random.default_rng(0)
        for _ in range(60):
            array = state.arrays[name].copy()
            damaged = array.reshape(-1).view(np.uint8)
            for _ in range(rng.integers(1, 20)):
                damaged[rng.integers(damaged.size)] ^= np.uint8(1 << rng.integers(8))
            try:
                layer = LayerWeights.from_state(
                    State(config=state.config, arrays={**state.arrays, name: array})
                )
            except ValueError:
                continue
            self.survive(layer)
            try:
                W, _ = layer.to_matrix()
            except ValueError:
                continue
            assert W.nnz <= array.size or name != "units"

    def test_arrays_of_another_version(self, state):
        arrays = {name: array for name, array in state.arrays.items() if name != "ranks"}
        with pytest.raises(ValueError, match=r"hold the arrays .* were expected"):
            LayerWeights.from_state(State(config=state.config, arrays=arrays))


def test_ranks():
    X = as_csr(sp.csr_array(np.array([[1, 0, 1, 1], [1, 0, 0, 1], [1, 0, 0, 0]], np.float32)), "X")
    np.testing.assert_array_equal(feature_ranks(X), [0, 3, 2, 1])
    W, bias, branches = random_layer(np.random.default_rng(3), n_features=50)
    expected = LayerWeights.from_matrix(W, bias, branches).to_matrix()[0]
    ranks = np.random.default_rng(4).permutation(50).astype(np.int32)
    layer = LayerWeights.from_matrix(W, bias, branches, ranks=ranks)
    assert np.shares_memory(layer.ranks, ranks)
    assert (layer.to_matrix()[0] != expected).nnz == 0
    for wrong in (ranks[:-1], np.zeros(50, np.int32), ranks + 1, ranks.astype(np.int64)):
        with pytest.raises(ValueError, match="permutation"):
            LayerWeights.from_matrix(W, bias, branches, ranks=wrong)
