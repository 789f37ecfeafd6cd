"""Contexts that are sparse rows of features of one's own."""

import pickle

import numpy as np
import pytest
from scipy import sparse as sp

import arborank
from arborank import Autocompleter

ROWS = sp.csr_array(np.array([[1, 0, 0, 0.5], [1, 0, 1, 0], [0, 1, 0, 0.25], [0, 1, 1, 0]] * 3, np.float32))
QUERIES = ["nikon lens", "nikon bag", "nike air", "nike run"] * 3


def queries(completions):
    return [query for query, _ in completions]


@pytest.fixture(scope="module")
def completer():
    return Autocompleter(n_jobs=1).fit_pairs(ROWS, QUERIES)


def test_completions_follow_the_row(completer, tmp_path):
    for row, wanted in enumerate(QUERIES[:4]):
        assert queries(completer.complete("n", ROWS[[row]]))[0] == wanted
    unseen = sp.csr_array(np.array([[0, 2.0, 0, 0]]))
    assert set(queries(completer.complete("n", unseen))[:2]) == {"nike air", "nike run"}
    one_each = [completer.complete("n", ROWS[[row]]) for row in range(4)]
    assert completer.complete_batch(["n"] * 4, ROWS[:4]) == one_each
    completer.save(tmp_path / "model")
    for other in (arborank.load(tmp_path / "model"), pickle.loads(pickle.dumps(completer))):
        assert [other.complete("n", ROWS[[row]]) for row in range(4)] == one_each
    assert completer.complete("n", sp.csr_array((1, 4))) == completer.complete("n")


def test_updates_take_rows(completer):
    updated = completer.update_pairs(ROWS[:4], ["nikon lens", "nikon zoom", "nike air", "nike run"])
    assert queries(updated.complete("nikon z", ROWS[[1]])) == ["nikon zoom"]
    assert completer.complete("nikon z") == []


@pytest.mark.parametrize(
    ("previous", "error", "message"),
    [
        (sp.csr_array((1, 3)), ValueError, "previous has a row of 3 features; 4 were learned from"),
        (sp.csr_array([[0, np.nan, 0, 0]]), ValueError, "previous contains NaN"),
        (np.ones((1, 4)), TypeError, "previous must be a str, a sequence of str or a sparse row"),
        ("[4 features] 7:1", ValueError, "previous has a row of 4 features with one numbered 7"),
    ],
)
def test_bad_rows(completer, previous, error, message):
    with pytest.raises(error, match=message):
        completer.complete("n", previous)


def test_bad_fits():
    with pytest.raises(ValueError, match="previous has 12 entries but queries has 11"):
        Autocompleter().fit_pairs(ROWS, QUERIES[:-1])
    with pytest.raises(ValueError, match="previous contains"):
        Autocompleter().fit_pairs(sp.csr_array(np.full((1, 2), np.inf)), ["a"])
