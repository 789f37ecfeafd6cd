"""Overlapping trees: copies of labels, against a plain greedy search."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from arborank import LabelTree
from arborank.indexing import home_leaves, overlapping_tree, place_labels
from arborank.indexing.overlap import COPIES


def plain_cover(Y, beams, scores, homes, n_leaves, max_clusters, limit, min_gain):
    """All pairs tried at every step; ties fall to the smaller label, then to the smaller leaf."""
    n, n_labels = Y.shape
    worth = np.zeros((n, n_leaves))
    for i in range(n):
        for leaf, score in zip(beams[i], scores[i], strict=True):
            if leaf >= 0:
                worth[i, leaf] = score
    leaves = [[int(h)] if h >= 0 else [] for h in homes]
    while True:
        sizes = np.bincount([leaf for own in leaves for leaf in own], minlength=n_leaves)
        best, gain = None, 0.0
        for label in range(n_labels):
            if not leaves[label] or len(leaves[label]) >= max_clusters:
                continue
            rows = np.flatnonzero(Y[:, label])
            covered = worth[np.ix_(rows, leaves[label])].max(axis=1)
            for leaf in range(n_leaves):
                if sizes[leaf] >= limit or leaf in leaves[label]:
                    continue
                new = np.maximum(worth[rows, leaf] - covered, 0).sum()
                if new > gain and new >= min_gain * rows.size:
                    best, gain = (label, leaf), new
        if best is None:
            return leaves
        leaves[best[0]].append(best[1])


def leaves_of(tree):
    found = [[] for _ in range(tree.n_labels)]
    for label, leaf in zip(tree.labels.tolist(), tree.parents(tree.depth).tolist(), strict=True):
        found[label].append(leaf)
    return found


@st.composite
def problems(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, n_labels, n_leaves = draw(st.integers(1, 12)), draw(st.integers(2, 8)), draw(st.integers(2, 5))
    width = draw(st.integers(1, n_leaves))
    Y = (rng.random((n, n_labels)) < 0.4).astype(np.float32)
    beams = np.array([rng.permutation(n_leaves)[:width] for _ in range(n)])
    scores = rng.integers(0, 5, size=beams.shape).astype(np.float32) / 4  # exact sums
    beams[rng.random(beams.shape) < 0.2] = -1
    ids = np.concatenate([np.arange(min(n_leaves, n_labels)), rng.integers(0, n_leaves, n_labels)])[:n_labels]
    return Y, beams, scores, LabelTree.from_clusters(ids)


@settings(max_examples=150)
@given(problems(), st.integers(1, 3), st.integers(1, 6), st.sampled_from([0.0, 0.25, 0.5]))
def test_cover_takes_the_most_valuable_copy_each_time(problem, max_clusters, limit, min_gain):
    Y, beams, scores, tree = problem
    n_leaves = tree.level_sizes[-2]
    if tree.depth == 1 or max_clusters > n_leaves:
        return
    beams = np.where(beams < n_leaves, beams, -1)
    refined, leaves = overlapping_tree(
        tree, Y, beams, scores, max_clusters=max_clusters, max_leaf_size=limit, min_gain=min_gain
    )
    homes = home_leaves(tree)
    expected = plain_cover(Y, beams, scores, homes, n_leaves, max_clusters, limit, min_gain)
    assert [sorted(own) for own in leaves_of(refined)] == [sorted(own) for own in expected]
    assert np.array_equal(leaves, np.arange(n_leaves))
    assert refined.branches[0].tolist() == tree.branches[0].tolist()


def plain_most_worth(Y, beams, scores, homes, n_leaves, max_clusters, limit):
    """Pairs that are worth something, the best first, then by label and leaf, one after the other."""
    worth = {}
    for row, label in zip(*np.nonzero(Y), strict=True):
        for leaf, score in zip(beams[row].tolist(), scores[row].tolist(), strict=True):
            if leaf >= 0 and homes[label] >= 0:
                worth[label, leaf] = worth.get((label, leaf), 0) + score
    own = [[] for _ in homes]
    sizes = [0] * n_leaves
    for label, leaf in sorted(worth, key=lambda pair: (-worth[pair], pair)):
        if worth[label, leaf] > 0 and len(own[label]) < max_clusters and sizes[leaf] < limit:
            own[label].append(leaf)
            sizes[leaf] += 1
    return [leaves or ([int(homes[label])] if homes[label] >= 0 else []) for label, leaves in enumerate(own)]


@settings(max_examples=150)
@given(problems(), st.integers(1, 3), st.integers(1, 6), st.sampled_from(["all", "counted"]))
def test_pairs_of_most_worth_are_taken_first(problem, max_clusters, limit, copies):
    Y, beams, scores, tree = problem
    n_leaves = tree.level_sizes[-2]
    if tree.depth == 1 or max_clusters > n_leaves:
        return
    beams = np.where(beams < n_leaves, beams, -1)
    refined, leaves = overlapping_tree(
        tree, Y, beams, scores, max_clusters=max_clusters, copies=copies, max_leaf_size=limit
    )
    values = scores if copies == "all" else np.ones_like(scores)
    expected = plain_most_worth(Y, beams, values, home_leaves(tree), n_leaves, max_clusters, limit)
    found = [sorted(int(leaves[leaf]) for leaf in own) for own in leaves_of(refined)]
    assert found == [sorted(own) for own in expected]


def two_senses():
    """Label 0 is at home with label 1; half of its instances are sent to the leaf of labels 2 and 3."""
    tree = LabelTree.from_clusters([0, 0, 1, 1])
    Y = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]], np.float32)
    beams = np.array([[0], [0], [1], [1]])
    return tree, Y, beams, np.ones(beams.shape, np.float32)


@pytest.mark.parametrize("copies", COPIES)
def test_a_label_of_two_senses_gets_two_leaves(copies):
    refined, _ = overlapping_tree(*two_senses(), copies=copies)
    assert leaves_of(refined)[0] == [0, 1]
    assert refined.overlapping
    assert refined.n_labels == 4


def test_counting_moves_a_label_and_empties_leaves():
    tree = LabelTree.from_clusters([0, 1, 2])
    Y = np.eye(3, dtype=np.float32)[[0, 1, 2]]
    beams = np.array([[1], [1], [-1]])
    refined, leaves = overlapping_tree(
        tree, Y, beams, np.ones((3, 1)), max_clusters=2, copies="counted", max_leaf_size=3
    )
    assert leaves.tolist() == [1, 2]  # label 2 is found by no beam and stays
    assert leaves_of(refined) == [[0], [0], [1]]


def test_counting_respects_the_limit():
    tree = LabelTree.from_clusters([0, 1, 1, 1])
    Y = np.eye(4, dtype=np.float32)
    beams = np.zeros((4, 1), int)
    refined, _ = overlapping_tree(tree, Y, beams, np.ones((4, 1)), copies="counted", max_leaf_size=2)
    assert np.diff(refined.branches[-1]).tolist() == [2, 2]


def test_a_full_leaf_takes_no_copy():
    tree, Y, beams, scores = two_senses()
    refined, _ = overlapping_tree(tree, Y, beams, scores, max_leaf_size=2)
    assert refined == tree
    refined, _ = overlapping_tree(tree, Y, beams, scores)  # a sixth more than the fullest leaf holds: 3
    assert refined.labels.size == 5


def test_a_copy_must_be_worth_it():
    tree, Y, beams, scores = two_senses()
    assert overlapping_tree(tree, Y, beams, scores, min_gain=0.5)[0].overlapping
    assert not overlapping_tree(tree, Y, beams, scores, min_gain=0.51)[0].overlapping


def test_labels_outside_the_tree_stay_outside():
    tree = LabelTree.from_clusters([0, 1]).relabel([0, 2], 3)
    refined, _ = overlapping_tree(tree, np.ones((2, 3)), [[0, 1]] * 2, np.ones((2, 2)), max_leaf_size=4)
    assert set(refined.labels.tolist()) <= {0, 2}
    with_counts, _ = overlapping_tree(
        tree, np.ones((2, 3)), [[0, 1]] * 2, np.ones((2, 2)), copies="counted", max_leaf_size=4
    )
    assert leaves_of(with_counts) == [[0, 1], [], [0, 1]]


def test_place_labels_drops_empty_branches():
    tree = LabelTree.from_clusters(np.arange(8), branching=2)  # 2 x 2 x 2 leaves of one label
    assert tree.depth == 4
    placed = place_labels(tree, np.arange(8), [0, 0, 0, 1, 6, 6, 7, 7])
    assert placed.level_sizes == (1, 2, 2, 4, 8)
    assert placed.labels.tolist() == list(range(8))


@pytest.mark.parametrize(
    ("labels", "leaves", "message"),
    [
        ([0, 1, 0], [0, 1, 0], "label 0 is twice"),
        ([0, 1], [0, 2], "leaves holds 2"),
        ([0, 1], [0], "equal lengths"),
        ([0, 9], [0, 1], "labels holds 9"),
    ],
)
def test_place_labels_refuses(labels, leaves, message):
    with pytest.raises(ValueError, match=message):
        place_labels(LabelTree.from_clusters([0, 1]), labels, leaves)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_clusters": 0}, "max_clusters must be at least 1"),
        ({"max_clusters": 3}, "max_clusters is 3, but the tree has 2 leaves"),
        ({"min_gain": -1}, "min_gain must be at least 0"),
        ({"max_leaf_size": 0}, "max_leaf_size must be at least 1"),
        ({"copies": "best"}, "copies must be one of 'needed', 'all', 'counted', found 'best'"),
        ({"copies": "all", "min_gain": 0.1}, "min_gain is 0.1, but copies is 'all'"),
        ({"beams": [[2]] * 4}, "beams holds 2"),
        ({"beams": [[0]] * 3}, "beams and scores have shapes"),
        ({"scores": [[np.nan]] * 4}, "scores must be finite"),
        ({"scores": [[-1.0]] * 4}, "scores must be finite"),
    ],
)
def test_refuses(options, message):
    tree, Y, beams, scores = two_senses()
    arguments = {"beams": beams, "scores": scores} | options
    with pytest.raises(ValueError, match=message):
        overlapping_tree(tree, Y, **arguments)


def test_refuses_a_tree_that_overlaps():
    tree, Y, beams, scores = two_senses()
    refined, _ = overlapping_tree(tree, Y, beams, scores)
    with pytest.raises(ValueError, match="tree is overlapping"):
        overlapping_tree(refined, Y, beams, scores)
    with pytest.raises(TypeError, match="beams must hold integers"):
        overlapping_tree(tree, Y, beams.astype(float), scores)


def test_sparse_labels_give_the_same_tree():
    tree, Y, beams, scores = two_senses()
    assert (
        overlapping_tree(tree, sp.csr_matrix(Y), beams, scores)[0]
        == overlapping_tree(tree, Y, beams, scores)[0]
    )
