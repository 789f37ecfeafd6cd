import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from arborank.indexing.chain import chain_orders
from arborank.indexing.tree import LabelTree


@st.composite
def trees(draw, overlap=True):
    """Any tree: random numbers of children, random labels, some of them in two leaves."""
    branches, n_nodes = [], 1
    for _ in range(draw(st.integers(1, 4))):
        counts = draw(st.lists(st.integers(1, 3), min_size=n_nodes, max_size=n_nodes))
        branches.append(np.concatenate([[0], np.cumsum(counts)]))
        n_nodes = sum(counts)
    labels = np.array(draw(st.permutations(range(n_nodes))))
    n_labels = n_nodes
    if overlap and branches[-1].size > 2 and draw(st.booleans()):
        # The last label also takes the place of the first one of another leaf.
        leaf = np.searchsorted(branches[-1], np.flatnonzero(labels == n_nodes - 1)[0], side="right") - 1
        slot = branches[-1][0 if leaf else 1]
        replaced = labels[slot]
        labels[slot] = n_nodes - 1
        labels[labels > replaced] -= 1
        n_labels -= 1
    return LabelTree(tuple(branches), labels, n_labels)


def dense_membership(tree, level):
    """From parent to parent, one label at a time."""
    result = np.zeros((tree.n_labels, tree.level_sizes[level]), np.float32)
    for slot, label in enumerate(tree.labels):
        node = slot
        for t in range(tree.depth, level, -1):
            node = next(p for p in range(tree.level_sizes[t - 1]) if tree.branches[t - 1][p + 1] > node)
        result[label, node] = 1
    return result


@given(trees(), st.data())
def test_lift_sums_over_the_labels_below_a_node(tree, data):
    Y = np.array(
        data.draw(st.lists(st.lists(st.integers(0, 3), min_size=tree.n_labels, max_size=tree.n_labels)))
    )
    Y = Y.reshape(-1, tree.n_labels).astype(np.float32)
    for level in range(tree.depth + 1):
        lifted = tree.lift(sp.csr_array(Y), level)
        assert lifted.has_canonical_format
        np.testing.assert_array_equal(lifted.toarray(), Y @ dense_membership(tree, level))


@given(trees())
def test_parents_invert_branches(tree):
    for level in range(1, tree.depth + 1):
        parents = tree.parents(level)
        assert parents.size == tree.level_sizes[level]
        for node, (begin, end) in enumerate(
            zip(tree.branches[level - 1], tree.branches[level - 1][1:], strict=False)
        ):
            assert set(parents[begin:end]) == {node}


@given(trees())
def test_chain_round_trip(tree):
    chain = []
    for level in range(1, tree.depth):
        parents = tree.parents(level)
        chain.append(sp.csc_array((np.ones(parents.size), (np.arange(parents.size), parents))))
    chain.append(tree.membership(tree.depth - 1).tocsc())
    again = LabelTree.from_chain(chain)
    assert again.level_sizes == tree.level_sizes
    for level in range(tree.depth):
        np.testing.assert_array_equal(again.membership(level).toarray(), tree.membership(level).toarray())


@given(trees())
def test_state_round_trip(tree):
    assert LabelTree.from_state(tree.to_state()) == tree


def test_state_arrays_are_not_copied():
    tree = LabelTree.one_vs_all(5)
    state = tree.to_state()
    for array in state.arrays.values():
        array.flags.writeable = False
    again = LabelTree.from_state(state)
    assert again.labels is state.arrays["labels"]
    assert again.branches[0] is state.arrays["branches_0"]


def test_chain_that_is_not_contiguous_is_renumbered():
    top = sp.csc_matrix(np.array([[1, 0], [0, 1], [1, 0]]))  # nodes 0 and 2 are siblings
    bottom = sp.csc_matrix(np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 1]]))
    branches, orders = chain_orders([top, bottom])
    assert [list(b) for b in branches] == [[0, 2], [0, 2, 3], [0, 1, 3, 4]]
    assert [list(o) for o in orders] == [[0, 1], [0, 2, 1], [2, 1, 3, 0]]
    tree = LabelTree.from_chain([top, bottom])
    assert list(tree.labels) == [2, 1, 3, 0]


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        ([], "empty"),
        ([np.ones((2, 1))], None),
        ([sp.csc_array(np.ones((2, 1))), sp.csc_array(np.ones((3, 3)))], r"chain\[1\] has 3 columns"),
        ([sp.csc_array(np.array([[1.0], [0.0]]))], "row 1 no column"),
        ([sp.csc_array(np.array([[1.0, 0.0], [1.0, 0.0]]))], "column 1 no row"),
        ([sp.csc_array(np.ones((2, 2))), sp.csc_array(np.eye(2))], r"chain\[0\] gives row 0 several columns"),
    ],
)
def test_wrong_chains(chain, message):
    with pytest.raises(ValueError if message else TypeError, match=message):
        LabelTree.from_chain(chain)


@given(st.integers(1, 300), st.integers(2, 7), st.none() | st.integers(1, 40))
def test_levels_above_ordered_leaves(n_leaves, branching, min_codes):
    bounds = np.arange(n_leaves + 1) * 2
    tree = LabelTree.from_order(np.arange(2 * n_leaves), bounds, branching=branching, min_codes=min_codes)
    leaf = np.repeat(np.arange(n_leaves), 2)
    expected = []  # PECOS's rule: leaf code // branching until few enough codes
    if n_leaves > 1:
        codes = leaf
        while codes.max() + 1 > (min_codes or branching):
            expected.insert(0, codes)
            codes = codes // branching
        if codes.max() > 0:
            expected.insert(0, codes)
    assert tree.depth == len(expected) + 1
    for level, codes in enumerate(expected, start=1):
        np.testing.assert_array_equal(tree.ancestors(level), codes)


def test_empty_leaves_vanish():
    tree = LabelTree.from_order([2, 0, 1], [0, 0, 2, 2, 3], branching=2)
    assert tree.level_sizes == (1, 2, 2, 3)
    assert list(tree.ancestors(2)) == [0, 0, 1]


def test_clusters():
    tree = LabelTree.from_clusters([7, 3, 7, 0])
    assert tree.level_sizes == (1, 3, 4)
    assert list(tree.labels) == [3, 1, 0, 2]
    assert LabelTree.from_clusters(np.arange(9), branching=3).level_sizes == (1, 3, 9, 9)
    assert LabelTree.from_clusters([5, 5]).level_sizes == (1, 2)


def test_a_label_below_a_node_twice_counts_once():
    tree = LabelTree((np.array([0, 2]), np.array([0, 2, 4])), np.array([0, 1, 1, 2]), 3)
    assert tree.overlapping
    Y = sp.csr_array(np.array([[0, 5, 0]], np.float32))
    assert tree.lift(Y, 0).toarray().tolist() == [[5]]
    assert tree.lift(Y, 1).toarray().tolist() == [[5, 5]]
    assert tree.lift(Y, 2).toarray().tolist() == [[0, 5, 5, 0]]


ONE = (np.array([0, 2]), np.array([0, 1, 3]))


@pytest.mark.parametrize(
    ("branches", "labels", "n_labels", "error", "message"),
    [
        (ONE, [0, 1, 2], 0, ValueError, "n_labels is 0"),
        ((), [0], 1, ValueError, "branches is empty"),
        (
            (np.array([0, 2, 3]),),
            [0, 1, 2],
            3,
            ValueError,
            r"branches\[0\] has 3 entries, but level 0 has 1 nodes",
        ),
        ((np.array([1, 3]),), [0, 1, 2], 3, ValueError, "starts at 1"),
        ((np.array([0, 2]), np.array([0, 3, 3])), [0, 1, 2], 3, ValueError, "node 1 of level 1 no child"),
        (ONE, [0, 1], 3, ValueError, "labels has 2 entries, but the bottom level has 3 slots"),
        (ONE, [0, 1, 3], 3, ValueError, r"labels holds 3, which is outside \[0, 3\)"),
        (ONE, [0, -1, 2], 3, ValueError, r"labels holds -1"),
        (ONE, [0, 1, 1], 2, ValueError, "label 1 is twice below node 1 of level 1"),
        (ONE, [0.5, 1, 2], 3, TypeError, "labels must hold integers, found float64"),
        (ONE, [[0, 1, 2]], 3, ValueError, "labels must be 1-dimensional"),
        (ONE, np.array([0, 1, 2**40]), 3, ValueError, "does not fit in int32"),
    ],
)
def test_wrong_trees(branches, labels, n_labels, error, message):
    with pytest.raises(error, match=message):
        LabelTree(branches, labels, n_labels)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LabelTree.one_vs_all(0), "n_labels must be between 1 and 2147483647, found 0"),
        (lambda: LabelTree.from_order([0, 1], [0, 2], branching=1), "branching must be at least 2, found 1"),
        (lambda: LabelTree.from_order([0, 1], [0, 2], min_codes=0), "min_codes is 0"),
        (lambda: LabelTree.from_order([0, 1], [0, 2, 1, 2]), "must ascend from 0 to the 2 entries"),
        (lambda: LabelTree.from_order([0, 1], [0, 1]), "must ascend from 0 to the 2 entries"),
        (lambda: LabelTree.from_order([], []), "must ascend"),
        (lambda: LabelTree.from_clusters([]), "ids is empty"),
        (lambda: LabelTree.from_clusters([0, -2]), "label 1 cluster -2"),
        (lambda: LabelTree.from_clusters([0, 1], min_codes=4), "only with branching"),
        (lambda: LabelTree.one_vs_all(2).parents(0), "level must be between 1 and 1, found 0"),
        (lambda: LabelTree.one_vs_all(2).lift(np.eye(2), 2), "level must be between 0 and 1, found 2"),
        (lambda: LabelTree.one_vs_all(2).lift(np.eye(3), 1), "Y has 3 .* but 2 were expected"),
        (lambda: LabelTree.one_vs_all(2).describe(["a"]), "names has 1 entries"),
        (lambda: LabelTree.one_vs_all(2).describe(["a", "b"], max_depth=0), "max_depth"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_damaged_state_names_what_is_missing():
    state = LabelTree.one_vs_all(2).to_state()
    del state.arrays["labels"]
    with pytest.raises(ValueError, match="'labels'"):
        LabelTree.from_state(state)


def test_description_shows_shape_and_branches():
    tree = LabelTree.from_clusters([0, 0, 1, 1, 1])
    text = str(tree)
    assert "5 labels, depth 2" in text
    assert "2 / 2 / 3" in text or "2 / 3 / 3" in text or "2 / 2 / 3" in text
    drawn = tree.describe(["ant", "bee", "cat", "dog", "eel"], max_depth=2, examples=2)
    assert drawn.splitlines()[-8:] == [
        "root (5 labels)",
        "├─ 1.0 (2 labels): ant, bee",
        "│  ├─ ant",
        "│  └─ bee",
        "└─ 1.1 (3 labels): cat, eel, …",
        "   ├─ cat",
        "   ├─ dog",
        "   └─ eel",
    ]


@pytest.mark.parametrize(("n_labels", "error"), [(3.9, TypeError), (2**31, ValueError)])
def test_number_of_labels_is_checked(n_labels, error):
    with pytest.raises(error, match="n_labels must be"):
        LabelTree((np.array([0, 3]),), np.arange(3), n_labels)


@pytest.mark.parametrize("wrong", ["x", None, 1.5, True])
def test_what_is_no_integer_is_named(wrong):
    tree = LabelTree.one_vs_all(3)
    for name, call in (
        ("n_labels", LabelTree.one_vs_all),
        ("level", tree.parents),
        ("level", tree.slot_bounds),
        ("level", lambda level: tree.lift(np.eye(3), level)),
        ("branching", lambda branching: LabelTree.from_order([0, 1], [0, 1, 2], branching=branching)),
    ):
        with pytest.raises(TypeError, match=f"{name} must be an integer, found {wrong!r}"):
            call(wrong)


def test_new_ids_for_every_label():
    with pytest.raises(ValueError, match="ids has 1 entries, but the tree has 3 labels"):
        LabelTree.one_vs_all(3).relabel([1], 5)


@pytest.mark.parametrize("chain", [None, 5, "x", np.ones((2, 2))])
def test_a_chain_is_a_list(chain):
    with pytest.raises(TypeError, match="chain must be a list of cluster matrices"):
        LabelTree.from_chain(chain)
