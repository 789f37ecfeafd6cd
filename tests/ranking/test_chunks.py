"""Chunks moved between layers, against the columns of their matrices."""

import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from arborank import load
from arborank.ranking import LayerWeights
from arborank.ranking.chunks import append_chunks, concat_siblings, gather_chunks, select_children
from arborank.storage import save


def layer(seed, widths, n_features=23, density=0.3, backwards=False):
    rng = np.random.default_rng(seed)
    n = sum(widths)
    W = sp.random_array((n_features, n), density=density, rng=rng, dtype=np.float32, format="csc")
    bias = rng.normal(size=n).astype(np.float32)
    ranks = np.arange(n_features, dtype=np.int32)[:: -1 if backwards else 1].copy()
    branches = np.concatenate([[0], np.cumsum(widths)])
    return LayerWeights.from_matrix(W, bias, branches, ranks=ranks), W.toarray(), bias


WIDTHS = st.lists(st.integers(1, 40), min_size=1, max_size=6)


def same(found, W, bias, widths):
    found.check()
    matrix, found_bias = found.to_matrix()
    assert np.array_equal(matrix.toarray(), W)
    assert np.array_equal(found_bias, bias)
    assert np.diff(found.branches).tolist() == list(widths)


@given(WIDTHS, WIDTHS)
def test_append(first, second):
    a, W_a, b_a = layer(1, first)
    b, W_b, b_b = layer(2, second, backwards=True)
    same(append_chunks(a, b), np.hstack([W_a, W_b]), np.concatenate([b_a, b_b]), first + second)


@given(WIDTHS, st.data())
def test_select(widths, data):
    whole, W, bias = layer(3, widths)
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=bias.size, max_size=bias.size)))
    if not kept.any():
        with pytest.raises(ValueError, match="at least one parent"):
            select_children(whole, kept)
        return
    parents = np.repeat(np.arange(len(widths)), widths)
    left = [int(n) for n in np.bincount(parents[kept], minlength=len(widths)) if n]
    same(select_children(whole, kept), W[:, kept], bias[kept], left)


@given(WIDTHS, st.data())
def test_gather_in_any_order(widths, data):
    a, W, bias = layer(4, widths)
    b, V, other = layer(5, widths)
    n = len(widths)
    chosen = data.draw(st.lists(st.tuples(st.integers(0, 1), st.integers(0, n - 1)), min_size=1, max_size=8))
    found = gather_chunks([a, b], [s for s, _ in chosen], [p for _, p in chosen])
    bounds = np.concatenate([[0], np.cumsum(widths)])
    parts = [slice(bounds[p], bounds[p + 1]) for _, p in chosen]
    pick = [(W, bias) if s == 0 else (V, other) for s, _ in chosen]
    same(
        found,
        np.hstack([M[:, part] for (M, _), part in zip(pick, parts, strict=True)]),
        np.concatenate([c[part] for (_, c), part in zip(pick, parts, strict=True)]),
        [widths[p] for _, p in chosen],
    )


def test_siblings_of_two_roots():
    a, W_a, b_a = layer(6, [17])
    b, W_b, b_b = layer(7, [3])
    same(concat_siblings([a, b]), np.hstack([W_a, W_b]), np.concatenate([b_a, b_b]), [20])
    with pytest.raises(ValueError, match="a layer has 2 parents"):
        concat_siblings([a, layer(8, [1, 1])[0]])


def test_layers_of_other_width_are_refused():
    with pytest.raises(ValueError, match=r"different numbers of features: 23 and 5"):
        gather_chunks([layer(1, [2])[0], layer(2, [2], n_features=5)[0]], [0, 1], [0, 0])


def test_layers_of_other_ranks_are_packed_anew():
    (a, W_a, b_a), (b, W_b, b_b) = layer(1, [2]), layer(2, [3], backwards=True)
    same(gather_chunks([a, b], [1, 0], [0, 0]), np.hstack([W_b, W_a]), np.concatenate([b_b, b_a]), [3, 2])


@pytest.mark.parametrize(
    ("source", "parent", "match"),
    [
        ([0, 2], [0, 0], "source holds 2, but there are 2 layers"),
        ([0, -1], [0, 0], "source holds -1"),
        ([0, 1], [0, 1], "parent holds 1, but the layer has 1 parents"),
        ([0, 1], [-1, 0], "parent holds -1"),
        ([0, 1], [0], "of one length"),
        ([], [], "at least one parent"),
    ],
)
def test_parents_that_there_are_not(source, parent, match):
    layers = [layer(1, [2])[0], layer(2, [2])[0]]
    with pytest.raises(ValueError, match=match):
        gather_chunks(layers, source, parent)


def test_marks_fit_the_children():
    with pytest.raises(ValueError, match="kept has 3 entries, but the layer has 2 children"):
        select_children(layer(1, [2])[0], np.ones(3, bool))


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_other_precisions_keep_their_bits(precision):
    a, _, _ = layer(1, [5, 17, 3])
    small = a.astype(precision)
    b = layer(2, [4, 2], backwards=True)[0]
    joined = append_chunks(small, b)
    joined.check()
    assert joined.precision == precision
    assert np.array_equal(joined.to_matrix()[0][:, :25].toarray(), small.to_matrix()[0].toarray())
    expected = b.astype(precision).to_matrix()[0].toarray()
    assert np.array_equal(joined.to_matrix()[0][:, 25:].toarray(), expected)
    kept = np.arange(25) % 4 > 0
    thin = select_children(small, kept)
    thin.check()
    assert np.array_equal(thin.to_matrix()[0].toarray(), small.to_matrix()[0].toarray()[:, kept])
    one, two = layer(3, [9])[0].astype(precision), layer(4, [18])[0]
    both = concat_siblings([one, two])
    both.check()
    assert np.array_equal(both.to_matrix()[0][:, :9].toarray(), one.to_matrix()[0].toarray())
    mixed = gather_chunks([small, a], [0, 1], [0, 0])
    mixed.check()
    assert np.array_equal(mixed.to_matrix()[0][:, 5:].toarray(), small.to_matrix()[0][:, :5].toarray())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems copy")
def test_a_mapped_layer_goes_on_in_memory_again_and_again(tmp_path):
    """What comes first of a large array stays in its file; behind that comes what was appended before."""
    n = 3000
    W = sp.random_array((200, n), density=0.5, rng=np.random.default_rng(0), dtype=np.float32, format="csc")
    save(LayerWeights.from_matrix(W, np.zeros(n), np.arange(n + 1)), tmp_path / "layer")
    grown, expected = load(tmp_path / "layer"), W.toarray()
    for seed in range(4):
        more, matrix, _ = layer(seed, [20] * 50 * seed, n_features=200)
        grown = append_chunks(grown, more)
        grown.check()
        expected = np.hstack([expected, matrix])
        assert np.array_equal(grown.to_matrix()[0].toarray(), expected)
        assert is_mapped(grown.arrays["units"], tmp_path)


def is_mapped(array, directory):
    begin = array.__array_interface__["data"][0]
    for line in Path("/proc/self/maps").read_text().splitlines():
        low, high = (int(number, 16) for number in line.split()[0].split("-"))
        if low <= begin < high:
            return str(directory) in line
    return False
