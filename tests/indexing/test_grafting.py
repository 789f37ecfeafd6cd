"""Trees that grow and shrink, against the labels below every node."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborank.indexing import LabelTree
from arborank.indexing.grafting import deepen, graft, prune, shape_branch


@st.composite
def trees(draw, n_labels=None, depth=None):
    """A tree of random shape; a label may have several slots below different parents."""
    n_labels = draw(st.integers(1, 12)) if n_labels is None else n_labels
    depth = draw(st.integers(1, 4)) if depth is None else depth
    branches, n_nodes = [], 1
    for level in range(depth):
        widths = [draw(st.integers(1, min(4, n_labels) if level + 1 == depth else 3)) for _ in range(n_nodes)]
        branches.append(np.concatenate([[0], np.cumsum(widths)]))
        n_nodes = sum(widths)
    labels = [
        label
        for width in np.diff(branches[-1]).tolist()
        for label in draw(st.lists(st.integers(0, n_labels - 1), min_size=width, max_size=width, unique=True))
    ]
    return LabelTree(tuple(branches), np.array(labels, np.int32), n_labels)


def below(tree, level, node):
    """Slots below a node, in order."""
    bounds = tree.slot_bounds(level)
    return tree.labels[bounds[node] : bounds[node + 1]].tolist()


def nested(tree, level=0, node=0):
    """The tree as nested lists of labels."""
    begin, end = tree.branches[level][node : node + 2]
    if level + 1 == tree.depth:
        return tree.labels[begin:end].tolist()
    return [nested(tree, level + 1, child) for child in range(begin, end)]


def pruned(lists, cut):
    if not lists or isinstance(lists[0], int):
        return [label for label in lists if label not in cut]
    return [left for left in (pruned(part, cut) for part in lists) if left]


@given(trees(), st.sets(st.integers(0, 11)))
def test_prune_equals_pruned_lists(tree, cut):
    cut = {label for label in cut if label < tree.n_labels}
    left, kept = prune(tree, sorted(cut))
    expected = pruned(nested(tree), cut)
    assert [nodes.size for nodes in kept] == list(tree.level_sizes[1:])
    if not expected:
        assert left is None
        assert not kept[0].any()
        return
    assert nested(left) == expected
    assert left.n_labels == tree.n_labels
    assert [int(nodes.sum()) for nodes in kept] == list(left.level_sizes[1:])
    for level in range(1, tree.depth):
        for node in range(tree.level_sizes[level]):
            assert kept[level - 1][node] == bool(set(below(tree, level, node)) - cut)


@given(st.data(), st.integers(1, 4))
def test_graft_appends_at_the_root(data, depth):
    tree, branch = data.draw(trees(8, depth)), data.draw(trees(8, depth))
    if depth == 1:  # siblings must differ
        branch = prune(branch, tree.labels)[0]
        if branch is None:
            return
    joined = graft(tree, branch)
    assert nested(joined) == nested(tree) + nested(branch)
    for level in range(1, depth + 1):
        assert joined.level_sizes[level] == tree.level_sizes[level] + branch.level_sizes[level]


@given(trees(), st.integers(0, 3))
def test_deepen_adds_only_children(tree, more):
    deep = deepen(tree, tree.depth + more)
    assert deep.depth == tree.depth + more
    assert np.array_equal(deep.labels, tree.labels)
    for level in range(1, more + 1):
        assert (np.diff(deep.branches[level]) == 1).all()
    expected = nested(tree)
    if tree.depth > 1:
        for _ in range(more):
            expected = [[part] for part in expected]
        assert nested(deep) == expected


@given(trees(), st.integers(1, 4))
def test_shape_branch_fits_below_any_root(tree, depth):
    n_slots = tree.labels.size
    tree = LabelTree(tree.branches, np.arange(n_slots)[::-1], n_slots)  # siblings may be united
    branch = shape_branch(tree, depth)
    assert min(depth, 2) <= branch.depth <= depth
    assert np.array_equal(branch.labels, tree.labels)
    if 1 < tree.depth <= depth:
        assert branch == tree
    if branch.depth > 1:  # leaves are what they were
        assert np.array_equal(branch.branches[-1], tree.branches[-1])


def test_what_does_not_fit_is_named():
    flat, deep = LabelTree.one_vs_all(3), deepen(LabelTree.one_vs_all(3), 2)
    with pytest.raises(
        ValueError, match="a branch of depth 1 over 3 labels does not fit a tree of depth 2 over 3"
    ):
        graft(deep, flat)
    with pytest.raises(ValueError, match="over 4"):
        graft(LabelTree.one_vs_all(4), flat)
    with pytest.raises(ValueError, match="the tree has depth 2; at most 1"):
        deepen(deep, 1)
