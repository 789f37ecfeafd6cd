import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborank.autocomplete.prefixes import LAWS, sample_lengths


@given(lengths=st.lists(st.integers(1, 40), max_size=50), law=st.sampled_from(LAWS), seed=st.integers(0, 99))
def test_within_the_query(lengths, law, seed):
    drawn = sample_lengths(lengths, law, np.random.default_rng(seed))
    assert drawn.size == len(lengths)
    assert (drawn >= 1).all()
    assert (drawn <= np.array(lengths, dtype=int)).all()


@pytest.mark.parametrize(
    ("law", "weights"), [("uniform", [1, 1, 1, 1]), ("reciprocal", [1, 1 / 2, 1 / 3, 1 / 4])]
)
def test_law(law, weights):
    drawn = sample_lengths(np.full(40_000, 4), law, np.random.default_rng(0))
    shares = np.bincount(drawn, minlength=5)[1:] / drawn.size
    np.testing.assert_allclose(shares, np.array(weights) / sum(weights), atol=0.01)


def test_unknown_law():
    with pytest.raises(ValueError, match="prefix_law is 'zipf'; expected one of reciprocal, uniform"):
        sample_lengths([1], "zipf", np.random.default_rng(0))
