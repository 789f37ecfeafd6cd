"""A completer whose counts, or other parts, have another shape than its queries is refused when it is opened."""

import numpy as np
import pytest

from arborank import Autocompleter
from arborank.autocomplete.catalogue import Catalogue
from arborank.core.state import State

PAIRS = [(f"b{i % 5}", f"q{i % 4}") for i in range(40)]


@pytest.fixture(scope="module")
def completer():
    return Autocompleter(n_jobs=1).fit_pairs(*zip(*PAIRS, strict=True))


@pytest.mark.parametrize(
    "counts",
    [
        np.ones((4, 1), np.int64),
        np.ones((2, 2), np.int64),
        np.ones((1, 4), np.int64),
        np.ones(3, np.int64),
        np.ones(5, np.int64),
        np.zeros(0, np.int64),
        np.array(4, np.int64),
        np.ones(4, np.int32),
        np.ones(4, np.float64),
        np.array([1, -1, 1, 1], np.int64),
        np.full(4, 2**62, np.int64),
    ],
)
def test_counts_of_another_shape_kind_or_range(completer, counts):
    state = completer.catalogue_.to_state()
    with pytest.raises(ValueError, match="counts"):
        Catalogue.from_state(State(state.config, {**state.arrays, "counts": counts}, state.parts))


@pytest.mark.parametrize("phrases", ["secret", [1], None, {"a": 1}, [["a"]]])
def test_phrases_that_are_none(completer, phrases):
    state = completer.catalogue_.to_state()
    with pytest.raises(ValueError, match="phrases must be a list of str"):
        Catalogue.from_state(State({"phrases": phrases}, state.arrays, state.parts))


def test_parts_of_different_sizes(completer):
    other = Autocompleter(n_jobs=1).fit_pairs(["b", "words unheard"] * 9, ["q1", "something else"] * 9)
    state = completer.to_state()
    for name in ("catalogue", "followers", "model"):
        parts = {**state.parts, name: other.to_state().parts[name]}
        with pytest.raises(ValueError, match="the parts have different numbers of queries"):
            Autocompleter.from_state(State(state.config, state.arrays, parts))
    with pytest.raises(ValueError, match=r"rows have .* features, but the model has"):
        Autocompleter.from_state(State(state.config, state.arrays, {**state.parts, "rows": other.rows_}))
    for counted in (np.ones(3, np.int64), np.ones((2, 2), np.uint64)):
        with pytest.raises(ValueError, match="counted must be a vector of uint64"):
            Autocompleter.from_state(State(state.config, {"counted": counted}, state.parts))
    again = Autocompleter.from_state(completer.to_state())
    assert again.complete("q", "b1") == completer.complete("q", "b1")
