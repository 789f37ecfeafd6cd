"""Rankers that learn from further examples, against a plain minimisation of the same objective."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import minimize

from arborank.core.sparse import as_csr
from arborank.ranking import LayerWeights, SolverParams
from arborank.ranking.adapting import adapt_layer


@pytest.fixture
def layer():
    rng = np.random.default_rng(0)
    W = rng.normal(size=(12, 7)).astype(np.float32)
    W[np.abs(W) < 0.5] = 0
    return LayerWeights.from_matrix(
        sp.csc_array(W), rng.normal(size=7).astype(np.float32), np.array([0, 3, 3, 7])
    )


def rows_and_costs(n=30):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, 12)).astype(np.float32) * (rng.random((n, 12)) < 0.5)
    costs = np.zeros((n, 7), np.float32)
    costs[:, :3] = rng.choice([-0.5, 0.0, 2.0], size=(n, 3))
    return as_csr(sp.csr_array(X)), as_csr(sp.csr_array(costs)), X.astype(float), costs.astype(float)


def best(w0, X, costs, power, step=1.0, seen=0):
    """Minimise the objective of one ranker; the last weight is the bias."""
    X = np.hstack([X, np.ones((len(X), 1))])
    firm = 1 + seen * (X**2).mean(axis=0)

    def objective(w):
        loss = np.maximum(0, 1 - np.sign(costs) * (X @ w)) ** power
        return 0.5 * (firm * (w - w0) ** 2).sum() + step * (np.abs(costs) * loss).sum()

    return minimize(objective, w0, method="BFGS", options={"gtol": 1e-8}), objective


@pytest.mark.parametrize(("solver", "power"), [("l2svc-dual", 2), ("l2svc-primal", 2), ("l1svc-dual", 1)])
@pytest.mark.parametrize(("step", "seen"), [(1.0, 0), (0.2, 0), (1.0, 20)])
def test_rankers_minimise_the_objective(layer, solver, power, step, seen):
    rows, examples, X, costs = rows_and_costs()
    params = SolverParams(solver=solver, eps=1e-4, threshold=0.0)
    learned = adapt_layer(layer, rows, examples, params, step=step, seen=np.array([seen, 5, 9]))
    (W, bias), (W0, bias0) = learned.to_matrix(), layer.to_matrix()
    for child in range(3):
        w0 = np.append(W0.toarray()[:, child], bias0[child]).astype(float)
        found, objective = best(w0, X, costs[:, child], power, step, seen)
        own = objective(np.append(W.toarray()[:, child], bias[child]).astype(float))
        assert own == pytest.approx(found.fun, rel=0.03)
        assert own < objective(w0)


def test_families_without_examples_stay_as_they_are(layer):
    rows, examples, _, _ = rows_and_costs()
    learned = adapt_layer(layer, rows, examples, SolverParams())
    assert (learned.to_matrix()[0][:, 3:] != layer.to_matrix()[0][:, 3:]).nnz == 0
    assert (learned.bias[3:] == layer.bias[3:]).all()
    none = as_csr(sp.csr_array(examples.shape, dtype=np.float32))
    assert adapt_layer(layer, rows, none, SolverParams()) is layer


def test_weights_that_old_examples_settled_hardly_move(layer):
    rows, examples, _, _ = rows_and_costs()

    def moved(seen):
        learned = adapt_layer(layer, rows, examples, SolverParams(), seen=np.full(3, seen))
        return np.abs(learned.bias - layer.bias).max()

    assert moved(10_000) < 0.1 * moved(0)


def test_many_rows_of_a_family_are_learned_in_turn(layer, monkeypatch):
    rows, examples, _, _ = rows_and_costs()
    whole = adapt_layer(layer, rows, examples, SolverParams(eps=1e-3, threshold=0.0)).to_matrix()[0].toarray()
    monkeypatch.setattr("arborank.ranking.adapting.BLOCK", 11)
    parts = adapt_layer(layer, rows, examples, SolverParams(eps=1e-3, threshold=0.0)).to_matrix()[0].toarray()
    assert np.corrcoef(whole[:, :3].ravel(), parts[:, :3].ravel())[0, 1] > 0.9


def test_small_weights_and_those_beyond_the_most_go(layer):
    rows, examples, _, _ = rows_and_costs()
    learned = adapt_layer(layer, rows, examples, SolverParams(threshold=1.0, max_nonzeros=4))
    weights = learned.to_matrix()[0][:, :3]
    assert np.abs(weights.data).min() >= 1.0
    assert np.diff(weights.indptr).max() <= 4


def test_precision_stays(layer):
    rows, examples, _, _ = rows_and_costs()
    assert adapt_layer(layer.astype("int8"), rows, examples, SolverParams()).precision == "int8"


def test_bad_arguments(layer):
    rows, examples, _, _ = rows_and_costs()
    with pytest.raises(ValueError, match="solver is 'logistic-dual'"):
        adapt_layer(layer, rows, examples, SolverParams(solver="logistic-dual"))
    with pytest.raises(ValueError, match=r"\(30, 7\) and \(30, 12\) were expected"):
        adapt_layer(layer, rows, as_csr(sp.csr_array((30, 6), dtype=np.float32)), SolverParams())
