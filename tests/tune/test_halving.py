"""Which trial goes on, which begins, and when the time is over."""

import pytest

from arborank.tune.halving import next_step, useful_shares
from arborank.tune.options import TuneOptions
from arborank.tune.study import Study
from arborank.tune.trial import Outcome, Trial, Variant


def outcome(score, seconds=1.0, n_bytes=100, microseconds=50.0):
    quality = {"ndcg@5": score, "precision@1": score, "precision@5": score}
    return Outcome(seconds, n_bytes, [Variant({}, quality, microseconds)])


def study(*trials, shares=(1 / 9, 1 / 3, 1.0), **options):
    options = TuneOptions(**{"minutes": None, "n_trials": 100, **options})
    tried = [Trial(number, {}, dict(enumerate(outcomes))) for number, outcomes in enumerate(trials)]
    return Study(options, list(shares), trials=tried)


DEFAULTS = [outcome(0.5, 1), outcome(0.6, 3), outcome(0.7, 9)]


def test_the_defaults_come_first_on_every_sample():
    one = study()
    assert next_step(one) == (0, 0)  # what time does it take?
    one.trials.append(Trial(0, {}))
    for rung in (2, 1, 0):
        assert next_step(one) == (0, rung)
        one.default.outcomes[rung] = DEFAULTS[rung]
    assert next_step(one) == (None, 0)


def test_the_best_third_goes_on():
    assert next_step(study(DEFAULTS, [outcome(0.6)])) == (None, 0)
    assert next_step(study(DEFAULTS, [outcome(0.6)], [outcome(0.4)])) == (1, 1)
    assert next_step(study(DEFAULTS, [outcome(0.4)], [outcome(0.4)])) == (None, 0)
    gone_on = study(DEFAULTS, [outcome(0.6), outcome(0.7)], [outcome(0.4)])
    assert next_step(gone_on) == (None, 0)


def test_a_trial_that_failed_does_not_go_on():
    one = study(DEFAULTS, [outcome(0.6)], [outcome(0.4)])
    one.trials[1].failure = "too large"
    assert next_step(one) == (None, 0)


def test_what_is_beyond_a_limit_comes_last():
    large = [outcome(0.9, n_bytes=300)]
    one = study(DEFAULTS, large, [outcome(0.6)], max_size=200)
    assert next_step(one) == (2, 1)
    assert [found.trial.number for found in one.ranked(0)] == [2, 0, 1]


def test_limits_are_those_of_everything():
    """A sample has smaller models: how much smaller is known of the defaults."""
    defaults = [outcome(0.5, n_bytes=100), outcome(0.6, n_bytes=300), outcome(0.7, n_bytes=900)]
    one = study(defaults, [outcome(0.6, n_bytes=150)], max_size=1000)
    assert one.best_of(one.trials[1], 0).n_bytes == 1350
    assert one.best_of(one.trials[1], 0).excess == pytest.approx(0.35)


def test_at_the_end_the_best_go_on_and_none_begins():
    trials = DEFAULTS, [outcome(0.6)]
    assert next_step(study(*trials, n_trials=2)) == (1, 1)
    assert next_step(study(DEFAULTS, [outcome(0.4)], n_trials=2)) is None  # worse than the defaults


def test_time_is_left_for_the_training_on_everything():
    one = study(DEFAULTS, [outcome(0.6), outcome(0.7, 3)], minutes=1.0)
    one.seconds = 30.0
    assert next_step(one) == (None, 0)  # 13 s, and 9 for what is best then
    one.seconds = 36.0
    assert next_step(one) == (1, 2)
    one.seconds = 42.0
    assert next_step(one) is None


def test_samples_are_used_where_time_is_short():
    shares = [1 / 9, 1 / 3, 1.0]
    assert useful_shares(shares, None, 1.0) == shares
    assert useful_shares(shares, 10.0, 1 / 9) == [1.0]
    assert useful_shares(shares, 10.0, 30 / 9) == [1 / 3, 1.0]
    assert useful_shares(shares, 10.0, 100 / 9) == shares
