"""Probabilities of rankers over matrices: learned in fit or from held-out rows, kept through everything else."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import arborank
from arborank import XRLinear
from support.contract import FIRST, Contract

pytestmark = pytest.mark.filterwarnings("ignore:.* rows are few to calibrate")
N_LABELS = 40


def rows(n, seed=0):
    """Instances with words of their labels, and noise: some labels are frequent, and no word is certain."""
    rng = np.random.default_rng(seed)
    Y = rng.random((n, N_LABELS)) < 0.3 / np.arange(1, N_LABELS + 1) ** 0.7
    Y[np.arange(n), rng.integers(0, N_LABELS, n)] = True
    words = (Y & (rng.random(Y.shape) < 0.7)) | (rng.random(Y.shape) < 0.04)
    X = sp.csr_array(np.hstack([words, np.ones((n, 1))]).astype(np.float32))
    return X, sp.csr_array(Y.astype(np.float32))


def error(model, X, Y, k=5):
    ids, found = model.predict_proba_topk(X, k)
    hits = np.take_along_axis(Y.toarray(), ids, axis=1)
    order = np.argsort(found.ravel(), kind="stable")
    return (
        sum(
            abs(found.ravel()[one].mean() - hits.ravel()[one].mean()) * one.size
            for one in np.array_split(order, 10)
        )
        / order.size
    )


SMALL = {"branching": 4, "max_leaf_size": 5}


@pytest.fixture(scope="module")
def data():
    return (*rows(4000), *rows(4000, seed=1))


@pytest.fixture(scope="module")
def plain(data):
    return XRLinear(**SMALL).fit(*data[:2])


@pytest.fixture(scope="module")
def fitted(data):
    return XRLinear(calibrate=True, **SMALL).fit(*data[:2])


class TestCalibrated(Contract):
    picks = range(8)

    def make(self, **options):
        return XRLinear(branching=2, max_leaf_size=2, calibrate=True, **options)

    def fail(self, estimator):
        return estimator.fit(FIRST.rows(FIRST.texts)[:, :5], FIRST.Y, relevance=FIRST.Y[:-1])

    def ask(self, estimator, queries, **options):
        if not hasattr(estimator, "fitted_"):
            estimator.predict_topk(FIRST.rows(queries), 3)  # says that it is not fitted
        return estimator.predict_proba_topk(FIRST.rows(queries), 3, **options)


def test_the_ranking_stays_and_probabilities_are_right(plain, fitted, data):
    X, Y = data[2:]
    ids, scores = plain.predict_topk(X, 5)
    np.testing.assert_array_equal(fitted.predict_topk(X, 5)[1], scores)
    found, probabilities = fitted.predict_proba_topk(X, 5)
    np.testing.assert_array_equal(found, ids)
    assert probabilities.dtype == np.float32
    assert (np.diff(probabilities, axis=1) <= 0).all()
    assert error(fitted, X, Y) < 0.02
    assert fitted.fit_times_["calibration"] > 0


def test_held_out_rows_do_as_well(plain, data):
    X, Y = data[2:]
    found = plain.calibrate(X[:2000], Y[:2000])
    assert error(found, X[2000:], Y[2000:]) < 0.025
    assert getattr(plain, "calibration_", None) is None
    assert found.calibration_.facts.n_rows == 2000


def test_fitting_again_forgets(plain, data):
    found = plain.calibrate(*data[2:])
    assert found.fit(*data[:2]).calibration_ is None


def test_the_parameter_and_the_method():
    model = XRLinear(calibrate=True)
    assert model.get_params()["calibrate"] is True
    assert callable(model.calibrate)
    assert "calibrate=True" in repr(model)
    assert clone(model).get_params()["calibrate"] is True
    assert model.set_params(calibrate=False).get_params()["calibrate"] is False
    with pytest.raises(TypeError, match="calibrate must be True or False, found 'yes'"):
        XRLinear(calibrate="yes").fit(np.eye(4), np.eye(4))


def test_order_by_probability(fitted, data):
    X, _ = data[2:]
    ids, found = fitted.predict_proba_topk(X, 5, reorder=True)
    assert (np.diff(found, axis=1) <= 0).all()
    assert (ids != fitted.predict_topk(X, 5)[0]).any()
    assert all(len(set(row)) == 5 for row in ids.tolist())


def test_another_domain(fitted, data):
    X, Y = data[2:]
    odd = sp.csr_array(Y.multiply(np.random.default_rng(0).random(Y.shape) < 0.4))
    there = fitted.recalibrate(X[:1000], odd[:1000])
    assert error(fitted, X[1000:], odd[1000:]) > 0.08
    assert error(there, X[1000:], odd[1000:]) < 0.03
    assert there.calibration_.facts.n_recalibrated == 1000


def test_what_the_beam_does_not_reach(data):
    narrow = XRLinear(calibrate=True, beam_size=1, **SMALL).fit(*data[:2])
    X, Y = data[2:]
    ids, _ = narrow.predict_topk(X, narrow.n_reachable_)
    reached = np.take_along_axis(Y.toarray(), np.maximum(ids, 0), axis=1)[ids >= 0].sum() / len(ids)
    assert narrow.calibration_.unreached == pytest.approx(Y.sum() / len(ids) - reached, abs=0.15)
    assert narrow.calibration_.unreached > 0.2


def test_saved_quantized_and_pruned(fitted, data, tmp_path):
    X, Y = data[2:]
    fitted.save(tmp_path / "model")
    again = arborank.load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict_proba_topk(X, 5)[1], fitted.predict_proba_topk(X, 5)[1])
    assert again.get_params()["calibrate"] is True
    assert '`calibration.date` | `"20' in (tmp_path / "model/README.md").read_text(encoding="utf-8")
    assert error(fitted.quantize("int8"), X, Y) < 0.025
    assert error(fitted.prune(max_nonzeros=30), X, Y) < 0.03


def test_labels_come_change_and_go(fitted, data):
    X, Y = data[2:]
    new = np.zeros((4000, 1), np.float32)
    new[::50] = 1
    added = fitted.add_labels(X, new)
    old, now = fitted.calibration_, added.calibration_
    np.testing.assert_array_equal(now.labels[:N_LABELS], old.labels)
    assert now.labels[N_LABELS] == pytest.approx(old.bins[7], rel=1e-6)  # of 80 instances
    assert now.facts.n_updates == 1
    fresh = fitted.refresh_labels([3], X, Y[:, [3]]).calibration_
    assert fresh.labels[3] != old.labels[3]
    np.testing.assert_array_equal(np.delete(fresh.labels, 3), np.delete(old.labels, 3))
    fewer = fitted.remove_labels([0, 5], renumber=True).calibration_
    np.testing.assert_array_equal(fewer.labels, np.delete(old.labels, [0, 5]))
    assert fitted.remove_labels([0, 5]).calibration_.n_labels == N_LABELS
    turned = fitted.renumber_labels(np.arange(N_LABELS)[::-1], N_LABELS + 2).calibration_
    np.testing.assert_array_equal(turned.labels[:N_LABELS], old.labels[::-1])
    unseen = added.learn_unseen_labels([N_LABELS + 1], X[:1], X, sp.csr_array(np.hstack([Y.toarray(), new])))
    assert unseen.calibration_.facts.n_updates == 2
    assert unseen.predict_proba_topk(X[:3], 3)[1].shape == (3, 3)


def test_classes(data):
    X, Y = data[:2]
    y = np.array([f"class {label}" for label in np.asarray(Y.argmax(axis=1)).ravel()])
    model = XRLinear(calibrate=True, **SMALL).fit(X, y)
    assert model.predict_proba_topk(X[:3], 2)[1].shape == (3, 2)
    some = model.calibrate(X[:500], y[:500])
    assert some.calibration_.n_labels == np.unique(y).size
    with pytest.raises(ValueError, match="'nobody', which is no class of the model"):
        model.calibrate(X[:3], ["nobody", y[0], y[0]])
    with pytest.raises(ValueError, match="Y holds labels, but the model was fitted on classes"):
        model.calibrate(X[:3], [[1], [2], [3]])


def test_bad_input(plain, fitted, data):
    X, Y = data[2:]
    with pytest.raises(
        ValueError, match=r"has no probabilities: fit it with calibrate=True.*calibrate\(X, Y\)"
    ):
        plain.predict_proba_topk(X)
    with pytest.raises(ValueError, match="has no probabilities"):
        plain.recalibrate(X, Y)
    with pytest.raises(ValueError, match="Y has 39 labels, but the model has 40"):
        plain.calibrate(X, Y[:, :-1])
    with pytest.raises(ValueError, match="X has 4000 rows but Y has 3999"):
        plain.calibrate(X, Y[:-1])
    with pytest.raises(ValueError, match="none of the labels ranked for 300 held-out rows is relevant"):
        plain.calibrate(X[:300], sp.csr_array((300, N_LABELS)))
    with pytest.raises(ValueError, match="none of the labels ranked for 300 held-out rows is relevant"):
        fitted.recalibrate(X[:300], sp.csr_array((300, N_LABELS)))
    with pytest.raises(ValueError, match="none of the labels ranked for 0 held-out rows is relevant"):
        fitted.recalibrate(X[:0], Y[:0])
    with pytest.raises(NotFittedError):
        XRLinear().predict_proba_topk(X)
    for option in (
        {"combine": "noop"},
        {"label_weights": np.ones(N_LABELS)},
        {"rerank": 0.5},
        {"merge": "mean"},
    ):
        with pytest.raises(ValueError, match=f"{next(iter(option))} changes what a score is"):
            fitted.predict_proba_topk(X, **option)
    with pytest.raises(ValueError, match="label_filter weighs labels"):
        fitted.predict_proba_topk(X, label_filter=fitted.prepare_filter(label_weights=np.full(N_LABELS, 2.0)))
    with pytest.raises(TypeError, match="reorder must be True or False"):
        fitted.predict_proba_topk(X, reorder="yes")
    with pytest.raises(ValueError, match="needs at least 2, found 1"):
        XRLinear(calibrate=True).fit(X[:1], Y[:1])


def test_filters_and_narrower_beams(fitted, data):
    X, _ = data[2:]
    ids, found = fitted.predict_proba_topk(X[:5], 3, candidates=[1, 2], beam_size=4)
    assert set(ids.ravel()) <= {1, 2, -1}
    assert np.isneginf(found[ids < 0]).all()


def test_other_matrices_are_held_out_with_their_rows(data):
    X, Y = data[:2]
    weighted = XRLinear(calibrate=True, **SMALL).fit(X, Y, relevance=Y * 2)
    assert weighted.calibration_ is not None
    named = XRLinear(calibrate=True, **SMALL).fit(X, Y, n_documents=N_LABELS)
    assert named.calibration_.facts.n_rows <= 2000


def test_a_directory_of_work(data, tmp_path, fitted):
    X, Y = data[:2]
    kept = XRLinear(calibrate=True, **SMALL).fit(X, Y, work_dir=tmp_path / "work")
    np.testing.assert_array_equal(kept.calibration_.labels, fitted.calibration_.labels)
    again = XRLinear(calibrate=True, **SMALL).fit(X, Y, work_dir=tmp_path / "work")
    np.testing.assert_array_equal(again.calibration_.labels, fitted.calibration_.labels)


def test_probabilities_are_of_the_scores_that_were_calibrated(data, plain, fitted, tmp_path):
    X, Y = data[2:]
    for model in (fitted, plain.calibrate(X, Y)):
        model.save(tmp_path / "model")
        changed = arborank.load(tmp_path / "model")
        expected = changed.predict_proba_topk(X[:20])
        changed.set_params(combine="l2-l3-hinge")
        with pytest.raises(ValueError, match=r"was calibrated with combine='.*', rerank=0, and has combine="):
            changed.predict_proba_topk(X[:20])
        again = changed.calibrate(X, Y)
        assert again.predict_proba_topk(X[:20])[1].shape == expected[1].shape
        for one, other in zip(
            changed.set_params(combine=model.combine).predict_proba_topk(X[:20]), expected, strict=True
        ):
            np.testing.assert_array_equal(one, other)
