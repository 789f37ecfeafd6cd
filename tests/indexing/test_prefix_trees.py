"""Trees by the first characters of names: trie, hybrid, must-link k-means."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from arborank import LabelTree, balanced_kmeans
from arborank.indexing import hybrid_tree, mustlink_tree, trie_tree

NAMES = ["bat", "bee", "ant", "b", "beet", "anthem", "bee"]

some_names = st.lists(st.text("abä\u0301漢😀 ", max_size=6), min_size=1, max_size=30)


def vectors(names, seed=0, d=8):
    dense = np.random.default_rng(seed).random((len(names), d)).astype(np.float32)
    return sp.csr_array(dense * (dense > 0.5))


def clusters(tree, level):
    """The labels below each node of a level, as sets."""
    bounds = tree.slot_bounds(level)
    return [frozenset(tree.labels[a:b].tolist()) for a, b in pairwise(bounds)]


def prefix_groups(names, n):
    groups = {}
    for label, name in enumerate(names):
        groups.setdefault((name[:n], len(name) < n), set()).add(label)
    return [groups[key] for key in sorted(groups, key=lambda key: (key[0], not key[1]))]


def test_trie_of_a_few_names():
    tree = trie_tree(NAMES, depth=3)
    assert [NAMES[label] for label in tree.labels] == sorted(NAMES)
    assert clusters(tree, 1) == [{2, 5}, {0, 1, 3, 4, 6}]
    assert clusters(tree, 2) == [{2, 5}, {3}, {0}, {1, 4, 6}]  # "an" and "ant" part nobody
    assert tree.depth == 3


@given(names=some_names, depth=st.integers(1, 8))
def test_trie_levels_are_prefix_groups(names, depth):
    tree = trie_tree(names, depth=depth)
    assert [names[label] for label in tree.labels] == sorted(names)
    levels = {frozenset(map(frozenset, prefix_groups(names, n))) for n in range(1, depth + 1)}
    for level in range(1, tree.depth):
        assert frozenset(clusters(tree, level)) in levels
    if depth > 6 and len(set(names)) == len(names):
        assert sorted(tree.labels) == list(range(len(names)))


def test_equal_names_stay_together_in_their_order():
    tree = trie_tree(["b", "a", "b", "b"], depth=1)
    assert tree == LabelTree((np.array([0, 2]), np.array([0, 1, 4])), np.array([1, 0, 2, 3]), 4)


def test_single_label_and_empty_name():
    assert trie_tree(["x"]) == LabelTree.one_vs_all(1)
    assert trie_tree([""]) == LabelTree.one_vs_all(1)
    assert trie_tree(["", "a"]).labels.tolist() == [0, 1]


@given(names=some_names, depth=st.integers(1, 3), leaf=st.integers(1, 5))
def test_hybrid_has_the_trie_on_top_and_all_labels_below(names, depth, leaf):
    tree = hybrid_tree(names, vectors(names), depth=depth, branching=2, max_leaf_size=leaf)
    assert sorted(tree.labels.tolist()) == list(range(len(names)))
    wanted = set(map(frozenset, prefix_groups(names, depth)))
    for level in range(1, tree.depth):
        for cluster in clusters(tree, level):
            assert any(cluster <= group or cluster >= group for group in wanted)


def test_hybrid_below_a_node_is_its_k_means():
    names = [f"a{i}" for i in range(20)] + ["b0", "b1"]
    rows = vectors(names)
    tree = hybrid_tree(names, rows, depth=1, branching=2, max_leaf_size=5)
    own = balanced_kmeans(rows[sorted(range(20), key=names.__getitem__)], branching=2, max_leaf_size=5)
    order = np.array(sorted(range(20), key=names.__getitem__))
    assert tree.labels[:20].tolist() == order[own.labels].tolist()
    assert np.diff(tree.branches[1]).tolist() == [2, 1]  # b has a single child: its k-means is flat


@given(names=some_names, depth=st.integers(1, 3), leaf=st.integers(1, 5), branching=st.sampled_from([2, 4]))
def test_mustlink_halves_by_prefix_groups(names, depth, leaf, branching):
    tree = mustlink_tree(names, vectors(names), depth=depth, branching=branching, max_leaf_size=leaf)
    assert sorted(tree.labels.tolist()) == list(range(len(names)))
    assert all(np.diff(branch).max() <= branching for branch in tree.branches[:-1])


def test_no_leaf_is_larger_than_told():
    names = [f"{i:03}" for i in range(100)]
    for make in (hybrid_tree, mustlink_tree):
        tree = make(names, vectors(names), depth=1, branching=4, max_leaf_size=7)
        assert np.diff(tree.branches[-1]).max() <= 7
        assert tree.depth == 3


def test_mustlink_keeps_first_characters_together():
    names = [f"{c}{i}" for c in "abcd" for i in range(10)]
    tree = mustlink_tree(names, vectors(names), depth=1, branching=2, max_leaf_size=20)
    for cluster in clusters(tree, 1):
        letters = {names[label][0] for label in cluster}
        assert (len(letters), len(cluster)) == (2, 20)


def test_mustlink_prefers_alike_groups():
    names = [f"{c}{i}" for c in "abcd" for i in range(5)]
    topic = {"a": 0, "c": 0, "b": 1, "d": 1}
    rows = sp.csr_array(np.eye(2, dtype=np.float32)[[topic[name[0]] for name in names]])
    tree = mustlink_tree(names, rows, depth=1, branching=2, max_leaf_size=10)
    found = {frozenset(names[label][0] for label in cluster) for cluster in clusters(tree, 1)}
    assert found == {frozenset("ac"), frozenset("bd")}


def test_same_seed_same_tree():
    names = [f"{c}{i}" for c in "abcd" for i in range(30)]
    first, again = (mustlink_tree(names, vectors(names), max_leaf_size=5, random_state=3) for _ in range(2))
    assert first == again
    one, two = (hybrid_tree(names, vectors(names), max_leaf_size=5, n_threads=n) for n in (1, 2))
    assert one == two


MAKERS = [
    lambda names, rows, **kw: trie_tree(names, **kw),
    hybrid_tree,
    mustlink_tree,
]


@pytest.mark.parametrize("make", MAKERS)
def test_bad_input(make):
    with pytest.raises(ValueError, match="names is empty"):
        make([], np.zeros((0, 2), np.float32))
    with pytest.raises(TypeError, match="names must hold str, found int at position 1"):
        make(["a", 3], np.ones((2, 2), np.float32))
    with pytest.raises(TypeError, match="found one str"):
        make("ab", np.ones((2, 2), np.float32))
    with pytest.raises(ValueError, match="depth must be at least 1"):
        make(["a"], np.ones((1, 2), np.float32), depth=0)


def test_bad_arguments():
    with pytest.raises(ValueError, match="representation has 1 rows, but 2"):
        hybrid_tree(["a", "b"], np.ones((1, 2), np.float32))
    with pytest.raises(ValueError, match="branching is 6"):
        mustlink_tree(["a", "b"], np.ones((2, 2), np.float32), branching=6)
    with pytest.raises(ValueError, match="max_leaf_size must be at least 1"):
        mustlink_tree(["a", "b"], np.ones((2, 2), np.float32), max_leaf_size=0)
