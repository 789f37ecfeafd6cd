"""Relevance as costs of the positives of a level."""

import numpy as np
import pytest
import scipy.sparse as sp

from arborank.core.sparse import Csr, as_csr, to_scipy, transpose
from arborank.metrics import propensities
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


def test_positives_of_rare_labels_cost_more_at_the_bottom():
    rng = np.random.default_rng(0)
    labels = as_csr((rng.random((200, 6)) < [0.5, 0.2, 0.1, 0.05, 0.01, 0]).astype(np.float32))
    counts = np.bincount(labels.indices, minlength=6)
    relevance = Csr(labels.indptr, labels.indices, rng.random(labels.nnz).astype(np.float32), 6)
    options = RelevanceOptions(tail=0.5)
    for given, base in ((None, np.ones(labels.nnz)), (relevance, relevance.data)):
        costs = to_scipy(transpose(relevance_costs(labels, given, options)))
        inverse = propensities(counts, 200) ** -0.5
        expected = base * (inverse / np.average(inverse, weights=counts))[labels.indices]
        assert costs.data == pytest.approx(expected, rel=1e-5)
        assert (costs.indices == labels.indices).all()
        above = relevance_costs(labels, given, options, is_bottom=False)
        assert above.data.tolist() == relevance_costs(labels, given, is_bottom=False).data.tolist()
    for wrong in (-0.1, 1.1, "much"):
        with pytest.raises((TypeError, ValueError), match="tail"):
            RelevanceOptions(tail=wrong)
