"""The contract suites pass what keeps its promise and name what breaks it."""

import numpy as np
import pytest
import scipy.sparse as sp

from arborank import LabelTree
from arborank.ranking import SolverParams
from arborank.stages import KMeansIndexer, LinearMatcher, LinearRanker, StagedRanker
from arborank.stages.testing import check_indexer, check_matcher, check_ranker, check_together

EXACT = SolverParams(eps=0.01, Cp=10.0, Cn=10.0)


def test_the_projects_own_stages():
    check_indexer(KMeansIndexer(max_leaf_size=4))
    check_matcher(LinearMatcher(EXACT))
    check_ranker(LinearRanker(EXACT))
    check_together(KMeansIndexer(max_leaf_size=4), LinearMatcher(), LinearRanker())


class Indexer:
    def __init__(self, answer):
        self.answer = answer

    def index(self, X, Y):
        return self.answer


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (np.zeros(12, int), TypeError, "Indexer.index returned ndarray; an Indexer promises a LabelTree"),
        (
            LabelTree.from_clusters([0, 1]),
            ValueError,
            "Indexer.index returned a tree of 2 labels; .* promises 12",
        ),
        (LabelTree.one_vs_all(12), ValueError, "Indexer.index returned a flat tree"),
    ],
)
def test_indexers_that_break_their_promise(answer, error, message):
    with pytest.raises(error, match=message):
        check_indexer(Indexer(answer))
    with pytest.raises(error, match=message):
        StagedRanker(Indexer(answer), LinearMatcher(), LinearRanker()).fit(
            np.eye(12, dtype=np.float32), np.eye(12)
        )


def test_an_indexer_that_changes_its_mind():
    class Fickle(LinearMatcher):
        turn = 0

        def index(self, X, Y):
            self.turn += 1
            return LabelTree.from_clusters((np.arange(Y.shape[1]) + self.turn) % 3)

    with pytest.raises(AssertionError, match="index gave another tree for the same input"):
        check_indexer(Fickle())


class Matcher(LinearMatcher):
    def __init__(self, change):
        super().__init__(EXACT)
        self.change = change

    def match(self, X, k):
        return self.change(*super().match(X, k))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda ids, scores: ids, TypeError, "Matcher.match returned ndarray; a Matcher promises a tuple"),
        (
            lambda ids, scores: (ids * 1.0, scores),
            TypeError,
            "clusters that Matcher.match returned have dtype float64; .*; a Matcher promises ids",
        ),
        (
            lambda ids, scores: (ids, ids),
            TypeError,
            "scores of dtype int64; a Matcher promises floating-point",
        ),
        (lambda ids, scores: (ids[:-1], scores[:-1]), ValueError, "a Matcher promises 96 rows"),
        (lambda ids, scores: (ids + 4, scores), ValueError, r"a Matcher promises ids in \[0, 4\)"),
        (
            lambda ids, scores: (ids * 0, scores),
            ValueError,
            "that Matcher.match returned repeat id 0 in row 0; a Matcher promises",
        ),
        (lambda ids, scores: (ids, scores * np.nan), ValueError, "a score that is not finite"),
        (lambda ids, scores: (ids, -scores), ValueError, "scores that ascend"),
        (
            lambda ids, scores: (ids, scores.astype(float) * 1e300),
            ValueError,
            "a score too large for float32",
        ),
        (
            lambda ids, scores: (ids, [[1.0], [1.0, 0.5]]),
            ValueError,
            "Matcher.match returned scores in rows of different lengths; a Matcher promises",
        ),
        (
            lambda ids, scores: ([[0], [0, 1]], scores),
            ValueError,
            "Matcher.match returned clusters in rows of different lengths; a Matcher promises",
        ),
        (
            lambda ids, scores: (np.where(ids == ids[:, :1], -1, ids), scores),
            (ValueError, AssertionError),
            "Matcher",
        ),
        (lambda ids, scores: ((ids + 1) % 4, scores), AssertionError, "a wrong cluster first"),
    ],
)
def test_matchers_that_break_their_promise(change, error, message):
    with pytest.raises(error, match=message):
        check_matcher(Matcher(change))


def test_a_label_without_instances_may_be_in_no_cluster():
    class Thrifty(KMeansIndexer):
        left_out = 0

        def index(self, X, Y):
            tree = super().index(X, Y)
            self.left_out += Y.shape[1] - tree.labels.size
            return tree

    indexer = Thrifty(max_leaf_size=4)
    check_indexer(indexer)
    assert indexer.left_out > 0

    class Careless(KMeansIndexer):
        def index(self, X, Y):
            return LabelTree.from_clusters(np.arange(Y.shape[1] - 1) % 3).relabel(
                np.arange(Y.shape[1] - 1), Y.shape[1]
            )

    with pytest.raises(AssertionError, match="left 1 labels with instances out"):
        check_indexer(Careless())


def test_a_matcher_that_looks_at_other_rows():
    class Nosy(LinearMatcher):
        def match(self, X, k):
            ids, scores = super().match(X, k)
            return ids, scores / max(X.shape[0], 1)

    with pytest.raises(AssertionError, match="other rows do not matter"):
        check_matcher(Nosy(EXACT))


def test_a_matcher_that_remembers():
    class Stubborn(LinearMatcher):
        def fit(self, X, C, tree):
            return self if hasattr(self, "fitted_") else super().fit(X, C, tree)

    with pytest.raises(AssertionError, match="promises to forget"):
        check_matcher(Stubborn(EXACT))


def test_a_stage_that_changes_its_input():
    class Greedy(LinearMatcher):
        def fit(self, X, C, tree):
            X.data *= 2
            return super().fit(X, C, tree)

    with pytest.raises(AssertionError, match="fit changed its input"):
        check_matcher(Greedy(EXACT))


class Ranker(LinearRanker):
    def __init__(self, change):
        super().__init__(EXACT)
        self.change = change

    def score(self, X, clusters):
        return self.change(super().score(X, clusters))


def nan(values):
    values.data[:1] = np.nan
    return values


def twice(values):
    """The first slot of every row again, in place of the second."""
    values.indices[1 + values.indptr[:-1]] = values.indices[values.indptr[:-1]]
    return values


def damaged(values):
    values = sp.csr_array(values)
    values.indices[0] = 99
    return values


def moved(values):
    return sp.csr_array(
        (values.data, (values.indices + 5) % values.shape[1], values.indptr), shape=values.shape
    )


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda values: values.toarray(),
            TypeError,
            "Ranker.score returned ndarray; a Ranker promises a sparse matrix",
        ),
        (
            lambda values: values[:, :-1],
            ValueError,
            r"Ranker.score returned shape \(96, 12\); a Ranker promises \(96, 13\)",
        ),
        (lambda values: values.astype(complex), TypeError, "values of dtype complex128"),
        (nan, ValueError, "a value that is not finite"),
        (
            lambda values: values * 0 + sp.csr_array(values.shape),
            ValueError,
            "a Ranker promises a value for each",
        ),
        (moved, ValueError, "its cluster was not matched"),
        (
            damaged,
            ValueError,
            r"Ranker.score returned a damaged matrix .*; a Ranker promises slots in \[0, 13\)",
        ),
        (twice, ValueError, "two values for slot 0 in row 0"),
        (lambda values: values.astype(np.float64) * 1e300, ValueError, "a value too large for float32"),
        (lambda values: -values, AssertionError, "a wrong label first"),
    ],
)
def test_rankers_that_break_their_promise(change, error, message):
    with pytest.raises(error, match=message):
        check_ranker(Ranker(change))


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (check_indexer, "indexer must be an Indexer, an object with index; int has no index"),
        (check_matcher, "matcher must be a Matcher, an object with fit and match; int has no fit"),
        (check_ranker, "ranker must be a Ranker, an object with fit and score; int has no fit"),
    ],
)
def test_not_a_stage(check, message):
    with pytest.raises(TypeError, match=message):
        check(3)
