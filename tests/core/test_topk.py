"""The best of every row, against plain sorting."""

import numpy as np
import pytest
import scipy.sparse as sp

from arborank.core.topk import best_columns, no_answers, place_in_rows, put_best


@pytest.mark.parametrize("k", [1, 3, 7, 10])
def test_best_columns(k):
    values = np.random.default_rng(0).integers(0, 4, (50, 7)).astype(np.float32)  # with many ties
    expected = [sorted(range(7), key=lambda column: (-row[column], column))[:k] for row in values.tolist()]
    assert best_columns(values, k).tolist() == expected


def test_best_of_sparse_rows():
    matrix = sp.random_array((30, 20), density=0.3, rng=np.random.default_rng(1), format="csr")
    matrix.data = np.ceil(matrix.data * 3).astype(np.float32)
    rows, places, order = place_in_rows(matrix.indptr, matrix.data)
    ids, scores = no_answers(30, 4)
    put_best(rows, matrix.indices, matrix.data, (ids, scores))
    for number in range(30):
        begin, end = matrix.indptr[number : number + 2]
        best = sorted(range(begin, end), key=lambda entry: -matrix.data[entry])
        assert order[rows == number].tolist() == best
        assert places[rows == number].tolist() == list(range(end - begin))
        padding = [-1] * (4 - len(best))
        assert ids[number].tolist() == matrix.indices[best[:4]].tolist() + padding
        assert (scores[number, : len(best[:4])] == matrix.data[best[:4]]).all()
        assert np.isneginf(scores[number, len(best) :]).all()
