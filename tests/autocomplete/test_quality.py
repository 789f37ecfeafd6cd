import math

import numpy as np
import pytest

from arborank.autocomplete.quality import quality_by_length, reciprocal_ranks


def test_reciprocal_ranks():
    assert reciprocal_ranks([["a", "b"], [], ["c"]], ["b", "x", "c"]).tolist() == [0.5, 0.0, 1.0]


def test_by_length():
    quality = quality_by_length(np.array([1.0, 0.0, 0.5, 0.25]), ["a", "a", "abcd", "a" * 30])
    assert quality.means[0] == 0.5
    assert quality.means[3] == 0.5
    assert quality.means[-1] == 0.25
    assert math.isnan(quality.means[1])
    assert quality.counts == (2, 0, 0, 1, 0, 0, 0, 0, 0, 1)
    assert quality.overall == pytest.approx(1.75 / 4)
    assert quality.short == 0.5
