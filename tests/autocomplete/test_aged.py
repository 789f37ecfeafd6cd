"""Counts that age: what half-lives make of a log, merged and saved."""

import numpy as np
import pytest

from arborank.autocomplete.aged import AgedCounts
from arborank.core.state import State


def counts(half_lives=(1.0, 2.0)):
    labels, times = np.array([0, 1, 1]), np.array([0.0, 2.0, 4.0])
    return AgedCounts.of_log(labels, times, 2, np.array(half_lives))


def test_a_count_halves_in_its_half_life():
    np.testing.assert_allclose(counts().values, [[0.5**4, 0.5**2 + 1], [0.5**2, 0.5 + 1]])


def test_what_is_left_later():
    assert counts().left(4.0) == counts().left(-1.0) == [1, 1]
    np.testing.assert_allclose(counts().left(6.0), [0.5**2, 0.5])


def test_logs_one_after_the_other_count_as_one():
    newer = AgedCounts.of_log(np.array([0]), np.array([8.0]), 1, counts().half_lives)
    merged = counts().merged(newer, np.array([0, 1]), np.array([1]), 3)
    labels, times = np.array([0, 1, 1, 1]), np.array([0.0, 2.0, 4.0, 8.0])
    np.testing.assert_allclose(merged.values, AgedCounts.of_log(labels, times, 3, counts().half_lives).values)


@pytest.mark.parametrize(
    ("config", "arrays", "message"),
    [
        ({}, {"half_lives": np.array([1.0, -1.0])}, "half_lives must be"),
        ({}, {"values": np.array([1.0, 2.0, 3.0])}, "half_lives must be"),
        ({"at": float("nan")}, {}, "at must be a time"),
        ({"at": "now"}, {}, "at must be a time"),
        ({}, {"values": np.array([1.0, -1.0, 0.0, 0.0])}, "at least 0"),
        ({}, {"values": np.array([1.0, np.nan, 0.0, 0.0])}, "at least 0"),
    ],
)
def test_damaged_counts(config, arrays, message):
    saved = counts().to_state()
    with pytest.raises(ValueError, match=message):
        AgedCounts.from_state(State({**saved.config, **config}, {**saved.arrays, **arrays}))
    again = AgedCounts.from_state(saved)
    np.testing.assert_array_equal(again.values, counts().values)
