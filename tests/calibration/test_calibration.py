"""What turns scores into probabilities, against a plain oracle and on lists whose probabilities are known."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from arborank.calibration import Calibration, cross_fit
from arborank.calibration.calibration import Facts
from arborank.calibration.fitting import FEW_ROWS, bin_of
from arborank.calibration.held_out import HeldOut, parts_to_hold_out
from arborank.core.sparse import as_csr

N_LABELS = 60


def lists(n_rows, seed=0, width=12, shift=0.0):
    """Ranked lists whose scores are a distorted form of the chances that labels are relevant, and the truth."""
    rng = np.random.default_rng(seed)
    ids = np.argsort(rng.random((n_rows, N_LABELS)), axis=1)[:, :width]
    chances = -np.sort(-(rng.random((n_rows, width)) ** 2 * 0.9), axis=1)
    hits = rng.random(chances.shape) < 1 / (1 + np.exp(-(np.log(chances / (1 - chances)) + shift)))
    Y = np.zeros((n_rows, N_LABELS), np.float32)
    np.put_along_axis(Y, ids, hits.astype(np.float32), axis=1)
    return ids, (chances**3).astype(np.float32), as_csr(Y), hits, chances


def error(probabilities, hits, n_bins=10):
    """The calibration error over bins of equal mass."""
    order = np.argsort(probabilities.ravel(), kind="stable")
    bins = np.array_split(order, n_bins)
    gaps = [abs(probabilities.ravel()[one].mean() - hits.ravel()[one].mean()) * one.size for one in bins]
    return sum(gaps) / order.size


def oracle(calibration, ids, scores, ordered):
    """Return what `Calibration.apply` promises, label by label."""
    out = np.full(ids.shape, -np.inf, np.float32)
    head, own, first, before = calibration.weights
    for row in range(len(ids)):
        odds = calibration.odds(scores[row].astype(np.float64))
        least = np.inf
        for place, label in enumerate(ids[row]):
            if label < 0:
                continue
            total = calibration.places[min(place, calibration.places.size - 1)] + calibration.labels[label]
            total += head * odds[0] if place == 0 else own * odds[place] + first * odds[0]
            total += 0 if place == 0 else before * (odds[place - 1] - odds[place])
            least = min(least, total)
            out[row, place] = calibration.chances(np.array([least if ordered else total]))[0]
    return out


@pytest.fixture(scope="module")
def fitted():
    ids, scores, Y, _, _ = lists(4000)
    counts = np.arange(N_LABELS) ** 2
    return Calibration.fit(ids, scores, Y, counts=counts)


@pytest.mark.parametrize("ordered", [True, False])
def test_the_kernel_equals_the_oracle(fitted, ordered):
    ids, scores, *_ = lists(50, seed=3, width=15)
    ids[3, 10:], scores[3, 10:] = -1, -np.inf
    ids[4], scores[4] = -1, -np.inf
    with np.errstate(invalid="ignore"):
        expected = oracle(fitted, ids, scores, ordered)
    np.testing.assert_allclose(fitted.apply(ids, scores, ordered=ordered), expected, rtol=1e-5)


def test_probabilities_are_right_and_keep_the_order(fitted):
    ids, scores, _, hits, chances = lists(20_000, seed=1)
    found = fitted.apply(ids, scores)
    assert (np.diff(found, axis=1) <= 0).all()
    assert error(scores, hits) > 0.1
    assert error(found, hits) < 0.01
    for k in (1, 5):
        assert error(found[:, :k], hits[:, :k]) < 0.02
        assert abs(found[:, :k].mean() - hits[:, :k].mean()) < 0.01
    assert np.abs(found - chances).mean() < 0.03


def test_a_shorter_list_has_the_same_probabilities(fitted):
    ids, scores, *_ = lists(100, seed=2)
    long = fitted.apply(ids, scores)
    short = fitted.apply(np.ascontiguousarray(ids[:, :4]), np.ascontiguousarray(scores[:, :4]))
    np.testing.assert_array_equal(short, long[:, :4])


def test_labels_are_corrected_for_their_own_hits():
    ids, scores, Y, *_ = lists(4000)
    never = to_dense(Y)
    never[:, 7] = 0
    apart = Calibration.fit(ids, scores, as_csr(never))
    assert apart.labels[7] < apart.labels[[1, 2, 3]].min() - 1
    plain = Calibration.fit(ids, scores, Y)
    assert np.abs(plain.labels).max() < 1


def test_frequent_labels_have_a_bin():
    ids, scores, Y, *_ = lists(6000)
    counts = np.where(np.arange(N_LABELS) < 30, 1, 1000)
    rare = to_dense(Y)
    rare[:, :30] *= np.random.default_rng(0).random((6000, 30)) < 0.2
    found = Calibration.fit(ids, scores, as_csr(rare), counts=counts)
    assert found.bins[bin_of(np.array([1000]))] > found.bins[bin_of(np.array([1]))] + 0.5
    grown = found.after_update(np.append(np.arange(N_LABELS), -1), np.append(counts, 1000))
    assert grown.n_labels == N_LABELS + 1
    assert grown.labels[-1] == pytest.approx(found.bins[bin_of(np.array([1000]))][0], rel=1e-6)
    np.testing.assert_array_equal(grown.labels[:-1], found.labels)
    assert (grown.facts.n_updates, found.facts.n_updates) == (1, 0)


def test_bins():
    assert bin_of(np.array([0, 1, 2, 3, 4, 7, 8, 2047, 2048, 4095, 4096, 10**9])).tolist() == [
        *[0, 1, 2, 2, 3, 3, 4, 11, 12, 12, 12, 12]
    ]


def test_what_lists_miss():
    ids, scores, Y, hits, _ = lists(3000)
    found = Calibration.fit(ids, scores, Y)
    assert found.expected_missed(0) == pytest.approx(hits.sum(axis=1).mean())
    assert found.expected_missed(3) == pytest.approx(hits[:, 3:].sum(axis=1).mean())
    assert found.expected_missed(12) == found.expected_missed(500) == pytest.approx(0, abs=1e-9)
    short = Calibration.fit(ids[:, :2], scores[:, :2], Y)
    assert short.unreached == short.expected_missed(9) == pytest.approx(hits[:, 2:].sum(axis=1).mean())


def test_few_rows_have_one_curve():
    ids, scores, Y, *_ = lists(FEW_ROWS - 1)
    with pytest.warns(UserWarning, match=f"{FEW_ROWS - 1} rows are few to calibrate.*{FEW_ROWS} are needed"):
        found = Calibration.fit(ids, scores, Y)
    assert not found.labels.any()
    ids, scores, _, hits, _ = lists(5000, seed=1)
    assert error(found.apply(ids, scores), hits) < 0.03


@pytest.mark.parametrize(("value", "problem"), [(0, "none of the labels ranked"), (1, "every label ranked")])
def test_one_class_only(value, problem):
    ids, scores, *_ = lists(300)
    with pytest.raises(ValueError, match=f"{problem} for 300 held-out rows is relevant"):
        Calibration.fit(ids, scores, as_csr(np.full((300, N_LABELS), value, np.float32)))


def test_shapes_that_do_not_fit():
    ids, scores, Y, *_ = lists(300)
    with pytest.raises(ValueError, match=r"ids have shape \(300, 12\) and scores \(299, 12\)"):
        Calibration.fit(ids, scores[:-1], Y)
    with pytest.raises(ValueError, match="Y has 300 rows"):
        Calibration.fit(ids[:-1], scores[:-1], Y)


def test_another_domain():
    ids, scores, Y, *_ = lists(4000)
    old = Calibration.fit(ids, scores, Y)
    there = lists(1000, seed=5, shift=-1.5)
    new = old.recalibrated(there[:2], there[2])
    assert new.facts == replace(old.facts, n_recalibrated=1000)
    ids, scores, _, hits, _ = lists(20_000, seed=6, shift=-1.5)
    assert error(old.apply(ids, scores), hits) > 0.08
    assert error(new.apply(ids, scores), hits) < 0.02
    assert old.recalibrated(there[:2], there[2], unreached=0.25).unreached == 0.25
    few = old.recalibrated(tuple(one[:5] for one in there[:2]), as_csr(to_dense(there[2])[:5]))
    assert np.abs(few.apply(ids, scores) - old.apply(ids, scores)).mean() < 0.1


def test_it_is_a_value(fitted):
    ids, scores, *_ = lists(50, seed=3)
    twin = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(twin.apply(ids, scores), fitted.apply(ids, scores))
    again = Calibration.from_state(fitted.to_state())
    assert again.facts == fitted.facts
    np.testing.assert_array_equal(again.apply(ids, scores), fitted.apply(ids, scores))


def test_damaged_states(fitted):
    state = fitted.to_state()
    for name, value in {
        "bins": np.zeros(2),
        "weights": np.zeros(3),
        "odds_x": fitted.odds.x[::-1].copy(),
    }.items():
        with pytest.raises(ValueError, match=r"bins|weights|out of order"):
            Calibration.from_state(replace(state, arrays={**state.arrays, name: value}))
    with pytest.raises(ValueError, match="n_rows must be at least 0"):
        Calibration.from_state(replace(state, config={**state.config, "n_rows": -1}))
    with pytest.raises(ValueError, match="outside"):
        fitted.apply(np.array([[N_LABELS]]), np.array([[0.5]], np.float32))
    with pytest.raises(ValueError, match="one shape"):
        fitted.apply(np.array([[1]]), np.array([[0.5, 0.2]], np.float32))


@pytest.mark.parametrize(
    ("n_rows", "n_parts", "size"),
    [(20, 5, 2), (1000, 5, 100), (10_000, 4, 1000), (20_000, 2, 2000), (200_000, 1, 10_000), (2, 2, 1)],
)
def test_parts_to_hold_out(n_rows, n_parts, size):
    parts = parts_to_hold_out(n_rows, 0)
    assert [one.size for one in parts] == [size] * n_parts
    together = np.concatenate(parts)
    assert np.unique(together).size == together.size
    assert together.max() < n_rows


def test_one_row_cannot_be_held_out():
    with pytest.raises(ValueError, match="needs at least 2, found 1"):
        parts_to_hold_out(1, 0)


def test_cross_fitting_asks_about_rows_that_are_left_out():
    Y = as_csr(sp.csr_array(np.eye(N_LABELS, dtype=np.float32)[np.arange(100) % N_LABELS]))
    asked = []

    def answer(rest, held):
        assert not rest[held].any()
        assert rest.sum() == 100 - held.size
        asked.extend(held.tolist())
        return (held % N_LABELS)[:, None], np.ones((held.size, 1), np.float32)

    held = cross_fit(Y, answer, n_rows=90)
    assert max(asked) < 90
    assert held.hits.all()
    assert held.counts.max() == 1  # of two rows with the label, one was trained on


def test_lists_of_several_widths():
    Y = as_csr(np.eye(4, dtype=np.float32))
    wide = HeldOut.of((np.array([[0, 1, 2]] * 4), np.ones((4, 3), np.float32)), Y)
    short = HeldOut.of((np.array([[3]] * 4), np.ones((4, 1), np.float32)), Y)
    both = HeldOut.joined([wide, short])
    assert both.ids[4:].tolist() == [[3, -1, -1]] * 4
    assert both.missed.tolist() == [1.0, 0.75, 0.625, 0.5]


def test_facts_have_a_date():
    assert len(Facts(3).date) == len("2026-01-31")


def to_dense(Y):
    return sp.csr_array((Y.data, Y.indices, Y.indptr), shape=Y.shape).toarray()
