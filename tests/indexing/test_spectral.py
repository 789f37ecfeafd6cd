"""Spectral vectors, against their definition by dense decompositions."""

import numpy as np
import pytest
import scipy.sparse as sp

from arborank.indexing import graph_spectral, spectral


def blocks(n_blocks, rows, columns, rng, noise=0.02):
    """A random matrix whose block structure shows."""
    same = np.repeat(np.arange(n_blocks), rows)[:, None] == np.repeat(np.arange(n_blocks), columns)
    return (rng.random(same.shape) < np.where(same, 0.5, noise)).astype(np.float32)


def similarities(vectors, n_blocks):
    cosine = vectors @ vectors.T
    block = np.repeat(np.arange(n_blocks), len(vectors) // n_blocks)
    same = block[:, None] == block
    np.fill_diagonal(same, False)
    return cosine[same].mean(), cosine[block[:, None] != block].mean()


@pytest.mark.parametrize("size", [10, 60])  # dense and iterative decomposition
def test_labels_of_a_block_are_near(size):
    Y = blocks(3, size, size, np.random.default_rng(0))
    within, between = similarities(spectral(Y, n_components=4), 3)
    assert within > between + 0.5
    graph = blocks(3, size, size, np.random.default_rng(1))
    within, between = similarities(graph_spectral(graph, n_components=4), 3)
    assert within > between + 0.5


def test_bipartite_by_definition():
    Y = blocks(3, 30, 30, np.random.default_rng(0), noise=0.1) + 0.01
    scaled = Y / np.sqrt(np.outer(Y.sum(axis=1), Y.sum(axis=0)))
    _, values, right = np.linalg.svd(scaled)
    expected = right[1:3].T * values[1:3]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = spectral(Y, n_components=2)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=3e-3)


def test_graph_by_definition():
    graph = blocks(3, 30, 30, np.random.default_rng(0), noise=0.1) + 0.01
    both = graph + graph.T
    scaled = both / np.sqrt(np.outer(both.sum(axis=1), both.sum(axis=0)))
    values, vectors = np.linalg.eigh(scaled)
    expected = vectors[:, -2:-4:-1] * (1 + values[-2:-4:-1])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = graph_spectral(sp.csr_array(graph), n_components=2)
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-3)


def test_the_same_seed_gives_the_same_vectors():
    Y = blocks(4, 40, 40, np.random.default_rng(0))
    assert np.array_equal(spectral(Y), spectral(sp.csc_array(Y)))


def test_labels_that_stand_alone():
    Y = blocks(3, 30, 30, np.random.default_rng(0))
    Y[:, 7] = 0
    assert not spectral(Y)[7].any()
    graph = Y[:, :].copy()
    graph[7] = 0
    assert not graph_spectral(graph)[7].any()
    assert spectral(np.ones((1, 1))).shape == (1, 0)
    assert graph_spectral(np.ones((1, 1))).shape == (1, 0)
    assert spectral(np.zeros((3, 5))).shape == (5, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: graph_spectral(np.ones((3, 4))), r"graph has shape \(3, 4\); a label graph is square"),
        (lambda: graph_spectral(np.ones((3, 3)), n_labels=4), r"\(4, 4\) was expected"),
        (lambda: graph_spectral(-np.ones((3, 3))), "graph holds -1"),
        (lambda: spectral(-np.ones((3, 3))), "Y holds -1"),
        (lambda: spectral(np.ones((3, 3)), n_components=0), "n_components must be at least 1"),
    ],
)
def test_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()
