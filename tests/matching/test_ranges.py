"""Beam search among labels with neighbouring ids."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arborank.core.sparse import as_csr
from arborank.indexing import trie_tree
from arborank.matching.combine import COMBINATIONS
from support.beam import Model, leading_to, random_instances, random_model, topk_of_row

SHORT = 512  # longer ranges are told from the span of labels below a node


def spans_of(model):
    """Least and greatest label below every node of every level below the root."""
    least, greatest = [model.labels], [model.labels]
    for branch in model.branches[:0:-1]:
        least.append(np.array([least[-1][a:b].min() for a, b in pairwise(branch)]))
        greatest.append(np.array([greatest[-1][a:b].max() for a, b in pairwise(branch)]))
    return list(zip(least[::-1], greatest[::-1], strict=True))


def reference(model, X, k, beam_size, combine, ranges, excluded=None):
    rows = []
    for i, (x, (first, end)) in enumerate(zip(X, ranges, strict=True)):
        meeting = [(least < end) & (greatest >= first) for least, greatest in spans_of(model)]
        level, node = 0, 0
        while level + 1 < len(model.branches):
            children = np.arange(model.branches[level][node], model.branches[level][node + 1])
            children = children[meeting[level][children]]
            if children.size != 1:
                break
            level, node = level + 1, int(children[0])
        ids = np.arange(model.n_labels)
        masks = meeting if end - first > SHORT else leading_to(model, (ids >= first) & (ids < end))
        held = None if excluded is None else excluded[i if excluded.shape[0] > 1 else 0] != 0
        rows.append(
            topk_of_row(model, x, k, beam_size, combine, excluded=held, masks=masks, start=(level, node))
        )
    return np.array([ids for ids, _ in rows]), np.array([scores for _, scores in rows])


@settings(max_examples=120)
@given(
    seed=st.integers(0, 2**32 - 1),
    depth=st.integers(1, 4),
    widest=st.sampled_from([1, 2, 5, 17, 40]),
    n_rows=st.integers(1, 8),
    k=st.sampled_from([1, 3, 40]),
    beam_size=st.sampled_from([1, 2, 7, 1000]),
    combine=st.sampled_from(COMBINATIONS),
    overlap=st.booleans(),
    ordered=st.booleans(),
    large=st.booleans(),
    with_excluded=st.booleans(),
)
def test_equals_reference(
    seed, depth, widest, n_rows, k, beam_size, combine, overlap, ordered, large, with_excluded
):
    rng = np.random.default_rng(seed)
    model = random_model(
        rng, depth=depth, widest=widest, n_features=12, overlap=overlap, most=1500 if large else 100
    )
    if ordered:  # as in a trie
        model.labels.sort()
    ranges = np.sort(rng.integers(0, model.n_labels + 1, size=(n_rows, 2)), axis=1)
    X = random_instances(rng, n_rows, 12)
    excluded = (rng.random((n_rows, model.n_labels)) < 0.2).astype(np.float32) if with_excluded else None
    mask = None if excluded is None else as_csr(excluded)
    expected = reference(model, X, k, beam_size, combine, ranges, excluded)
    search = model.search()
    for n_threads in (1, 2):
        got = search.topk(
            as_csr(X),
            k,
            beam_size=beam_size,
            combine=combine,
            excluded=mask,
            ranges=ranges,
            n_threads=n_threads,
        )
        np.testing.assert_array_equal(got[0], expected[0])
        np.testing.assert_array_equal(got[1], expected[1])


def test_the_whole_range_is_no_restriction():
    rng = np.random.default_rng(0)
    model = random_model(rng, depth=3, widest=8, n_features=10)
    X = as_csr(random_instances(rng, 20, 10))
    ranges = np.tile([0, model.n_labels], (20, 1))
    for free, ranged in zip(model.search().topk(X, 5), model.search().topk(X, 5, ranges=ranges), strict=True):
        np.testing.assert_array_equal(free, ranged)


def test_only_labels_of_the_range_and_scores_from_its_node_on():
    names = sorted(f"{a}{b}" for a in "abc" for b in "xyz")
    tree = trie_tree(names)
    rng = np.random.default_rng(1)
    model = random_model(rng, depth=1, widest=1, n_features=4)
    model.branches, model.labels, model.n_labels = list(tree.branches), tree.labels, 9
    model.matrices = [rng.normal(size=(4, n)).astype(np.float32) for n in tree.level_sizes[1:]]
    model.biases = [np.zeros(n, np.float32) for n in tree.level_sizes[1:]]
    x = as_csr(np.ones((1, 4), np.float32))
    whole = dict(zip(*(a[0].tolist() for a in model.search().topk(x, 9)), strict=True))
    ids, scores = model.search().topk(x, 9, ranges=np.array([[3, 6]]))
    assert sorted(ids[0].tolist()) == [-1] * 6 + [3, 4, 5]
    ratios = [
        whole[i] / score for i, score in zip(ids[0].tolist(), scores[0].tolist(), strict=True) if i >= 0
    ]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ([[0, 1], [0, 1]], r"ranges has shape \(2, 2\), but \(1, 2\)"),
        ([[0, 1, 2]], r"ranges has shape \(1, 3\)"),
        ([[-1, 1]], "go from -1 to 1, outside the 3 labels"),
        ([[2, 1]], "go from 2 to 1"),
        ([[0, 4]], "go from 0 to 4"),
    ],
)
def test_bad_ranges(ranges, message):
    model = Model(
        [np.array([0, 3])],
        [np.eye(4, 3, dtype=np.float32)],
        [np.zeros(3, np.float32)],
        np.arange(3, dtype=np.int32),
        3,
    )
    with pytest.raises(ValueError, match=message):
        model.search().topk(as_csr(np.ones((1, 4), np.float32)), 1, ranges=np.array(ranges))


def test_ranges_do_not_go_with_allowed():
    model = random_model(np.random.default_rng(0), depth=1, widest=3, n_features=4)
    allowed = as_csr(np.ones((1, model.n_labels), np.float32))
    with pytest.raises(ValueError, match="ranges and allowed"):
        model.search().topk(
            as_csr(np.ones((1, 4), np.float32)), 1, ranges=np.array([[0, 1]]), allowed=allowed
        )
