"""Merging against a plain loop with dictionaries; the estimator against its members."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError

from arborank import XRLinear
from arborank.linear.ensemble import Ensemble
from arborank.linear.toplists import combine_topk

METHODS = ("average", "rank", "softmax", "sigmoid", "round-robin")


@st.composite
def top_lists(draw):
    n_rows, n_models = draw(st.integers(0, 4)), draw(st.integers(1, 4))
    lists = []
    for _ in range(n_models):
        width = draw(st.integers(1, 5))
        ids, scores = np.full((n_rows, width), -1), np.full((n_rows, width), -np.inf, np.float32)
        for i in range(n_rows):
            found = draw(st.lists(st.integers(0, 7), unique=True, max_size=width))
            values = draw(st.lists(st.integers(0, 40), min_size=len(found), max_size=len(found)))
            ids[i, : len(found)] = found
            scores[i, : len(found)] = sorted((value / 8 for value in values), reverse=True)
        lists.append((ids, scores))
    weights = draw(st.none() | st.lists(st.integers(1, 3), min_size=n_models, max_size=n_models))
    return lists, weights, draw(st.none() | st.integers(1, 9))


def loop(lists, method, row, weights):
    """Scores of one row by label."""
    width = max(ids.shape[1] for ids, _ in lists)
    n = len(lists)
    total = {}
    for m, (ids, scores) in enumerate(lists):
        listed = [(int(i), float(s)) for i, s in zip(ids[row], scores[row], strict=True) if i >= 0]
        norm = sum(math.exp(s) for _, s in listed)
        for r, (label, s) in enumerate(listed):
            if method == "round-robin":
                turn = (width - r + (n - m) / (n + 1)) / n
                total[label] = max(total.get(label, -1), turn)
                continue
            gain = {
                "average": s,
                "rank": width - r,
                "softmax": math.exp(s) / norm,
                "sigmoid": 1 / (1 + math.exp(-s)),
            }[method]
            total[label] = total.get(label, 0) + gain * weights[m] / sum(weights)
    return total


@pytest.mark.parametrize("method", METHODS)
@given(case=top_lists())
@settings(max_examples=100, deadline=None)
def test_merging_equals_the_definition(method, case):
    lists, weights, k = case
    weights = None if method == "round-robin" else weights
    ids, scores = combine_topk(lists, method, k, weights=weights)
    k = k or max(part.shape[1] for part, _ in lists)
    assert ids.shape == scores.shape == (len(lists[0][0]), k)
    assert ids.dtype == np.int64
    assert scores.dtype == np.float32
    for row in range(len(ids)):
        expected = loop(lists, method, row, weights or [1] * len(lists))
        listed = ids[row] >= 0
        n = int(listed.sum())
        assert n == min(k, len(expected))
        assert listed[:n].all()
        assert (scores[row, n:] == -np.inf).all()
        assert len(set(ids[row, :n])) == n
        assert scores[row, :n] == pytest.approx([expected[label] for label in ids[row, :n]], rel=1e-5)
        best = sorted(expected.values(), reverse=True)[:n]
        assert scores[row, :n] == pytest.approx(best, rel=1e-5)


def test_by_hand():
    a = [[3, 1]], [[0.75, 0.5]]
    b = [[1, 2, 0]], [[0.5, 0.25, 0.125]]
    expected = {
        "average": ([1, 3, 2], [0.5, 0.375, 0.125]),
        "rank": ([1, 3, 2], [2.5, 1.5, 1.0]),
        "round-robin": ([3, 1, 2], [(3 + 2 / 3) / 2, (3 + 1 / 3) / 2, (2 + 1 / 3) / 2]),
    }
    for method, (labels, values) in expected.items():
        ids, scores = combine_topk([a, b], method)
        assert ids[0].tolist() == labels
        assert scores[0] == pytest.approx(values)


def test_ties_go_to_the_smaller_id():
    ids, _ = combine_topk([([[9, 4]], [[1.0, 1.0]]), ([[4, 9]], [[1.0, 1.0]])])
    assert ids.tolist() == [[4, 9]]


@pytest.mark.parametrize("method", ["softmax", "sigmoid", "rank"])
def test_extreme_scores_stay_finite(method):
    ids, scores = combine_topk([([[0, 1]], [[1e30, -1e30]]), ([[1, -1]], [[-1e30, -np.inf]])], method)
    assert np.isfinite(scores).all()
    assert ids[0, 0] == (1 if method == "rank" else 0) or method == "softmax"


def test_negative_scores_cannot_be_averaged():
    lists = [([[0, 1]], [[-0.1, -3.0]]), ([[0, -1]], [[0.5, -np.inf]])]
    with pytest.raises(ValueError, match="average needs scores >= 0, found -3; use rank"):
        combine_topk(lists)
    assert combine_topk(lists, "softmax")[0].tolist() == [[0, 1]]


GOOD = ([[0, 1]], [[1.0, 0.5]])


@pytest.mark.parametrize(
    ("lists", "options", "error", "message"),
    [
        ([], {}, ValueError, "predictions is empty"),
        ([GOOD, ([[0], [1]], [[1.0], [1.0]])], {}, ValueError, r"numbers of rows: \[1, 2\]"),
        ([([[0.5]], [[1.0]])], {}, TypeError, r"predictions\[0\] have dtype float64"),
        ([GOOD, ([[0, 1]], [[1.0]])], {}, ValueError, r"predictions\[1\]: ids have shape"),
        ([([0], [1.0])], {}, ValueError, "2-dimensional"),
        ([([[-2]], [[1.0]])], {}, ValueError, "id -2"),
        ([([[-1, 0]], [[1.0, 1.0]])], {}, ValueError, "padding"),
        ([([[3, 3]], [[1.0, 1.0]])], {}, ValueError, "repeat id 3 in row 0"),
        ([([[3]], [[np.nan]])], {}, ValueError, "not finite"),
        ([GOOD], {"k": 0}, ValueError, "k must be at least 1, found 0"),
        ([GOOD], {"method": "mean"}, ValueError, "method must be one of 'average', .* found 'mean'"),
        ([GOOD], {"weights": [1, 2]}, ValueError, r"weights have shape \(2,\), but there are 1"),
        ([GOOD], {"weights": [-1]}, ValueError, "weights are"),
        ([GOOD], {"weights": [0]}, ValueError, "weights are"),
        ([GOOD], {"weights": [np.nan]}, ValueError, "weights are"),
        ([GOOD], {"weights": "a"}, TypeError, "weights must be numbers, found 'a'"),
        ([GOOD], {"weights": [1], "method": "round-robin"}, ValueError, "takes no weights"),
    ],
)
def test_wrong_lists(lists, options, error, message):
    with pytest.raises(error, match=message):
        combine_topk(lists, **options)


class Popular(BaseEstimator):
    """Ranks labels by their number of instances, times a factor."""

    def __init__(self, factor=1.0, reverse=False):
        self.factor = factor
        self.reverse = reverse

    def fit(self, X, Y):
        self.counts_ = np.asarray(Y.sum(axis=0)).ravel() * self.factor
        return self

    def predict_topk(self, X, k, candidates=None, exclude=None):
        scores = self.counts_.max() - self.counts_ if self.reverse else self.counts_.copy()
        scores = scores / scores.max()
        if candidates is not None:
            scores[np.setdiff1d(np.arange(len(scores)), list(candidates))] = -1
        if exclude is not None:
            scores[list(exclude)] = -1
        ids = np.argsort(-scores, kind="stable")[:k]
        ids = np.where(scores[ids] < 0, -1, ids)
        return np.tile(ids, (X.shape[0], 1)), np.tile(
            np.where(ids < 0, -np.inf, scores[ids]), (X.shape[0], 1)
        )


@pytest.fixture
def toy():
    Y = sp.csr_array(np.array([[1, 0, 1, 0], [1, 1, 0, 0], [1, 0, 1, 1], [1, 0, 0, 0]], float))
    return sp.csr_array(np.eye(4)), Y


@pytest.mark.parametrize("method", METHODS)
def test_ensemble_equals_merging_its_members(toy, method):
    X, Y = toy
    members = [Popular(), Popular(reverse=True)]
    ensemble = Ensemble(members, method=method).fit(X, Y)
    assert not hasattr(members[0], "counts_")
    assert ensemble.models_[0] is not members[0]
    fitted = [member.fit(X, Y) for member in members]
    expected = combine_topk([member.predict_topk(X, 3) for member in fitted], method, 3)
    for found in (ensemble, Ensemble.from_fitted(fitted, method)):
        for a, b in zip(found.predict_topk(X, 3), expected, strict=True):
            assert np.array_equal(a, b)
    assert Ensemble.from_fitted(fitted).models_[0] is fitted[0]


def test_every_member_has_a_work_dir_of_its_own(toy, tmp_path):
    X, Y = toy
    members = [XRLinear(random_state=0), XRLinear(threshold=0.0)]
    for _ in range(2):
        ensemble = Ensemble(members).fit(X, Y, work_dir=str(tmp_path))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["model_0", "model_1"]
        for model, member in zip(ensemble.models_, members, strict=True):
            for found, expected in zip(
                model.predict_topk(X, 3), member.fit(X, Y).predict_topk(X, 3), strict=True
            ):
                assert np.array_equal(found, expected)


def test_one_member_keeps_its_ranking(toy):
    X, Y = toy
    model = Popular().fit(X, Y)
    for method in METHODS:
        ids, _ = Ensemble.from_fitted([model], method).predict_topk(X, 2)
        assert np.array_equal(ids, model.predict_topk(X, 2)[0])


def test_deeper_lists_of_members_can_change_the_best(toy):
    X, _ = toy
    a, b = Popular(), Popular()
    a.counts_, b.counts_ = np.array([5.0, 4, 0, 0]), np.array([0.0, 4, 5, 0])
    shallow = Ensemble.from_fitted([a, b]).predict_topk(X, 1)[0]
    deep = Ensemble.from_fitted([a, b], member_k=2).predict_topk(X, 1)[0]
    assert shallow[0, 0] == 0
    assert deep[0, 0] == 1


def test_candidates_and_exclude_reach_every_member(toy):
    X, Y = toy
    ensemble = Ensemble([Popular(), Popular(reverse=True)], "rank").fit(X, Y)
    assert set(np.unique(ensemble.predict_topk(X, 4, candidates=iter([1, 3]))[0])) == {-1, 1, 3}
    assert set(np.unique(ensemble.predict_topk(X, 4, exclude=[0])[0])) == {-1, 1, 2, 3}


def test_members_need_no_filters(toy):
    class Bare:
        def predict_topk(self, X, k):
            return np.zeros((X.shape[0], 1), int), np.ones((X.shape[0], 1))

    ids, scores = Ensemble.from_fitted([Bare(), Bare()]).predict_topk(toy[0], 2)
    assert ids[0].tolist() == [0, -1]
    assert scores[0].tolist() == [1.0, -np.inf]


def test_clone_and_state(toy):
    X, Y = toy
    ensemble = Ensemble([Popular(), Popular(2.0)], "sigmoid", weights=(1, 3), member_k=4)
    copy = clone(ensemble)
    assert [member.factor for member in copy.models] == [1.0, 2.0]
    assert copy.models[0] is not ensemble.models[0]
    with pytest.raises(NotFittedError, match="not fitted yet"):
        ensemble.predict_topk(X)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        ensemble.to_state()
    ensemble.fit(X, Y)
    state = ensemble.to_state()
    members = {"weights": [1.0, 3.0], "member_k": 4, "n_models": 2}
    assert state.config == {"method": "sigmoid", "decide": None, **members}
    again = Ensemble.from_state(state)
    for a, b in zip(again.predict_topk(X, 3), ensemble.predict_topk(X, 3), strict=True):
        assert np.array_equal(a, b)
    with pytest.raises(ValueError, match="has 2 models, but n_models is 3"):
        Ensemble.from_state(type(state)(config=dict(state.config) | {"n_models": 3}, parts=state.parts))
    with pytest.raises(ValueError, match="the state of an Ensemble has"):
        Ensemble.from_state(type(state)(config={}, parts=state.parts))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([],), ValueError, "models is"),
        ((Popular(),), ValueError, "models is"),
        (([3],), TypeError, r"models\[0\] is a int, which has no predict_topk"),
        (([Popular()], "max"), ValueError, "method must be one of .* found 'max'"),
        (([Popular()], "rank", [1, 2]), ValueError, "weights have shape"),
        (([Popular()], "round-robin", [1]), ValueError, "takes no weights"),
        (([Popular()], "rank", None, 0), ValueError, "member_k must be at least 1, found 0"),
    ],
)
def test_wrong_parameters(toy, arguments, error, message):
    with pytest.raises(error, match=message):
        Ensemble(*arguments).fit(*toy)
    with pytest.raises(error, match=message):
        Ensemble.from_fitted(*arguments)


@pytest.mark.parametrize(("k", "error"), [(0, ValueError), (5, ValueError), (2.0, TypeError)])
def test_wrong_k(toy, k, error):
    with pytest.raises(error, match=r"k (must|is)"):
        Ensemble([Popular()], member_k=4).fit(*toy).predict_topk(toy[0], k)


@pytest.mark.parametrize("method", METHODS)
def test_decision_function_holds_what_the_merged_lists_do(topics, method):
    X, Y = topics
    members = [XRLinear(branching=3, max_leaf_size=8, beam_size=3, random_state=seed) for seed in (0, 1)]
    ensemble = Ensemble(members, method).fit(X, Y)
    scores = ensemble.decision_function(X)
    assert scores.shape == Y.shape
    fitted = ensemble.models_
    lists = [model.predict_topk(X, max(model.n_reachable_ for model in fitted)) for model in fitted]
    ids, values = combine_topk(lists, method, Y.shape[1])
    for row in (0, 7):
        listed = ids[row] >= 0
        assert set(scores[[row]].indices) == set(ids[row][listed])
        assert np.array_equal(scores.toarray()[row, ids[row][listed]], values[row][listed])
        union = [set(np.nonzero(model.decision_function(X[[row]]).toarray()[0])[0]) for model in fitted]
        assert union[0] | union[1] <= set(ids[row][listed])


def test_predict_is_the_majority(topics):
    X, Y = topics

    class Always:
        n_labels_ = Y.shape[1]

        def __init__(self, label):
            self.label = label

        def predict_topk(self, X, k):
            raise NotImplementedError

        def predict(self, X):
            found = np.zeros((X.shape[0], self.n_labels_), np.float32)
            found[:, [0, self.label]] = 1
            return sp.csr_array(found)

    members = [Always(1), Always(2), Always(3)]
    even = Ensemble.from_fitted(members).predict(X).toarray()
    assert np.flatnonzero(even[0]).tolist() == [0]
    weighted = Ensemble.from_fitted(members, weights=[2, 1, 1]).predict(X).toarray()
    assert np.flatnonzero(weighted[-1]).tolist() == [0, 1]
    assert set(np.unique(weighted)) == {0.0, 1.0}
    two = Ensemble.from_fitted(members[1:], "round-robin").predict(X).toarray()
    assert np.flatnonzero(two[0]).tolist() == [0, 2, 3]


def test_predict_and_score_of_a_fitted_ensemble(topics):
    X, Y = topics
    single = XRLinear(branching=3, max_leaf_size=8).fit(X, Y)
    twice = Ensemble.from_fitted([single, single])
    assert (twice.predict(X) != single.predict(X)).nnz == 0
    assert twice.score(X, Y) == pytest.approx(single.score(X, Y))
    assert 0 < Ensemble.from_fitted([single, single], member_k=2).score(X, Y) <= 1
    assert twice.n_labels_ == Y.shape[1]
    assert twice.classes_ is None


def test_classes_are_predicted_by_their_values(topics):
    X, Y = topics
    names = np.array(["b", "a", "c"])[Y.toarray().argmax(axis=1) % 3]
    members = [XRLinear(random_state=seed) for seed in (0, 1)]
    ensemble = Ensemble(members).fit(X, names)
    assert ensemble.classes_.tolist() == ["a", "b", "c"]
    assert ensemble.score(X, names) == np.mean(ensemble.predict(X) == names) > 0.9
    other = XRLinear().fit(X, np.where(names == "a", "z", names))
    with pytest.raises(ValueError, match="fitted on different classes"):
        Ensemble.from_fitted([*ensemble.models_, other])
    with pytest.raises(ValueError, match="fitted on different classes"):
        Ensemble.from_fitted([*ensemble.models_, XRLinear().fit(X, [[0, 1, 2]] * X.shape[0])])


@pytest.mark.parametrize("method", ["decision_function", "predict", "score"])
def test_answers_need_a_fitted_ensemble(toy, method):
    X, Y = toy
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(Ensemble([Popular()]), method)(*((X, Y) if method == "score" else (X,)))


def test_models_that_do_not_tell_the_number_of_labels(toy):
    X, Y = toy
    ensemble = Ensemble([Popular()]).fit(X, Y)
    assert not hasattr(ensemble, "n_labels_")
    with pytest.raises(AttributeError, match="no model of this Ensemble has n_labels_"):
        ensemble.decision_function(X)
