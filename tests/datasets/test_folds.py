"""Folds for many labels a row."""

import numpy as np
import pytest
import scipy.sparse as sp

from arborank.datasets import StratifiedFolds


def made_up(n_rows=600, n_labels=120):
    rng = np.random.default_rng(0)
    chances = 1 / np.arange(1, n_labels + 1)
    return [sorted(set(rng.choice(n_labels, 3, p=chances / chances.sum()).tolist())) for _ in range(n_rows)]


def indicator(rows, width):
    Y = np.zeros((len(rows), width))
    for row, labels in enumerate(rows):
        Y[row, labels] = 1
    return Y


def test_every_fold_has_its_share_of_every_label():
    rows = made_up()
    Y = indicator(rows, 120)
    fold = StratifiedFolds(5).assign(rows)
    assert np.bincount(fold).min() > 100
    held = np.array([Y[fold == number].sum(axis=0) for number in range(5)])
    chance = np.array([Y[np.arange(600) % 5 == number].sum(axis=0) for number in range(5)])
    enough = Y.sum(axis=0) >= 5
    assert (held[:, enough] == 0).mean() < 0.2 * (chance[:, enough] == 0).mean()
    assert abs(held - Y.sum(axis=0) / 5).mean() < 0.75 * abs(chance - Y.sum(axis=0) / 5).mean()


def test_all_forms_of_labels_are_the_same():
    rows = made_up(200, 30)
    Y = indicator(rows, 30)
    names = [[f"label {label:03}" for label in row] for row in rows]
    folds = StratifiedFolds(4, random_state=3)
    expected = folds.assign(sp.csr_array(Y))
    assert np.array_equal(folds.assign(Y), expected)
    assert sorted(np.bincount(folds.assign(names))) == pytest.approx(sorted(np.bincount(expected)), abs=5)
    assert np.array_equal(folds.assign(rows), folds.assign(rows))
    assert not np.array_equal(StratifiedFolds(4, random_state=4).assign(rows), folds.assign(rows))


def test_splits_are_disjoint_and_whole():
    rows = [*made_up(50, 10), [], []]
    splits = list(StratifiedFolds(3).split(None, rows))
    assert len(splits) == StratifiedFolds(3).get_n_splits() == 3
    assert sorted(np.concatenate([held for _, held in splits]).tolist()) == list(range(52))
    for train, held in splits:
        assert sorted([*train.tolist(), *held.tolist()]) == list(range(52))
    assert np.bincount(StratifiedFolds(2).assign(["a", "a", "b", "b"])).tolist() == [2, 2]
    assert np.bincount(StratifiedFolds(2).assign([1, 1, 7, 7])).tolist() == [2, 2]


@pytest.mark.parametrize(
    ("folds", "y", "message"),
    [
        (StratifiedFolds(1), [["a"]], "n_splits must be at least 2"),
        (StratifiedFolds(3), [["a"], ["b"]], "y has 2 rows, too few for 3 folds"),
        (StratifiedFolds(2, random_state=-1), [["a"], ["b"]], "random_state must be at least 0"),
    ],
)
def test_folds_that_cannot_be(folds, y, message):
    with pytest.raises(ValueError, match=message):
        folds.assign(y)
