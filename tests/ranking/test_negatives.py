"""Which instances are examples of which parent."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from arborank.core.sparse import to_scipy
from arborank.ranking.negatives import active_rows, parse_scheme

SCHEMES = ["tfn", "man", "usn", "tfn+man", "man+tfn", "usn+tfn", "usn+man", "usn+tfn+man"]


def boolean(draw, rng, shape):
    return rng.random(shape) < draw(st.sampled_from([0.0, 0.2, 0.9]))


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(SCHEMES), st.integers(1, 12), st.integers(1, 8))
def test_union_of_the_sources_and_the_positives(data, scheme, n, n_parents):
    rng = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    positives, beam, user = (boolean(data.draw, rng, (n, n_parents)) for _ in range(3))
    expected = positives.copy()
    given_matrices = {}
    if "man" in scheme:
        expected |= beam
        given_matrices["beam"] = sp.csr_array(beam * 0.25)
    if "usn" in scheme:
        expected |= user
        given_matrices["user"] = sp.csc_array(user * -2.0)
    active = active_rows(scheme, positives * 3.0, **given_matrices)
    np.testing.assert_array_equal(to_scipy(active).toarray(), expected.T.astype(np.float32))
    assert active.canonical


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_root_takes_every_instance(scheme):
    lifted = np.array([[1.0], [0.0], [0.0]])
    active = active_rows(scheme, lifted, is_root=True)
    np.testing.assert_array_equal(to_scipy(active).toarray(), np.ones((1, 3)))


@pytest.mark.parametrize("scheme", ["", "tnf", "tfn+", "tfn,man", "tfn+tfn", "TFN"])
def test_unknown_schemes_are_refused(scheme):
    with pytest.raises(ValueError, match="negatives"):
        parse_scheme(scheme)
    with pytest.raises(TypeError, match="negatives must be a string"):
        parse_scheme([scheme])


@pytest.mark.parametrize(
    ("scheme", "given_matrices", "match"),
    [
        ("man", {}, "need beam, which was not given"),
        ("tfn+usn", {}, "need user, which was not given"),
        ("tfn", {"user": np.eye(3)}, "user was given but negatives 'tfn' do not use it"),
        ("tfn", {"beam": np.eye(3)}, "beam was given"),
        ("man", {"beam": np.ones((2, 3))}, "beam has 2 rows, but 3 were expected"),
        ("usn", {"user": np.ones((3, 4))}, "user has 4 columns, but 3 were expected"),
        ("tfn", {"is_root": True}, "the root layer has 1 parent, found 3"),
    ],
)
def test_missing_and_misplaced_matrices_are_named(scheme, given_matrices, match):
    with pytest.raises(ValueError, match=match):
        active_rows(scheme, np.eye(3), **given_matrices)
