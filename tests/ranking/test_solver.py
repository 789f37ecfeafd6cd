"""Every solver against LIBLINEAR (through scikit-learn) on the same problem, and its parameters' checks."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from arborank.ranking.solver import SOLVERS, SolverParams
from arborank.ranking.training import train_layer

TIGHT = {"l2svc-dual": 1e-4, "l1svc-dual": 1e-4, "logistic-dual": 1e-3, "l2svc-primal": 1e-5}


def dense_weights(layer):
    """Return (n_children, n_features) weights and the bias, unpacked with every check of the layout."""
    W, bias = layer.to_matrix()
    return W.toarray().T, bias


def problem(n=400, d=60, n_labels=5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.random((n, d)) * (rng.random((n, d)) < 0.15)
    X /= np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-9)
    truth = rng.normal(size=(d, n_labels))
    margin = X @ truth + 0.3 * rng.normal(size=(n, n_labels))
    Y = (
        margin
        > np.quantile(margin, [0.5, 0.7, 0.8, 0.95, 0.99], axis=0)[np.arange(n_labels), np.arange(n_labels)]
    )
    return X.astype(np.float32), Y


def objective(solver, X, y, cost, w, constant):
    margin = np.where(y, 1.0, -1.0) * (X.astype(np.float64) @ w[:-1] + constant * w[-1])
    loss = {"l2": lambda m: np.maximum(0, 1 - m) ** 2, "l1": lambda m: np.maximum(0, 1 - m)}
    of = loss.get(solver[:2], lambda m: np.logaddexp(0, -m))
    return 0.5 * w @ w + (cost * of(margin)).sum()


def liblinear(solver, X, y, cost, constant):
    common = {"C": 1.0, "intercept_scaling": constant or 1.0, "fit_intercept": constant > 0, "tol": 1e-6}
    common |= {"max_iter": 100_000, "random_state": 0}
    if solver == "logistic-dual":
        model = LogisticRegression(solver="liblinear", dual=True, **common)
    else:
        loss = "hinge" if solver == "l1svc-dual" else "squared_hinge"
        model = LinearSVC(loss=loss, dual=solver != "l2svc-primal", **common)
    model.fit(X.astype(np.float64), y, sample_weight=cost)
    intercept = float(np.ravel(model.intercept_)[0]) if constant else 0.0
    return np.append(model.coef_[0], intercept / (constant or 1.0))


def fit(X, Y, params, relevance=None):
    positives = sp.csr_array(
        Y.T.astype(np.float32) if relevance is None else (Y * relevance).T.astype(np.float32)
    )
    layer = train_layer(sp.csr_array(X), np.ones((1, len(X))), positives, [0, Y.shape[1]], params)
    W, bias = dense_weights(layer)
    return np.column_stack([W, bias / params.bias if params.bias > 0 else 0 * bias]).astype(np.float64)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("Cp", "Cn", "constant"), [(1.0, 1.0, 1.0), (3.0, 0.5, 2.0), (0.7, 2.0, 0.0)])
def test_objective_equals_liblinear(solver, Cp, Cn, constant):
    X, Y = problem()
    params = SolverParams(solver, Cp, Cn, constant, eps=TIGHT[solver], max_iter=5000, threshold=0.0)
    W = fit(X, Y, params)
    for label in range(Y.shape[1]):
        y = Y[:, label]
        cost = np.where(y, Cp, Cn)
        ours = objective(solver, X, y, cost, W[label], constant)
        theirs = objective(solver, X, y, cost, liblinear(solver, X, y, cost, constant), constant)
        assert ours == pytest.approx(theirs, rel=1e-3)


@pytest.mark.parametrize("solver", SOLVERS)
def test_relevance_multiplies_the_cost_of_positives(solver):
    X, Y = problem(seed=1)
    relevance = np.random.default_rng(2).uniform(0.2, 5.0, Y.shape).astype(np.float32)
    params = SolverParams(solver, Cp=1.5, eps=TIGHT[solver], max_iter=5000, threshold=0.0)
    W = fit(X, Y, params, relevance)
    for label in range(Y.shape[1]):
        y = Y[:, label]
        cost = np.where(y, 1.5 * relevance[:, label], 1.0)
        ours = objective(solver, X, y, cost, W[label], 1.0)
        theirs = objective(solver, X, y, cost, liblinear(solver, X, y, cost, 1.0), 1.0)
        assert ours == pytest.approx(theirs, rel=1e-3)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_positive_of_no_relevance_counts_neither_way(solver):
    X, Y = problem(n_labels=2, seed=3)
    keep = np.arange(len(X)) % 3 != 0
    relevance = np.where(keep, 1.0, 0.0)[:, None]
    params = SolverParams(solver, eps=TIGHT[solver], max_iter=5000, threshold=0.0)
    extra = Y | ~keep[:, None]
    indptr_like = sp.csr_array(extra.T.astype(np.float32))
    indptr_like.data = np.broadcast_to(relevance.T, extra.T.shape)[extra.T].astype(np.float32)
    layer = train_layer(sp.csr_array(X), np.ones((1, len(X))), indptr_like, [0, 2], params)
    W, bias = dense_weights(layer)
    expected = fit(X[keep], Y[keep], params)
    np.testing.assert_allclose(np.column_stack([W, bias]), expected, atol=2e-2)


def test_logistic_learns_the_bias():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 10)).astype(np.float32)
    margin = X @ rng.normal(size=10)
    y = margin > np.quantile(margin, 0.78)
    w = fit(X, y[:, None], SolverParams("logistic-dual", threshold=0.0, eps=1e-3, max_iter=1000))[0]
    assert np.mean((X @ w[:-1] + w[-1] > 0) != y) <= 0.02
    assert w[-1] < -1.0


@pytest.mark.parametrize("solver", SOLVERS)
def test_default_tolerance_is_near_the_optimum(solver):
    X, Y = problem(seed=4)
    W = fit(X, Y, SolverParams(solver, threshold=0.0))
    best = fit(X, Y, SolverParams(solver, threshold=0.0, eps=TIGHT[solver], max_iter=5000))
    for label in range(Y.shape[1]):
        y, cost = Y[:, label], np.ones(len(X))
        assert objective(solver, X, y, cost, W[label], 1.0) <= 1.02 * objective(
            solver, X, y, cost, best[label], 1.0
        )


def test_two_passes_come_near_the_optimum_of_rare_labels():
    X, _ = problem(n=4000, d=400, seed=5)
    Y = np.random.default_rng(6).random((len(X), 8)) < 0.002 + 0.05 * (X[:, :8] > 0)
    few, best = (
        fit(X, Y, SolverParams(Cn=0.4, threshold=0.0, **stop))
        for stop in ({"max_iter": 2}, {"eps": 1e-4, "max_iter": 5000})
    )
    ratios = []
    for label in range(Y.shape[1]):
        y = Y[:, label]
        values = [objective("l2svc-dual", X, y, np.where(y, 1.0, 0.4), W[label], 1.0) for W in (few, best)]
        ratios.append(values[0] / values[1])
    assert np.mean(ratios) <= 1.1  # 1.2 from a start at zero


def test_default_tolerance_depends_on_the_solver():
    assert SolverParams("l2svc-dual").tolerance == 0.1
    assert SolverParams("l2svc-primal").tolerance == 0.01
    assert SolverParams("l2svc-primal", eps=0.3).tolerance == 0.3


@pytest.mark.parametrize(
    ("wrong", "error", "match"),
    [
        ({"solver": "newton"}, ValueError, "solver must be one of 'l2svc-dual'.*found 'newton'"),
        ({"solver": None}, ValueError, "solver must be one of"),
        ({"Cp": -1.0}, ValueError, "Cp must be above 0, found -1.0"),
        ({"Cp": 0}, ValueError, "Cp must be above 0"),
        ({"Cn": float("nan")}, ValueError, "Cn must be finite"),
        ({"Cn": "1"}, TypeError, "Cn must be a number, found '1'"),
        ({"bias": float("inf")}, ValueError, "bias must be finite"),
        ({"eps": 0.0}, ValueError, "eps must be above 0"),
        ({"max_iter": 0}, ValueError, "max_iter must be between 1"),
        ({"max_iter": 10.5}, TypeError, "max_iter must be an integer, found 10.5"),
        ({"threshold": -0.1}, ValueError, "threshold must be at least 0"),
        ({"max_nonzeros": -1}, ValueError, "max_nonzeros must be between 1"),
        ({"max_nonzeros": True}, TypeError, "max_nonzeros must be an integer"),
        ({"treshold": 0.1}, TypeError, "unexpected keyword"),
    ],
)
def test_wrong_parameters_are_named(wrong, error, match):
    with pytest.raises(error, match=match):
        SolverParams(**wrong)
