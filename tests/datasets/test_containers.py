"""Rows of data that are taken, with all that belongs to them."""

import numpy as np
import pytest
import scipy.sparse as sp

from arborank.datasets import MatrixData, TextData

CHOICES = [slice(1, 3), slice(None), slice(5, 9), np.array([3, 0]), np.array([True, False, True, False])]


@pytest.mark.parametrize("rows", CHOICES)
def test_rows_of_texts(rows):
    data = TextData(list("abcd"), [["x"], [], ["y", "z"], []], [[1.0], [], [2.0, 3.0], []], list("ABCD"))
    part = data.take(rows)
    assert part.texts == np.array(data.texts)[rows].tolist()
    assert [text.upper() for text in part.texts] == part.ids
    for text, labels, relevance in zip(part.texts, part.labels, part.relevance, strict=True):
        place = data.texts.index(text)
        assert (labels, relevance) == (data.labels[place], data.relevance[place])
    assert part.has_labels == any(part.labels)
    bare = TextData(list("abcd"), [[]] * 4).take(rows)
    assert (bare.relevance, bare.ids, bare.has_labels) == (None, None, False)


@pytest.mark.parametrize("rows", CHOICES)
def test_rows_of_matrices(rows):
    Y, X = sp.csr_array(np.eye(4, 3, dtype=np.float32)), sp.csr_array(np.arange(8.0).reshape(4, 2))
    pairs = np.array([[0, 2], [2, 1], [3, 0]])
    part = MatrixData(Y, X, list("abcd"), ["one", "two", "three"], pairs).take(rows)
    assert np.array_equal(part.Y.toarray(), Y.toarray()[rows])
    assert np.array_equal(part.X.toarray(), X.toarray()[rows])
    assert part.texts == np.array(list("abcd"))[rows].tolist()
    assert len(part) == len(part.texts)
    marked = {("abcd"[row], label) for row, label in pairs.tolist()}
    found = {(part.texts[row], label) for row, label in part.filter_pairs.tolist()}
    assert found == {(text, label) for text, label in marked if text in part.texts}
    assert part.has_labels == bool(part.Y.nnz)
