"""Senses of a label: its leaves, and what decides between them."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
import scipy.sparse as sp

from arborank import LabelTree, XRLinear
from arborank.analysis.senses import Sense, draw_senses, label_senses


@pytest.fixture(scope="module")
def model():
    """Feature 0 goes with labels 1 to 3, feature 1 with labels 4 to 7, and label 0 with half of either."""
    rng = np.random.default_rng(0)
    X = np.zeros((240, 10), np.float32)
    Y = np.zeros((240, 8), np.float32)
    for i in range(240):
        sense = i % 2
        own = rng.integers(1, 4) if sense == 0 else rng.integers(4, 8)
        X[i, [sense, 2 + own]] = 1.0, 0.3
        Y[i, own] = 1.0
        Y[i, 0] = i % 4 < 2
    tree = LabelTree.from_clusters([0, 0, 0, 0, 1, 1, 1, 1])
    return XRLinear(tree=tree, max_clusters=2, beam_size=1, n_jobs=1).fit(sp.csr_array(X), sp.csr_array(Y))


def test_two_senses(model):
    senses = label_senses(model, 0)
    assert [s.leaf for s in senses] == [0, 1]
    first, second = ([feature for feature, _ in s.features] for s in senses)
    assert 0 in first
    assert 0 not in second
    assert 1 in second
    assert 1 not in first
    assert set(senses[0].companions) == {1, 2, 3}
    assert set(senses[1].companions) == {4, 5, 6, 7}
    counts = model.label_counts_[senses[1].companions]
    assert (np.diff(counts) <= 0).all()


def test_words_of_other_labels_do_not_count():
    """Features 0 and 1 go with label 0 in one leaf and the other, 2 and 3 with the labels beside it there."""
    sense, marked = np.arange(240) % 2, np.arange(240) % 4 < 2
    X, Y = np.zeros((240, 4), np.float32), np.zeros((240, 4), np.float32)
    X[marked, sense[marked]] = 1
    X[np.arange(240), 2 + sense] = np.where(marked, 0.3, 1)
    Y[np.arange(240), 1 + sense] = 1
    Y[:, 0], Y[:, 3] = marked, np.arange(240) % 20 == 1
    tree = LabelTree.from_clusters([0, 0, 1, 1])
    model = XRLinear(tree=tree, max_clusters=2, beam_size=1, n_jobs=1).fit(sp.csr_array(X), sp.csr_array(Y))
    found = [[feature for feature, _ in sense.features] for sense in label_senses(model, 0)]
    assert found == [[0], [1]]


def test_one_sense(model):
    only = label_senses(model, 5, n_features=2, n_companions=1)
    assert len(only) == 1
    assert len(only[0].features) <= 2
    assert len(only[0].companions) == 1


def test_a_label_outside_the_tree():
    tree = LabelTree.from_clusters([0, 1]).relabel([0, 2], 3)
    model = XRLinear(tree=tree).fit(np.eye(3, dtype=np.float32), np.eye(3))
    assert label_senses(model, 1) == []


def test_picture(model, tmp_path):
    pytest.importorskip("matplotlib")
    names = [f"<label & $\\{i}$>" for i in range(8)]
    path = tmp_path / "senses.svg"
    draw_senses(label_senses(model, 0), names[0], names, [f"word{i}" for i in range(10)], path)
    texts = {element.text for element in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")}
    assert {names[0], "word0", "word1", "leaf 1", "together with:"} <= texts
    draw_senses([Sense(0, [], [])], "alone", [], [], path)
    draw_senses([], "outside the tree", [], [], path)
    with pytest.raises(ValueError, match=r"must end in \.svg, \.png, \.pdf"):
        draw_senses([], "x", [], [], tmp_path / "senses.gif")


def test_refuses(model):
    with pytest.raises(ValueError, match="label must be between 0 and 7, found 8"):
        label_senses(model, 8)
    with pytest.raises(ValueError, match="n_features must be at least 1"):
        label_senses(model, 0, n_features=0)
