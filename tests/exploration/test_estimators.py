"""Estimators against the formulas of the textbooks, written out label by label."""

import numpy as np
import pytest

from arborank.exploration import estimators
from arborank.exploration.estimators import Shown


@pytest.fixture
def logs():
    """Three decisions of two, one and three labels."""
    place = np.array([0, 0, 1, 2, 2, 2])
    reward = np.array([1.0, 0.0, 0.5, 1.0, 0.0, 1.0])
    propensity = np.array([1.0, 0.25, 0.5, 0.125, 1.0, 0.5])
    chance = np.array([1.0, 1.0, 0.0, 1.0, 0.5, 0.25])
    return Shown(place, reward, propensity, chance, 3)


# weights: 1, 4 | 0 | 8, 0.5, 0.5
def test_ips_is_the_mean_of_weighted_rewards(logs):
    found = estimators.ips(logs)
    assert found.values.tolist() == [1.0, 0.0, 8.5]
    assert found.value == pytest.approx(9.5 / 3)


def test_effective_sample_size(logs):
    assert estimators.ips(logs).effective == pytest.approx((5 + 0 + 9) ** 2 / (25 + 81))
    alike = Shown(np.arange(4), np.ones(4), np.full(4, 0.5), np.full(4, 0.5), 4)
    assert estimators.ips(alike).effective == pytest.approx(4)
    nothing = Shown(np.arange(4), np.ones(4), np.full(4, 0.5), np.zeros(4), 4)
    assert estimators.ips(nothing).effective == 0


def test_clipping_bounds_weights(logs):
    assert estimators.ips(logs, clip=2.0).value == pytest.approx((1 + 2 + 0.5) / 3)
    with pytest.raises(ValueError, match="clip"):
        estimators.ips(logs, clip=0.0)


def test_snips_divides_by_what_the_weights_should_add_up_to(logs):
    size = np.array([2.0, 1.0, 3.0])
    assert estimators.snips(logs, size).value == pytest.approx(9.5 / 14 * 2.0)
    one = Shown(
        np.arange(3), np.array([1.0, 0.0, 1.0]), np.array([0.5, 0.5, 0.25]), np.array([1.0, 0.0, 1.0]), 3
    )
    assert estimators.snips(one, np.ones(3)).value == pytest.approx(
        (2 + 0 + 4) / (2 + 4)
    )  # as with one label a decision


def test_doubly_robust_corrects_the_model_where_it_was_off(logs):
    expected = np.array([1.5, 0.5, 1.0])
    told = np.array([0.75, 0.5, 0.5, 0.5, 0.25, 1.0])
    by_hand = [1.5 + 0.25 - 4 * 0.5, 0.5, 1.0 + 8 * 0.5 - 0.5 * 0.25]
    assert estimators.doubly_robust(logs, expected, told).values == pytest.approx(by_hand)


def test_marginalised_weights_are_those_of_groups(logs):
    marginal = np.array([1.25, 1.25, 1.0, 1.5, 1.5, 1.0])
    chance = np.array([1.0, 1.0, 0.0, 3.0, 3.0, 0.5])
    found = estimators.marginalised_ips(logs, marginal, chance)
    assert found.value == pytest.approx((0.8 * 1 + 0 + 2 * 1 + 0.5 * 1) / 3)


def test_what_was_logged_is_the_mean_reward(logs):
    found = estimators.logged(logs)
    assert found.value == pytest.approx((1.0 + 0.5 + 2.0) / 3)
    assert found.effective == 3


def test_intervals_hold_the_estimate_and_repeat(logs):
    options = {"confidence": 0.9, "n_draws": 200, "random_state": 3}
    found = estimators.ips(logs).estimate(**options)
    assert found.low <= found.value <= found.high
    assert found == estimators.ips(logs).estimate(**options)


def test_estimates_are_unbiased():
    rng = np.random.default_rng(0)
    n, n_arms = 40_000, 6
    quality = np.linspace(0.1, 0.6, n_arms)
    logging = rng.dirichlet(np.ones(n_arms), n) * 0.5 + 0.5 / n_arms
    target = np.zeros(n_arms)
    target[[1, 4]] = 0.3, 0.7
    arm = (rng.random(n)[:, None] > np.cumsum(logging, axis=1)).sum(axis=1)
    reward = (rng.random(n) < quality[arm]).astype(float)
    shown = Shown(np.arange(n), reward, logging[np.arange(n), arm], target[arm], n)
    model = quality * 0.5 + 0.1  # wrong
    truth = float(target @ quality)
    found = {
        "ips": estimators.ips(shown),
        "snips": estimators.snips(shown, np.ones(n)),
        "dr": estimators.doubly_robust(shown, np.full(n, target @ model), model[arm]),
    }
    for terms in found.values():
        assert terms.value == pytest.approx(truth, abs=0.02)


def test_the_coarsest_estimate_is_taken_whose_interval_meets_the_finer_ones():
    def around(value, spread):
        return estimators.Terms(value + spread * np.array([-1.0, 1.0] * 50), np.ones(100))

    fine, middle, biased = around(1.0, 3.0), around(1.2, 1.0), around(2.0, 0.5)
    assert estimators.coarsest([fine]) == 0
    assert estimators.coarsest([fine, middle]) == 1
    assert estimators.coarsest([fine, middle, biased]) == 1
    assert estimators.coarsest([fine, biased, middle]) == 0


def test_errors_are_those_of_a_mean_and_of_a_ratio(logs):
    terms = estimators.ips(logs)
    assert terms.error == pytest.approx(np.std(terms.values) / np.sqrt(3))
    normalised = estimators.snips(logs, np.array([2.0, 1.0, 3.0]))
    rest = normalised.values - normalised.value * normalised.shares
    assert normalised.error == pytest.approx(np.linalg.norm(rest) / normalised.shares.sum())
