"""Every metric against a plain loop over rows, scikit-learn where equal, and numbers worked by hand."""

import json
import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, ndcg_score

from arborank import metrics
from arborank.core.sparse import as_csr
from arborank.metrics import evaluate, judge, propensities


@st.composite
def cases(draw):
    n_rows, n_labels = draw(st.integers(1, 6)), draw(st.integers(1, 9))
    width = draw(st.integers(1, 6))
    labels = st.integers(0, n_labels - 1)
    truth = [sorted(draw(st.sets(labels))) for _ in range(n_rows)]
    truth[0] = truth[0] or [0]
    ids = np.full((n_rows, width), -1)
    for row in ids:
        found = draw(st.lists(labels, unique=True, max_size=width))
        row[: len(found)] = found
    return truth, ids, n_labels, draw(st.integers(1, width))


def loop(name, truth, ids, k, weights=None):
    """One row's value, straight from the definition."""
    y, top = set(truth), [i for i in ids[:k] if i >= 0]
    hits = [i in y for i in top]
    n = max(len(y), 1)
    if name == "precision":
        return sum(hits) / k
    if name == "recall":
        return sum(hits) / n
    if name == "r_precision":
        return sum(hits) / min(n, k)
    if name == "ndcg":
        ideal = sum(1 / math.log2(j + 2) for j in range(min(n, k)))
        return sum(1 / math.log2(j + 2) for j, hit in enumerate(hits) if hit) / ideal
    if name == "mrr":
        return next((1 / (j + 1) for j, hit in enumerate(hits) if hit), 0.0)
    return sum(sum(hits[: j + 1]) / (j + 1) for j, hit in enumerate(hits) if hit) / min(n, k)


BY_ROW = {
    "precision": metrics.precision_at_k,
    "recall": metrics.recall_at_k,
    "r_precision": metrics.r_precision_at_k,
    "ndcg": metrics.ndcg_at_k,
    "mrr": metrics.mrr,
    "map": metrics.mean_average_precision,
}


def indicator(truth, n_labels):
    dense = np.zeros((len(truth), n_labels))
    for i, row in enumerate(truth):
        dense[i, row] = 1
    return dense


@pytest.mark.parametrize("name", BY_ROW)
@given(case=cases())
@settings(max_examples=60, deadline=None)
def test_row_metrics_equal_the_definition(name, case):
    truth, ids, n_labels, k = case
    values = [loop(name, y, row, k) for y, row in zip(truth, ids, strict=True)]
    scored = [value for value, y in zip(values, truth, strict=True) if y]
    found = BY_ROW[name](truth, ids, k, n_labels=n_labels)
    assert found == pytest.approx(np.mean(scored))
    everywhere = [value if y else 0.0 for value, y in zip(values, truth, strict=True)]
    assert BY_ROW[name](sp.csr_array(indicator(truth, n_labels)), ids, k, empty_rows="zero") == pytest.approx(
        np.mean(everywhere)
    )


@given(case=cases(), seed=st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_propensity_metrics_equal_the_definition(case, seed):
    truth, ids, n_labels, k = case
    p = np.random.default_rng(seed).uniform(0.05, 1, n_labels)
    psp, psndcg = np.zeros(2), np.zeros(2)
    for y, row in zip(truth, ids, strict=True):
        if not y:
            continue
        gains = [1 / p[i] if i in y else 0.0 for i in row[:k]]
        best = sorted((1 / p[i] for i in y), reverse=True)[:k]
        psp += sum(gains), sum(best)
        ideal = sum(1 / math.log2(j + 2) for j in range(min(len(y), k)))
        psndcg += [sum(g / math.log2(j + 2) for j, g in enumerate(part)) / ideal for part in (gains, best)]
    options = {"n_labels": n_labels}
    assert metrics.psp_at_k(truth, ids, k, p, **options) == pytest.approx(psp[0] / psp[1])
    assert metrics.psndcg_at_k(truth, ids, k, p, **options) == pytest.approx(psndcg[0] / psndcg[1])


@given(case=cases())
@settings(max_examples=80, deadline=None)
def test_label_metrics_equal_the_definition(case):
    truth, ids, n_labels, k = case
    rows = [(set(y), {int(i) for i in row[:k] if i >= 0}) for y, row in zip(truth, ids, strict=True) if y]
    true = sorted(set().union(*(y for y, _ in rows)))
    found = set().union(*(y & top for y, top in rows))
    assert metrics.coverage_at_k(truth, ids, k, n_labels=n_labels) == pytest.approx(len(found) / len(true))
    # a spare column, since scikit-learn reads a single one as binary
    y_true = indicator([sorted(y) for y, _ in rows], n_labels + 1)
    y_found = indicator([sorted(top) for _, top in rows], n_labels + 1)
    expected = f1_score(y_true, y_found, labels=true, average="macro", zero_division=0)
    assert metrics.macro_f1_at_k(truth, ids, k, n_labels=n_labels) == pytest.approx(expected)


def test_ndcg_equals_scikit_learn():
    rng = np.random.default_rng(0)
    Y = (rng.random((30, 12)) < 0.3).astype(float)
    Y[:, 0] = 1
    scores = rng.permutation(30 * 12).reshape(30, 12) + 1.0
    for k in (1, 3, 12):
        assert metrics.ndcg_at_k(Y, sp.csr_array(scores), k) == pytest.approx(ndcg_score(Y, scores, k=k))


def test_propensity_by_hand():
    # N = e^2 would give C = (B+1)^A; with A = 1, B = 1: p = 1 / (1 + (ln N - 1) 2 / (n + 1))
    C = (math.log(100) - 1) * 2
    found = propensities([0, 1, 99], 100, A=1.0, B=1.0)
    assert found == pytest.approx([1 / (1 + C), 1 / (1 + C / 2), 1 / (1 + C / 100)])
    # 1/p = 4, 2, 1. Row 0: label 1 of {0, 1} found; row 1: label 2 of {2} found
    p = [0.25, 0.5, 1.0]
    truth, ids = [[0, 1], [2]], [[1, 2], [0, 2]]
    assert metrics.psp_at_k(truth, ids, 1, p) == pytest.approx((2 + 0) / (4 + 1))
    assert metrics.psp_at_k(truth, ids, 2, p) == pytest.approx((2 + 1) / (6 + 1))
    second = 1 / math.log2(3)
    gains = 2 / (1 + second) + second / 1
    best = (4 + 2 * second) / (1 + second) + 1
    assert metrics.psndcg_at_k(truth, ids, 2, p) == pytest.approx(gains / best)


def test_equal_propensities_make_psp_the_r_precision_like_ratio():
    truth, ids = [[0, 1], [2]], [[1, 2], [0, 2]]
    assert metrics.psp_at_k(truth, ids, 2, [0.5] * 3) == pytest.approx(2 / 3)


def test_perfect_ranking_scores_one_everywhere():
    truth = [[3, 1], [0, 2, 4], [2]]
    ids = [[1, 3, -1], [4, 0, 2], [2, -1, -1]]
    report = evaluate(truth, ids, ks=(1, 3), train_counts=[1, 5, 50, 500, 0], n_train=600)
    below_one = {name for name, value in report.metrics.items() if value != pytest.approx(1)}
    assert below_one == {"precision@3", "recall@1", "coverage@1", "macro_f1@1"}


def test_scores_are_ranked_with_ties_by_label_and_stored_zeros():
    scores = sp.csr_array(
        (np.array([0.0, -1.0, 0.0, 2.0]), np.array([3, 0, 1, 2]), np.array([0, 3, 4])), (2, 4)
    )
    judged = judge([[1], [2]], scores)
    assert judged.ids.tolist() == [[1, 3, 0], [2, -1, -1]]
    assert judge([[1], [2]], scores, 5).top(5).shape == (2, 3)  # no row has more
    assert judge([[1], [2]], as_csr(scores), 1).ids.tolist() == [[1], [2]]


def test_filter_pairs_drop_predictions_and_move_the_rest_up():
    truth, ids = [[5], [1], [2]], [[0, 5, 3], [1, 0, 2], [4, 3, 2]]
    judged = judge(truth, ids, filter_pairs=[(0, 0), (2, 4), (2, 3), (1, 4)])
    assert judged.ids.tolist() == [[5, 3, -1], [1, 0, 2], [2, -1, -1]]
    assert judged.n_filtered == 3
    assert metrics.precision_at_k(truth, ids, 1) == pytest.approx(1 / 3)
    assert metrics.precision_at_k(truth, ids, 1, filter_pairs=[(0, 0), (2, 4), (2, 3)]) == 1.0
    scores = sp.csr_array(np.array([[3.0, 2, 1], [0, 1, 2]]))
    found = metrics.precision_at_k([[1], [1]], scores, 1, filter_pairs=np.array([[0, 0], [1, 2]]))
    assert found == 1.0
    assert judge(truth, ids, filter_pairs=[]).n_filtered == 0


def test_truth_forms_agree():
    dense = np.array([[0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]])
    with_zero = sp.csr_array(
        (np.array([2.0, 1, 0, 1]), np.array([1, 3, 0, 0]), np.array([0, 2, 3, 4])), (3, 4)
    )
    ids = np.array([[3, 0], [1, 2], [2, 0]], np.uint16)
    forms = [
        dense,
        dense.astype(bool),
        sp.csc_matrix(dense),
        sp.coo_array(dense),
        with_zero,
        [[1, 3], [], [0]],
    ]
    values = {metrics.ndcg_at_k(form, ids, 2) for form in forms}
    assert len(values) == 1
    assert judge(with_zero, ids).n_empty == 1


@pytest.mark.parametrize(
    ("truth", "ids", "options", "error", "message"),
    [
        ([[0]], [[0, 0]], {}, ValueError, "repeat id 0 in row 0"),
        ([[0]], [[0, 7]], {"n_labels": 3}, ValueError, "id 7 in row 0"),
        ([[0]], [[0, -2]], {}, ValueError, "id -2 in row 0"),
        ([[0]], [[-1, 0]], {}, ValueError, "padding"),
        ([[0]], [[0], [1]], {}, ValueError, "2 rows, truth has 1"),
        ([[0]], [0], {}, ValueError, "2-dimensional"),
        ([[0]], [[0.5]], {}, TypeError, "integer ids"),
        ([["a"]], [[0]], {}, TypeError, "truth must hold integer"),
        ([[9]], [[0]], {"n_labels": 3}, ValueError, "index 9"),
        ([[0, 1, 0]], [[0]], {}, ValueError, "repeats a label in row 0"),
        (np.array([[-1.0, 1]]), [[0]], {}, ValueError, "negative value"),
        (np.array([[1.0, 1]]), [[0]], {"n_labels": 3}, ValueError, "2 labels, but 3"),
        ([[0]], sp.csr_array(np.ones((2, 1))), {}, ValueError, "shape"),
        ([[], []], [[0], [1]], {}, ValueError, "no row to score: 2 rows given, 2 without"),
        ([], np.empty((0, 1), int), {}, ValueError, "no row to score"),
        ([[0]], [[0]], {"empty_rows": "drop"}, ValueError, "empty_rows is 'drop'"),
        ([[0]], [[0]], {"filter_pairs": [(0, 5)]}, ValueError, "filter_pairs hold"),
        ([[0]], [[0]], {"filter_pairs": [0, 5]}, ValueError, "filter_pairs have shape"),
        ([[0]], [[0]], {"filter_pairs": [(0.0, 5.0)]}, TypeError, "filter_pairs have dtype"),
        ([[0]], [[0]], {"filter": []}, TypeError, "filter"),
    ],
)
def test_wrong_input_is_named(truth, ids, options, error, message):
    with pytest.raises(error, match=message):
        metrics.precision_at_k(truth, ids, 1, **options)


@pytest.mark.parametrize(
    ("k", "error"), [(3, ValueError), (0, ValueError), (1.0, TypeError), (True, TypeError)]
)
def test_wrong_k(k, error):
    with pytest.raises(error, match="k "):
        metrics.recall_at_k([[0]], [[0, 1]], k)


@pytest.mark.parametrize(("k", "error"), [(0, ValueError), (1.0, TypeError)])
def test_wrong_k_for_scores(k, error):
    with pytest.raises(error, match="k "):
        metrics.recall_at_k([[0]], sp.csr_array([[1.0, 2.0]]), k)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, -1], 10), r"label_counts\[1\] is -1"),
        (([1, 11], 10), r"label_counts\[1\] is 11"),
        (([np.nan], 10), "label_counts"),
        (([[1]], 10), "1-dimensional"),
        (([1], 2), "n_instances must be at least 3, found 2"),
        (([1], 10, -1.0), "A must be at least 0"),
        (([1], 10, 0.5, 0.0), "B must be above 0"),
        (([1], "x"), "n_instances must be an integer, found 'x'"),
        (([1], 10, "x"), "A must be a number, found 'x'"),
    ],
)
def test_wrong_propensity_input(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        propensities(*arguments)


def test_wrong_propensity_of_a_metric():
    with pytest.raises(ValueError, match="shape"):
        metrics.psp_at_k([[0]], [[0]], 1, [0.5, 0.5])
    with pytest.raises(ValueError, match=r"\(0, 1\]"):
        metrics.psndcg_at_k([[0]], [[0]], 1, [0.0])


def test_report_adds_up():
    rng = np.random.default_rng(1)
    n_rows, n_labels = 200, 40
    Y = sp.random_array((n_rows, n_labels), density=0.08, rng=rng, format="csr")
    ids = np.argsort(rng.random((n_rows, n_labels)), axis=1)[:, :6]
    train_counts = np.concatenate([np.zeros(5), rng.integers(1, 11, 15), rng.integers(11, 500, 20)]).astype(
        int
    )
    pairs = np.stack([np.arange(20), ids[:20, 0]], axis=1)
    report = evaluate(
        Y, ids, (5, 1, 3), train_counts=train_counts, n_train=1000, A=0.6, B=2.6, filter_pairs=pairs
    )
    assert report.ks == (1, 3, 5)
    assert report.n_scored + report.n_empty == n_rows
    assert report.n_empty > 0
    assert report.n_filtered > 0
    p = propensities(train_counts, 1000, 0.6, 2.6)
    for k in report.ks:
        assert report.metrics[f"precision@{k}"] == metrics.precision_at_k(Y, ids, k, filter_pairs=pairs)
        assert report.metrics[f"psp@{k}"] == metrics.psp_at_k(Y, ids, k, p, filter_pairs=pairs)
        assert report.metrics[f"macro_f1@{k}"] == metrics.macro_f1_at_k(Y, ids, k, filter_pairs=pairs)
    assert report.metrics["mrr@5"] == metrics.mrr(Y, ids, 5, filter_pairs=pairs)
    assert [bucket.name for bucket in report.buckets] == ["head", "torso", "tail", "unseen"]
    assert sum(bucket.n_labels for bucket in report.buckets) == n_labels
    assert sum(bucket.n_true for bucket in report.buckets) == Y.nnz
    assert sum(bucket.precision for bucket in report.buckets) == pytest.approx(report.metrics["precision@5"])
    tail = report.buckets[2]
    columns = np.flatnonzero((train_counts > 0) & (train_counts <= 10))
    kept = judge(Y, ids, filter_pairs=pairs)
    hits = np.isin(kept.ids[:, :5], columns) & kept.hits[:, :5]
    assert tail.recall == pytest.approx(hits.sum() / Y[:, columns].nnz)


def test_report_reads_well():
    report = evaluate(
        [[0, 2], [1], []], [[0, 1], [1, 2], [0, 1]], (1, 2), train_counts=[1, 20, 300], n_train=400
    )
    lines = str(report).splitlines()
    assert lines[0] == "2 rows scored, 1 without a true label, 3 labels"
    assert lines[2].split() == ["%", "@1", "@2"]
    assert lines[3].split() == ["P", "100.00", "50.00"]
    assert next(line for line in lines if line.startswith("MRR")).split() == ["MRR", "100.00"]
    assert next(line for line in lines if line.startswith("tail")).split()[:4] == ["tail", "1-10", "1", "1"]
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()
    assert report.to_dict()["buckets"][0]["name"] == "head"
    plain = evaluate([[0], [1]], [[0, 1], [1, 0]], ks=[1])
    assert plain.buckets == ()
    assert "psp@1" not in plain.metrics
    assert "PSP" not in str(plain)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train_counts": [1, 1]}, "together"),
        ({"n_train": 5}, "together"),
        ({"train_counts": [1], "n_train": 5}, "2 labels"),
        ({"train_counts": [1, 1], "n_train": 5, "head_above": 3, "tail_up_to": 4}, "tail_up_to is 4"),
        ({"ks": ()}, "ks is"),
        ({"ks": (0, 1)}, "ks is"),
        ({"ks": (9,)}, "k is 9"),
    ],
)
def test_wrong_report_input(options, message):
    with pytest.raises(ValueError, match=message):
        evaluate([[0], [1]], [[0, 1], [1, 0]], **{"ks": (1,), **options})
