"""Training of a layer: optimality on any shape, same bytes for any threads, pruning, interruption, errors."""

import signal
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from arborank.ranking.solver import SOLVERS, SolverParams
from arborank.ranking.training import train_layer, training_work


def dense_weights(layer):
    """Return (n_children, n_features) weights and the bias, unpacked with every check of the layout."""
    W, bias = layer.to_matrix()
    return W.toarray().T, bias


@st.composite
def layers(draw, max_children=40):
    """A layer of random shape: parents without children or examples, labels with no or only positives.

    With many instances that belong to no parent, every parent's share is small and gathered differently.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(1, 30)), draw(st.integers(1, 25))
    n_all = n * draw(st.sampled_from([1, 9]))
    widths = draw(st.lists(st.integers(0, max_children), min_size=1, max_size=4))
    X = rng.random((n_all, d)) * (rng.random((n_all, d)) < draw(st.sampled_from([0.0, 0.05, 0.3, 1.0])))
    active = rng.random((len(widths), n_all)) < draw(st.sampled_from([0.0, 0.5, 1.0]))
    active[:, rng.permutation(n_all)[n:]] = False
    positives = rng.random((sum(widths), n_all)) < draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    positives &= np.repeat(active, widths, axis=0)
    branches = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
    return X.astype(np.float32), active, positives, branches


def train(layer, params, **kwargs):
    X, active, positives, branches = layer
    as_float = (sp.csr_array(m.astype(np.float32)) for m in (X, active, positives))
    return train_layer(*as_float, branches, params, **kwargs)


def cuts(layer, threshold):
    """Return what every child's weights must reach: less where positives are shorter than 1/2 or longer than 2."""
    X, _, positives, _ = layer
    lengths = np.linalg.norm(X.astype(np.float64), axis=1)
    least = np.full(len(positives), threshold)
    for child, mask in enumerate(positives):
        own = lengths[mask & (lengths > 0)]
        if own.size:
            least[child] = threshold * np.minimum(1, np.minimum(2 * own, 2 / own)).mean()
    return least


def clusters(n=600, n_parents=5, seed=0):
    """Parents of 1 to 37 children; the first two take most instances, the others a tenth each."""
    rng = np.random.default_rng(seed)
    widths = np.array([16, 1, 37, 5, 20])[:n_parents]
    X = rng.random((n, 300)) * (rng.random((n, 300)) < 0.03)
    active = rng.random((n_parents, n)) < np.array([0.6, 0.6, 0.1, 0.1, 0.1])[:n_parents, None]
    positives = (rng.random((widths.sum(), n)) < 0.08) & np.repeat(active, widths, axis=0)
    return X.astype(np.float32), active, positives, np.concatenate([[0], np.cumsum(widths)])


def fields(layer):
    return {name: array.tobytes() for name, array in layer.arrays.items()}


@settings(max_examples=60, deadline=None)
@given(
    layers(),
    st.sampled_from(["l2svc-dual", "logistic-dual", "l2svc-primal"]),
    st.sampled_from([0.0, 1.0, 3.0]),
)
def test_the_objective_has_no_slope_at_the_solution(layer, solver, constant):
    X, active, positives, branches = layer
    params = SolverParams(solver, bias=constant, eps=1e-4, max_iter=10_000, threshold=0.0)
    W, bias = dense_weights(train(layer, params))
    for parent in range(len(branches) - 1):
        rows = np.flatnonzero(active[parent])
        for child in range(branches[parent], branches[parent + 1]):
            if branches[parent + 1] - branches[parent] == 1 and rows.size and positives[child, rows].all():
                continue  # an only child of certain instances is not trained
            sign = np.where(positives[child, rows], 1.0, -1.0)
            margin = sign * (X[rows].astype(np.float64) @ W[child] + bias[child])
            pull = 1 / (1 + np.exp(margin)) if solver == "logistic-dual" else 2 * np.maximum(0, 1 - margin)
            slope = np.append(W[child], bias[child] / constant if constant else 0.0)
            slope -= (sign * pull) @ np.column_stack([X[rows], np.full(len(rows), constant)])
            # the stopping rule bounds the spread of the projected gradients, which scale with the squared constant
            assert np.abs(slope).max() < 5e-3 * max(1.0, len(rows)) * max(1.0, constant**2)


@settings(max_examples=30, deadline=None)
@given(layers(), st.sampled_from(SOLVERS), st.sampled_from([None, 1, 3]))
@pytest.mark.filterwarnings("ignore:threshold=0.2 drops nearly all weights:UserWarning")
def test_pruning_keeps_the_largest_weights(layer, solver, most):
    full, bias = dense_weights(train(layer, SolverParams(solver, threshold=0.0)))
    pruned, pruned_bias = dense_weights(train(layer, SolverParams(solver, threshold=0.2, max_nonzeros=most)))
    least = cuts(layer, 0.2)
    clear = np.abs(np.abs(full) / least[:, None] - 1) > 1e-5  # the kernel's lengths are in single precision
    assume(clear.all() and (np.abs(np.abs(bias) / least - 1) > 1e-5).all())
    expected = np.where(np.abs(full) >= least[:, None], full, 0.0)
    if most is not None:
        features = np.arange(full.shape[1])
        for row in expected:
            row[np.lexsort((features, -np.abs(row)))[most:]] = 0.0
    np.testing.assert_array_equal(pruned, expected)
    np.testing.assert_array_equal(pruned_bias, np.where(np.abs(bias) >= least, bias, 0.0))


@pytest.mark.parametrize("solver", SOLVERS)
def test_same_bytes_for_any_number_of_threads(solver):
    layer = clusters()
    once = fields(train(layer, SolverParams(solver), n_threads=1))
    assert fields(train(layer, SolverParams(solver), n_threads=2)) == once
    assert fields(train(layer, SolverParams(solver), n_threads=7)) == once


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_label_does_not_depend_on_the_number_of_its_siblings(solver):
    X, active, positives, branches = clusters(n_parents=3)
    params = SolverParams(solver, threshold=0.0, eps=1e-4, max_iter=5000)
    W, bias = dense_weights(train((X, active, positives, branches), params))
    for child in (17, 18, 53):
        alone = (X, active[2:3], positives[child : child + 1], [0, 1])
        w, b = dense_weights(train(alone, params))
        np.testing.assert_allclose(W[child], w[0], atol=2e-3)
        np.testing.assert_allclose(bias[child], b[0], atol=2e-3)


def test_inputs_are_taken_in_any_form_and_give_the_same_bytes():
    X, active, positives, branches = clusters()
    once = fields(train((X, active, positives, branches), None))
    other = train_layer(
        sp.csc_matrix(X.astype(np.float64)),
        active.astype(np.int8) * 3,
        sp.coo_array(positives.astype(np.int64)),
        list(branches),
    )
    assert fields(other) == once


def test_progress_ends_at_the_announced_work():
    X, active, positives, branches = clusters()
    total = training_work(active, branches)
    assert total == sum(active[p].sum() * (branches[p + 1] - branches[p]) for p in range(5))
    seen = []
    big = (np.tile(X, (12, 1)), np.tile(active, (1, 12)), np.tile(positives, (1, 12)), branches)
    params = SolverParams(eps=1e-5, max_iter=400)
    train(big, params, n_threads=1, progress=seen.append)
    assert seen == sorted(seen)
    assert all(0 <= done <= 12 * total for done in seen)


def test_an_error_in_progress_reaches_the_caller():
    def fail(done):
        raise RuntimeError("stop here")

    X, active, positives, branches = clusters()
    big = (np.tile(X, (20, 1)), np.tile(active, (1, 20)), np.tile(positives, (1, 20)), branches)
    with pytest.raises(RuntimeError, match="stop here"):
        train(big, SolverParams(eps=1e-7, max_iter=100_000), progress=fail)


SLOW = """
import numpy as np, scipy.sparse as sp
from arborank.ranking.solver import SolverParams
from arborank.ranking.training import train_layer
rng = np.random.default_rng(0)
X = sp.random_array((20000, 2000), density=0.02, rng=rng, dtype=np.float32)
Y = (rng.random((64, 20000)) < 0.3).astype(np.float32)
print("ready", flush=True)
try:
    params = SolverParams({solver!r}, 1e4, 1e4, eps=1e-12, max_iter=10**6)
    train_layer(X, np.ones((1, 20000)), Y, [0, 64], params)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.subprocess
@pytest.mark.parametrize("solver", SOLVERS)
def test_an_interrupt_is_heard_at_once(solver):
    with subprocess.Popen(
        [sys.executable, "-c", SLOW.format(solver=solver)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.7)
        assert child.poll() is None
        start = time.perf_counter()
        child.send_signal(signal.SIGINT)
        assert child.stdout.readline() == "interrupted\n"
        assert time.perf_counter() - start < 5
        assert child.wait(10) == 0


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"active": np.ones((1, 3))}, "active has 3 columns, but 4 were expected"),
        ({"positives": np.ones((2, 5))}, "positives has 5 columns"),
        ({"branches": [0, 1]}, "branches must run from 0 to 2, found 0 to 1"),
        ({"branches": [0, 1, 2]}, r"branches must have shape \(2,\), found \(3,\)"),
        ({"positives": -np.ones((2, 4))}, "cost multipliers of at least 0, found -1"),
        ({"active": [[1, 0, 1, 1]]}, "row 1 is positive for child 0 but is not active for its parent 0"),
        ({"n_threads": -2}, "n_threads must be at least 0"),
        ({"X": np.full((4, 2), np.nan)}, "X contains NaN"),
    ],
)
def test_wrong_arguments_are_named(change, match):
    right = {"X": np.eye(4), "active": np.ones((1, 4)), "positives": np.ones((2, 4)), "branches": [0, 2]}
    with pytest.raises(ValueError, match=match):
        train_layer(**(right | change))


def test_wrong_branches_are_refused():
    X = np.eye(4)
    with pytest.raises(ValueError, match="branches decreases after parent 1"):
        train_layer(X, np.ones((3, 4)), np.ones((2, 4)), [0, 2, 1, 2])
    with pytest.raises(TypeError, match="branches must hold integers"):
        train_layer(X, np.ones((1, 4)), np.ones((2, 4)), [0.0, 2.0])


@given(layers(), st.data())
def test_a_range_of_parents_is_that_part_of_the_layer(layer, data):
    n_parents = len(layer[3]) - 1
    cuts = sorted(data.draw(st.lists(st.integers(0, n_parents), max_size=3)))
    whole = train(layer, SolverParams())
    bounds = [0, *cuts, n_parents]
    parts = [train(layer, SolverParams(), parents=pair) for pair in pairwise(bounds)]
    found = {}
    for number, (part, first) in enumerate(zip(parts, bounds, strict=False)):
        assert np.array_equal(part.branches, layer[3][first : bounds[number + 1] + 1] - layer[3][first])
        lengths = {name: len(array) for name, array in found.items()}
        for name, rows in part.continuing(lengths, ends=number == len(parts) - 1).items():
            found[name] = np.concatenate([found[name], rows]) if name in found else rows
    for name, rows in found.items():
        assert rows.dtype == whole.arrays[name].dtype
        assert np.array_equal(rows, whole.arrays[name]), name
    assert found.keys() | {"branches", "ranks", "scales"} == whole.arrays.keys()


@pytest.mark.parametrize("parents", [(-1, 1), (0, 3), (2, 1)])
def test_wrong_range_of_parents(parents):
    X, active, positives = np.eye(2), np.ones((2, 2)), np.eye(2)
    with pytest.raises(ValueError, match=r"parents is \(.*\), but there are 2 parents"):
        train_layer(X, active, positives, [0, 1, 2], parents=parents)


def test_an_only_child_of_certain_instances_passes_its_parents_score_on():
    X = np.eye(4, 3, dtype=np.float32)
    active = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0]], bool)
    positives = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]], bool)
    branches = np.array([0, 1, 2, 4, 5])
    W, bias = dense_weights(train((X, active, positives, branches), SolverParams(threshold=0.0)))
    # the second is an only child, but not of every instance; the last has no instance
    assert W.any(axis=1).tolist() == [False, True, True, True, False]
    assert bias[[0, 4]].tolist() == [20, 0]
    assert abs(bias[1]) < 5


def test_certain_children_leave_the_others_as_they_were():
    X, active, positives, branches = clusters()
    alone = np.vstack([active, active[:1]]), np.vstack([positives, active[:1]])
    with_certain = train((X, *alone, np.append(branches, branches[-1] + 1)), SolverParams())
    W, bias = dense_weights(train((X, active, positives, branches), SolverParams()))
    W_all, bias_all = dense_weights(with_certain)
    np.testing.assert_array_equal(W_all[:-1], W)
    np.testing.assert_array_equal(bias_all[:-1], bias)
    assert not W_all[-1].any()


def test_positives_of_an_only_child_must_be_active():
    X, active, positives = np.eye(3), np.array([[1, 1, 0]]), np.array([[0, 1, 1]])
    with pytest.raises(ValueError, match="active"):
        train_layer(X, active, positives, [0, 1])


@pytest.mark.parametrize("n_threads", [1, 2])
def test_documents_cost_children_nothing_that_have_more_than_their_share_of_instances(n_threads):
    layer = X, active, positives, branches = clusters()
    n, parents = X.shape[0], np.repeat(np.arange(len(active)), np.diff(branches))
    is_document = np.arange(n) >= n - 150
    own, of_family = (positives & is_document).sum(1), (active & is_document).sum(1)[parents]
    instances, in_family = (positives & ~is_document).sum(1), (active & ~is_document).sum(1)[parents]
    frequent = instances * of_family > own * in_family
    spared = active[parents] & is_document & frequent[:, None] & ~positives
    assert frequent.any()
    assert not frequent.all()
    costs = sp.coo_array(np.where(spared, 2.0, positives).astype(np.float32)).tocsr()  # explicit zeros
    costs.data[costs.data == 2] = 0
    as_float = (sp.csr_array(m.astype(np.float32)) for m in (X, active))
    expected = train_layer(*as_float, costs, branches, SolverParams())
    assert fields(train(layer, SolverParams(), n_documents=150, n_threads=n_threads)) == fields(expected)


def test_more_documents_than_instances_are_refused():
    with pytest.raises(ValueError, match="n_documents is 601, but X has 600 rows"):
        train(clusters(), SolverParams(), n_documents=601)
