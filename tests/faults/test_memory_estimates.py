"""What training is estimated to need is near the growth of the process, whatever the shape of the data."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from arborank.core.estimates import Estimate, check_fits, estimate_training, feature_overlap
from arborank.core.sparse import as_csr

PROGRAM = Path(__file__).parents[1] / "support" / "memory_of_training.py"


def made_up(n, n_features, values, n_labels, per_row, own=False):
    """Return rows of unit length and their labels; with ``own``, a third of the features belong to the labels."""
    rng = np.random.default_rng(0)
    if own:
        labels = np.minimum((rng.pareto(1.0, (n, per_row)) * n_labels / 20).astype(int), n_labels - 1)
        words = np.exp(rng.random((n, values)) * np.log(n_features)).astype(int) - 1
        theirs = labels[:, rng.integers(0, per_row, values)] * 131 + rng.integers(0, 40, (n, values)) * 977
        columns = np.where(rng.random((n, values)) < 0.3, theirs % n_features, words)
    else:
        labels, columns = rng.integers(0, n_labels, (n, per_row)), rng.integers(0, n_features, (n, values))
    data = rng.random(n * values, np.float32) + np.float32(0.1)
    X = sp.csr_array(
        (data, columns.ravel().astype(np.int32), np.arange(0, n * values + 1, values)), (n, n_features)
    )
    X.sum_duplicates()
    lengths = np.sqrt(X.multiply(X).sum(axis=1))
    X.data /= np.repeat(lengths, np.diff(X.indptr)).astype(np.float32)
    starts = np.arange(0, n * per_row + 1, per_row)
    Y = sp.csr_array(
        (np.ones(n * per_row, np.float32), labels.ravel().astype(np.int32), starts), (n, n_labels)
    )
    Y.sum_duplicates()
    return X, Y


def measured(folder, parameters, X, Y):
    """Train in a process of its own."""
    arrays = {
        f"{name}_{part}": getattr(matrix, part)
        for name, matrix in (("X", X), ("Y", Y))
        for part in ("data", "indices", "indptr", "shape")
    }
    np.savez(folder / "data.npz", **arrays)
    command = [sys.executable, str(PROGRAM), str(folder / "data.npz"), json.dumps(parameters)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


FEW = [
    ((20_000, 200_000, 120, 3_000, 1), 0.1),
    ((20_000, 20_000, 30, 3_000, 2), 0.0),
    ((20_000, 20_000, 30, 3_000, 2, True), 0.0),
]
MORE = [
    ((20_000, 200_000, 120, 3_000, 1), 0.0),
    ((20_000, 200_000, 120, 3_000, 3), 0.1),
    ((20_000, 20_000, 30, 3_000, 2), 0.1),
    ((50_000, 100_000, 20, 20_000, 2), 0.1),
    ((5_000, 300_000, 300, 1_000, 3), 0.1),
    ((30_000, 300, 100, 2_000, 1), 0.1),
    ((20_000, 200_000, 120, 3_000, 1, True), 0.1),
    ((20_000, 200_000, 120, 3_000, 1, True), 0.0),
    ((50_000, 100_000, 20, 20_000, 2, True), 0.1),
    ((5_000, 300_000, 300, 1_000, 3, True), 0.1),
    ((30_000, 300, 100, 2_000, 1, True), 0.1),
]


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="no /proc")
@pytest.mark.parametrize(
    ("shape", "threshold"), [*FEW, *(pytest.param(*case, marks=pytest.mark.slow) for case in MORE)]
)
def test_the_estimate_is_near_the_growth_of_the_process(shape, threshold, tmp_path):
    found = measured(tmp_path, {"threshold": threshold}, *made_up(*shape))
    assert 0.75 < found["estimate"] / found["used"] < 1.35
    assert found["interval"][0] < found["used"] < found["interval"][1]


def test_overlap_tells_how_much_instances_share():
    apart, near = (made_up(2000, 20_000, 30, 100, 1, own) for own in (False, True))
    assert feature_overlap(as_csr(apart[0]), as_csr(apart[1])) > 0.97
    assert feature_overlap(as_csr(near[0]), as_csr(near[1])) < 0.9
    same = as_csr(np.ones((50, 7)))
    assert feature_overlap(same, as_csr(np.ones((50, 3)))) == 0.0
    alone = as_csr(np.eye(50))
    assert 0.6 <= feature_overlap(alone, alone) <= 1.0  # no label has two instances: what is usual
    nothing = as_csr(np.zeros((50, 7)))
    assert 0.6 <= feature_overlap(nothing, as_csr(np.ones((50, 3)))) <= 1.0


def test_more_overlap_is_less_memory():
    shape = {"n_instances": 20_000, "n_features": 10**6, "nnz": 2_000_000, "label_counts": np.full(1000, 20)}
    sizes = [estimate_training(**shape, threshold=0, overlap=overlap).needed for overlap in (0.5, 0.8, 1.0)]
    assert sizes == sorted(sizes)
    assert sizes[2] > 3 * sizes[0]


def test_the_interval_is_about_the_estimate():
    estimate = Estimate(inputs=100, index=50, weights=200, working=30, base=10)
    least, most = estimate.interval
    assert least < estimate.total == 340 < most


def test_what_may_not_fit_is_told(caplog, monkeypatch):
    def check(estimate, available):
        monkeypatch.setattr("arborank.core.estimates.available_memory", lambda: available)
        check_fits(estimate)

    estimate = Estimate(inputs=0, index=0, weights=10**9, working=0)
    with caplog.at_level(logging.WARNING, "arborank"):
        check(estimate, 2 * 10**9)
        assert caplog.text == ""
        check(estimate, 11 * 10**8)
    assert "training may need up to 1.45 GB beyond the data, but 1.1 GB are free" in caplog.text
    with pytest.raises(MemoryError):
        check(estimate, 9 * 10**8)
