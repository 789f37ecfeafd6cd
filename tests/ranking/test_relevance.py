"""Relevance as costs of the positives of a level."""

import numpy as np
import pytest
import scipy.sparse as sp

from arborank.core.sparse import to_scipy
from arborank.ranking.relevance import NORMS, RelevanceOptions, check_relevance, relevance_costs

LABELS = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]], np.float32)
RELEVANCE = np.array([[3, 0, 4], [0, 0, 0], [1, 2, 2], [0, 5, 0]], np.float32)
SIZES = {"none": [1, 1, 1, 1], "l1": [7, 1, 5, 5], "l2": [5, 1, 3, 5], "max": [4, 1, 2, 5]}


def costs(mode="induce", norm="none", **kwargs):
    options = RelevanceOptions(mode, norm)
    return to_scipy(relevance_costs(sp.csr_array(LABELS), options=options, **kwargs)).toarray()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("mode", ["induce", "ranker-only"])
def test_rows_are_divided_by_their_norm(mode, norm):
    expected = RELEVANCE / np.array(SIZES[norm])[:, None]
    np.testing.assert_allclose(costs(relevance=RELEVANCE, mode=mode, norm=norm), expected.T, rtol=1e-6)


def test_relevance_counts_at_upper_levels_only_when_induced():
    upper = {"relevance": RELEVANCE, "is_bottom": False}
    np.testing.assert_array_equal(costs(mode="induce", **upper), RELEVANCE.T)
    np.testing.assert_array_equal(costs(mode="ranker-only", **upper), LABELS.T)


def test_disabled_costs_are_one_whatever_the_labels_hold():
    found = to_scipy(relevance_costs(sp.csr_array(LABELS * 7)))
    np.testing.assert_array_equal(found.toarray(), LABELS.T)


def test_a_row_of_zero_relevance_stays_zero():
    labels = sp.csr_array(np.ones((1, 2), np.float32))
    zero = sp.csr_array((np.zeros(2, np.float32), labels.indices, labels.indptr), shape=(1, 2))
    for norm in NORMS:
        found = relevance_costs(labels, zero, RelevanceOptions("induce", norm))
        assert found.nnz == 2
        np.testing.assert_array_equal(found.data, 0.0)


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"mode": "full"}, "relevance must be one of 'induce', 'ranker-only', found 'full'"),
        ({"norm": "l3"}, "relevance_norm must be one of .* found 'l3'"),
        ({"relevance": RELEVANCE[:3]}, "relevance has 3 rows, but 4 were expected"),
        ({"relevance": LABELS - 2 * LABELS}, "relevance must be at least 0, found -1"),
    ],
)
def test_wrong_arguments_are_named(kwargs, match):
    with pytest.raises(ValueError, match=match):
        costs(**kwargs)


@pytest.mark.parametrize(("row", "column"), [(0, 1), (1, 2), (3, 0)])
def test_a_different_pattern_names_its_row(row, column):
    more = RELEVANCE.copy()
    more[row, column] = 1.0
    with pytest.raises(ValueError, match=f"first differ at row {row}"):
        check_relevance(more, LABELS)


def test_a_positive_whose_relevance_is_not_stored_costs_nothing():
    relevance = sp.csr_array(RELEVANCE)
    relevance.data[:2] = 0
    relevance.eliminate_zeros()
    found = relevance_costs(sp.csr_array(LABELS), relevance)
    assert found.nnz == np.count_nonzero(LABELS)
    np.testing.assert_array_equal(to_scipy(found).toarray(), relevance.toarray().T)


def test_relevance_where_there_is_no_positive():
    with pytest.raises(ValueError, match="in row 1 where there is no positive"):
        relevance_costs(sp.csr_array(LABELS), np.eye(4, 3, k=-1))
