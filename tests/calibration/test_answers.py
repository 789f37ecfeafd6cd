"""What a calibration keeps of its held-out rows: as it was saved, or refused."""

import numpy as np
import pytest

from arborank.calibration.answers import Answers
from arborank.core.state import State

IDS = np.array([[2, 0, -1]], np.int32)
CHANCES = np.array([[0.5, 0.25, -np.inf]], np.float32)
HITS = np.array([[1, 0, 0]], np.uint8)


def state(**changes):
    arrays = {"ids": IDS, "chances": CHANCES, "hits": HITS, "n_relevant": np.array([1], np.int32)}
    return State({}, arrays | changes)


def test_answers_come_back():
    made = Answers.from_state(state())
    again = Answers.from_state(made.to_state())
    for name in ("ids", "chances", "hits", "n_relevant"):
        np.testing.assert_array_equal(getattr(again, name), getattr(made, name))
    assert again.hits.dtype == bool


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hits": HITS[:, :2]}, "of one shape"),
        ({"ids": IDS.astype(np.int64)}, "of one shape"),
        ({"n_relevant": np.array([1, 2], np.int32)}, "answers to 1 rows, but 2 numbers"),
        ({"chances": np.array([[1.5, 0.25, -np.inf]], np.float32)}, "not between 0 and 1"),
        ({"chances": np.array([[np.nan, 0.25, -np.inf]], np.float32)}, "not between 0 and 1"),
    ],
)
def test_damaged_answers(changes, message):
    with pytest.raises(ValueError, match=message):
        Answers.from_state(state(**changes))


def test_labels_that_went_are_no_answers():
    changed = Answers.from_state(state()).after_update(np.array([0, 1]), 3)  # the last of three labels went
    assert changed.ids.tolist() == [[0, -1, -1]]
    assert changed.hits.tolist() == [[False, False, False]]
    assert changed.n_relevant.tolist() == [0]
