"""An indicator and lists of label ids are told apart, and a truth fits the model that is judged by it."""

import numpy as np
import pytest
import scipy.sparse as sp

from arborank import Ensemble, LabelTree, StagedRanker, XRLinear
from arborank.metrics import evaluate, precision_at_k
from arborank.stages import KMeansIndexer, LinearMatcher, LinearRanker

X = np.eye(6, dtype=np.float32)
Y = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1]])


def staged():
    return StagedRanker(KMeansIndexer(max_leaf_size=2), LinearMatcher(), LinearRanker())


MAKERS = [XRLinear, lambda: Ensemble([XRLinear()]), staged]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (Y.tolist(), ValueError, r"Y repeats a label in row 0; lists hold label ids.*np.asarray\(Y\)"),
        (list(Y), ValueError, "Y repeats a label in row 0"),
        (tuple(map(tuple, Y.tolist())), ValueError, "Y repeats a label in row 0"),
        ((Y > 0).tolist(), TypeError, r"Y must hold integer label ids, found True.*np.asarray\(Y\)"),
        (
            [list(map(np.float32, row)) for row in Y],
            TypeError,
            r"found .*1.0.* in row 0; an indicator must be",
        ),
        (
            [list(map(np.bool_, row)) for row in Y],
            TypeError,
            r"found .*True.* in row 0; an indicator must be",
        ),
        (Y.astype(float).tolist(), TypeError, r"found 1.0 in row 0; an indicator must be an array"),
        (
            [[1, 0], [0, 1], [1, 0], [0, 1], [0, 1], [1, 0]],
            ValueError,
            "Y holds 0 and 1, in any order, in every row",
        ),
        (2 * Y - 1, ValueError, "Y holds the negative value -1"),
        (sp.csr_array(2.0 * Y - 1), ValueError, "Y holds the negative value -1"),
        (
            np.array([[0, 5], [3, 2], [1, 4], [0, 1], [2, 3], [4, 5]]),
            ValueError,
            r"integers up to 5.*Y.tolist\(\)",
        ),
        (np.arange(6)[:, None], ValueError, r"integers up to 5.*classes Y.ravel\(\)"),
        (Y.T, ValueError, "X has 6 rows but Y has 3"),
    ],
)
def test_an_indicator_that_is_none_is_refused(make, labels, error, message):
    with pytest.raises(error, match=message):
        make().fit(X, labels)


@pytest.mark.parametrize("labels", [Y, Y > 0, Y.astype(np.float32), sp.csr_array(Y), sp.coo_array(3.0 * Y)])
def test_an_indicator_of_any_dtype_is_one(labels):
    model = XRLinear().fit(X, labels)
    assert model.n_labels_ == 3
    assert model.label_counts_.tolist() == Y.sum(axis=0).tolist()


@pytest.mark.parametrize(
    "lists",
    [
        [[0], [1], [1], [0], [0], [1]],  # one label each
        [[0, 1], [1, 0], [2], [0], [1], [2]],  # in order of relevance
        [[0, 1]] * 6,
        [[], [1], [0, 1, 2], [], [2], [0]],
    ],
)
def test_lists_of_zeros_and_ones_may_be_ids(lists):
    model = XRLinear().fit(X, lists)
    assert model.n_labels_ == 1 + max(max(row) for row in lists if row)
    assert model.label_counts_.sum() == sum(map(len, lists))


def test_truth_of_metrics_is_told_apart_as_well():
    ids = [[0], [1], [2], [0], [1], [2]]
    for truth in (Y.tolist(), (row for row in Y.tolist())):
        with pytest.raises(ValueError, match="truth repeats a label in row 0; lists hold label ids"):
            precision_at_k(truth, ids, 1)
    with pytest.raises(ValueError, match="truth holds 0 and 1, in any order, in every row"):
        evaluate([[0, 1], [1, 0]], [[0], [1]], ks=(1,))
    with pytest.raises(TypeError, match="found True in row 0; an indicator must be an array"):
        precision_at_k((Y > 0).tolist(), ids, 1)
    with pytest.raises(ValueError, match=r"2-dimensional|list of label ids"):
        precision_at_k(np.zeros((2, 2, 2)), ids, 1)
    with pytest.raises(TypeError, match="truth row 0 is 0; a list of label ids was expected"):
        precision_at_k(np.arange(6), ids, 1)


# ---------------------------------------------------------------- score


@pytest.mark.parametrize("make", MAKERS[:2])
def test_score_refuses_another_number_of_labels(make):
    model = make().fit(X, Y)
    assert model.score(X, Y) == model.score(X, sp.csr_array(Y)) == pytest.approx(1.0)
    for wrong in (Y[:, :2], np.hstack([Y, Y]), sp.csr_array(Y)[:, :1], Y.T[:, :3].repeat(2, axis=0)[:, :2]):
        with pytest.raises(ValueError, match=rf"Y has {wrong.shape[1]} labels, but 3 were expected"):
            model.score(X, wrong)
    with pytest.raises(ValueError, match="X has 6 rows but Y has 3"):
        model.score(X, Y[:3])
    with pytest.raises(ValueError, match="Y repeats a label in row 0"):
        model.score(X, Y.tolist())
    for wrong in ([0, 1, 2, 0, 1, 2], np.arange(6) % 3, list("abcabc")):
        with pytest.raises(ValueError, match="Y is 1-dimensional, but the model was fitted on an indicator"):
            model.score(X, wrong)


def test_score_takes_lists_that_do_not_name_the_last_labels():
    model = XRLinear().fit(X, Y)
    lists = [np.flatnonzero(row).tolist() for row in Y]
    assert model.score(X, lists) == model.score(X, Y)
    assert 0 < model.score(X, [[0]] * 6) < 1
    assert model.score(X, [[9]] * 6) == 0  # a label that the model does not have is missed


@pytest.mark.parametrize("make", MAKERS[:2])
@pytest.mark.parametrize("classes", [list("abcabc"), [3, 1, 2, 3, 1, 2], np.array([True, False] * 3)])
def test_score_of_classes(make, classes):
    model = make().fit(X, classes)
    assert model.score(X, classes) == 1.0
    assert model.score(X, (one for one in classes)) == 1.0
    swapped = list(classes)[1:] + list(classes)[:1]
    assert model.score(X, swapped) == np.mean(np.asarray(swapped) == np.asarray(classes))
    with pytest.raises(ValueError, match="X has 6 rows but Y has 5"):
        model.score(X, list(classes)[:5])
    with pytest.raises(ValueError, match="Y is not 1-dimensional, but the model was fitted on classes"):
        model.score(X, Y)
    other = [0.5] * 6 if isinstance(classes[0], str) else list("aaaaaa")
    with pytest.raises(TypeError, match="but the model was fitted on classes of dtype"):
        model.score(X, other)


# ---------------------------------------------------------------- other arguments of the shape of Y


def test_shapes_beside_Y():
    tree = LabelTree.from_clusters([0, 0, 1])
    usn = XRLinear(tree=tree, negatives="tfn+usn")
    for name, fit in {
        "user_negatives": lambda wrong: usn.fit(X, Y, user_negatives=wrong),
        "relevance": lambda wrong: XRLinear().fit(X, Y, relevance=wrong),
    }.items():
        for wrong in (Y[:, :2], Y[:3], Y.T):
            with pytest.raises(ValueError, match=rf"{name} has \d+ (rows|columns), but \d+ were expected"):
                fit(wrong)
    for wrong in (np.eye(2), np.eye(6)):
        with pytest.raises(ValueError, match=r"label_features has . rows, but 3 were expected"):
            XRLinear(representation="pifa-concat").fit(X, Y, label_features=wrong)
    model = XRLinear().fit(X, Y)
    for wrong in (Y[:, :2], Y.T, np.eye(3)[:, :2]):
        with pytest.raises(ValueError, match=r"candidates has . (columns|rows), but"):
            model.predict_topk(X, candidates=wrong)
    for method in (
        model.predict_topk,
        model.predict,
        model.decision_function,
        staged().fit(X, Y).predict_topk,
    ):
        with pytest.raises(ValueError, match=r"X has 3 features, but"):
            method(X[:, :3])


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("dtype", [int, bool, float, np.int8])
def test_a_numpy_matrix_is_an_array(make, dtype):
    model, expected = make().fit(np.matrix(X), np.matrix(Y.astype(dtype))), make().fit(X, Y.astype(dtype))
    ids, scores = model.predict_topk(np.matrix(X), 3)
    np.testing.assert_array_equal(ids, expected.predict_topk(X, 3)[0])
    np.testing.assert_array_equal(scores, expected.predict_topk(X, 3)[1])
    assert evaluate(np.matrix(Y.astype(dtype)), np.matrix(ids), (1, 3)) == evaluate(Y, ids, (1, 3))


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_a_numpy_matrix_in_every_argument():
    about, marks = np.eye(3, 4), Y.astype(float)
    model = XRLinear(representation="pifa-concat").fit(
        np.matrix(X), np.matrix(Y), label_features=np.matrix(about), relevance=np.matrix(marks)
    )
    expected = XRLinear(representation="pifa-concat").fit(X, Y, label_features=about, relevance=marks)
    for option in ({"candidates": marks}, {"exclude": marks}):
        as_matrix = {name: np.matrix(value) for name, value in option.items()}
        np.testing.assert_array_equal(
            model.predict_topk(np.matrix(X), **as_matrix)[0], expected.predict_topk(X, **option)[0]
        )
    assert model.score(np.matrix(X), np.matrix(Y)) == expected.score(X, Y)
    np.testing.assert_array_equal(model.predict(np.matrix(X)).toarray(), expected.predict(X).toarray())
    new = np.eye(6, 1, dtype=int)
    grown = model.add_labels(np.matrix(X), np.matrix(new), label_features=np.matrix(about[:1]))
    wanted = expected.add_labels(X, new, label_features=about[:1])
    np.testing.assert_array_equal(grown.predict_topk(X)[0], wanted.predict_topk(X)[0])


def test_an_array_of_objects_is_no_indicator():
    with pytest.raises(
        TypeError, match=r"Y is an array of shape \(6, 3\) and dtype object.*Y.astype\(np.float32\)"
    ):
        XRLinear().fit(X, Y.astype(object))
    with pytest.raises(
        TypeError, match=r"dtype <U21; an indicator must hold numbers.*names go to TextRanker"
    ):
        XRLinear().fit(X, Y.astype(str))


def test_one_column_of_an_indicator_as_lists_of_ids():
    model = XRLinear().fit(X, Y)
    column = Y[:, :1]
    with pytest.raises(
        ValueError, match=r"Y has a label in every row.*lists hold label ids.*np.asarray\(Y\)"
    ):
        model.add_labels(X, column.tolist())
    with pytest.raises(ValueError, match=r"Y has a label in every row(?!.*lists)"):
        model.add_labels(X, np.ones_like(column))
    assert model.add_labels(X, np.asarray(column.tolist())).n_labels_ == 4
