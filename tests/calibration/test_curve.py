"""Curves against plain definitions: isotonic regression, interpolation, shrinkage."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from arborank.calibration import Curve
from arborank.calibration.curve import increasing


@pytest.mark.parametrize("seed", range(5))
def test_increasing_is_isotonic_regression(seed):
    rng = np.random.default_rng(seed)
    values, weights = rng.random(30), rng.integers(1, 9, 30)
    expected = IsotonicRegression().fit_transform(np.arange(30), values, sample_weight=weights)
    np.testing.assert_allclose(increasing(values, weights), expected)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_rates_are_found_on_any_scale(scale):
    rng = np.random.default_rng(0)
    values = rng.random(50_000)
    hits = rng.random(50_000) < values**2
    curve = Curve.of_rates(scale * values - scale, hits)
    asked = np.linspace(0.05, 0.95, 19)
    assert np.abs(curve(scale * asked - scale) - asked**2).max() < 0.03
    assert (np.diff(curve.y) >= 0).all()


def test_equal_values_have_one_rate():
    values = np.repeat([0.0, 1.0, 2.0], 1000)
    hits = np.concatenate([np.arange(1000) < 100, np.arange(1000) < 300, np.arange(1000) < 800])
    curve = Curve.of_rates(values, hits)
    np.testing.assert_allclose(curve([0.0, 1.0, 2.0]), [0.1, 0.3, 0.8], atol=0.002)


def test_few_hits_are_shrunk_to_the_prior():
    prior = Curve(np.array([0.0, 1.0]), np.array([0.2, 0.4]))
    values, hits = np.linspace(0, 1, 10), np.ones(10, bool)
    near = Curve.of_rates(values, hits, prior=prior, strength=1e6)
    assert near(0.5) == pytest.approx(0.3, abs=1e-3)
    assert Curve.of_rates(values, hits, prior=prior, strength=1e-3)(0.5) > 0.99


@pytest.mark.parametrize("n", [10, 30, 60])
def test_few_rows_still_tell_high_scores_from_low_ones(n):
    hits = np.arange(4 * n) % 4 == 0
    curve = Curve.of_rates(np.where(hits, 0.9, 0.1), hits)
    assert curve(0.1) < 0.1 < 0.85 < curve(0.9)


def test_log_odds_and_ends():
    curve = Curve(np.array([0.0, 1.0]), np.array([0.25, 0.75]))
    np.testing.assert_allclose(curve.log_odds().y, [-np.log(3), np.log(3)])
    assert curve([-5.0, 5.0]).tolist() == [0.25, 0.75]


@pytest.mark.parametrize(
    ("x", "y", "problem"),
    [
        ([0.0, 1.0], [0.5], "as many x as y"),
        ([], [], "as many x as y"),
        ([0.0, 0.0], [0.1, 0.2], "out of order"),
        ([0.0, 1.0], [0.2, 0.1], "falls"),
        ([0.0, np.nan], [0.1, 0.2], "not finite"),
    ],
)
def test_what_is_no_curve(x, y, problem):
    with pytest.raises(ValueError, match=problem):
        Curve(np.array(x), np.array(y))
