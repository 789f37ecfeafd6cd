"""Trees joined under one root, against the trees themselves."""

import numpy as np
import pytest

from arborank.indexing import LabelTree, join_trees


def test_joined_trees_stand_side_by_side():
    one = LabelTree.from_clusters([0, 0, 1, 1, 2, 2], branching=2)
    two = LabelTree.from_clusters([1, 0, 1, 0, 1, 0])
    forest = join_trees([one, two])
    assert (forest.n_labels, forest.depth) == (6, one.depth)
    assert forest.level_sizes[1:] == tuple(
        a + b for a, b in zip(one.level_sizes[1:], (2, *two.level_sizes[1:]), strict=True)
    )
    assert forest.labels.tolist() == [*one.labels, *two.labels]
    Y = np.eye(6, dtype=np.float32)
    assert np.array_equal(
        forest.lift(Y, forest.depth - 1).toarray(),
        np.hstack([one.lift(Y, one.depth - 1).toarray(), two.lift(Y, two.depth - 1).toarray()]),
    )


def test_a_flat_tree_becomes_a_leaf_beside_others():
    forest = join_trees([LabelTree.from_clusters([0, 0, 1]), LabelTree.one_vs_all(3)])
    assert forest.level_sizes == (1, 3, 6)


def test_one_tree_stays_as_it_is():
    tree = LabelTree.one_vs_all(4)
    assert join_trees([tree]) == tree


@pytest.mark.parametrize(
    ("trees", "message"),
    [
        ([], "trees is empty"),
        ([LabelTree.one_vs_all(3)] * 2, "label 0 is twice below node 0"),
        ([LabelTree.from_clusters([0, 1]), LabelTree.from_clusters([0, 1, 1])], "over 3 labels does not fit"),
    ],
)
def test_what_cannot_be_joined(trees, message):
    with pytest.raises(ValueError, match=message):
        join_trees(trees)
