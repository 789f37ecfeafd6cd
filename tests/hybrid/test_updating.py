"""Labels of a hybrid ranker come and go: what the sources then know equals a plain computation."""

import numpy as np
import pytest
import scipy.sparse as sp

import arborank
from arborank import HybridRanker
from arborank.core.sparse import to_scipy

N_FEATURES, N_OLD, N_NEW = 60, 20, 3


def rows(seed, n, first, n_labels):
    """Rows whose words name labels ``first`` to ``first + n_labels``, with some other words; a name for each."""
    rng = np.random.default_rng(seed)
    names = sp.csr_array(np.eye(N_FEATURES, dtype=np.float32)[first : first + n_labels])
    Y = sp.csr_array((rng.random((n, n_labels)) < 0.15).astype(np.float32))
    noise = sp.random_array((n, N_FEATURES), density=0.05, rng=rng, dtype=np.float32)
    return sp.csr_array(Y @ names + 0.3 * noise, dtype=np.float32), Y, names


@pytest.fixture(scope="module")
def old():
    X, Y, names = rows(0, 250, 0, N_OLD)
    return HybridRanker(n_jobs=1).fit(X, Y, label_features=names)


@pytest.fixture(scope="module")
def log():
    return rows(1, 80, N_OLD, N_NEW)


@pytest.fixture(scope="module")
def grown(old, log):
    X, Y, names = log
    return old.add_labels(X, Y, label_features=names)


def unit(matrix):
    dense = np.asarray(matrix.todense() if sp.issparse(matrix) else matrix, np.float64)
    lengths = np.linalg.norm(dense, axis=1, keepdims=True)
    return np.divide(dense, lengths, out=np.zeros_like(dense), where=lengths > 0)


def vectors(model, name):
    return to_scipy(getattr(model.fitted_.sources, name).matrix).toarray().T


def test_new_labels_are_found_and_old_ones_still(old, grown, log):
    X, Y, _ = rows(2, 40, N_OLD, N_NEW)
    ids, scores = grown.predict_topk(X, 5)
    asked = np.flatnonzero(np.diff(Y.indptr))
    assert np.isin(ids[asked, 0] - N_OLD, Y.indices).mean() > 0.95
    assert (scores[asked, 0] > 0.3).all()
    queries, _, _ = rows(3, 40, 0, N_OLD)
    same = [
        a[0] == b[0]
        for a, b in zip(old.predict_topk(queries)[0], grown.predict_topk(queries)[0], strict=True)
    ]
    assert np.mean(same) > 0.9
    assert old.n_labels_ == N_OLD  # stays as it is


def test_sources_know_the_new_labels(old, grown, log):
    X, Y, names = log
    stored = unit(sp.vstack([X, names]))
    weights = np.vstack([Y.toarray(), 2 * np.eye(N_NEW)])
    centroids = vectors(grown, "centroids")
    assert centroids[N_OLD:] == pytest.approx(unit(weights.T @ stored), abs=1e-5)
    assert centroids[:N_OLD] == pytest.approx(vectors(old, "centroids"))
    assert vectors(grown, "names")[N_OLD:] == pytest.approx(unit(names))
    own = np.flatnonzero(weights.any(axis=1))
    n = vectors(old, "neighbours").shape[0]
    assert vectors(grown, "neighbours")[n:] == pytest.approx(stored[own], abs=1e-6)
    labels = to_scipy(grown.fitted_.sources.labels).toarray()
    assert (labels[n:, N_OLD:] == (weights[own] > 0)).all()
    assert not labels[:n, N_OLD:].any()
    counts = grown.fitted_.sources.label_counts  # names apart
    assert counts[N_OLD:].tolist() == Y.sum(axis=0).tolist()
    assert grown.n_instances_ == old.n_instances_ + X.shape[0]


def test_features_that_were_too_common_stay_left_out():
    rng = np.random.default_rng(0)
    X = np.zeros((1500, 8), np.float32)
    X[:, 0] = 1  # in more than a thousand rows
    X[np.arange(1500), 1 + rng.integers(0, 5, 1500)] = 1
    model = HybridRanker(n_jobs=1).fit(X, (X[:, 1:6] > 0).astype(np.float32))
    assert model.fitted_.sources.neighbours.common.tolist() == [0]
    more = np.eye(8, dtype=np.float32)[[6, 7]] + np.eye(8, dtype=np.float32)[0]
    grown = model.add_labels(more, [[0], []])
    assert vectors(grown, "neighbours")[-1] == pytest.approx([0, 0, 0, 0, 0, 0, 0.5**0.5, 0])


def test_refreshed_labels_forget(grown, log):
    X, Y, names = rows(4, 60, 40, 1)  # label 5 is now about something else
    twice = grown.refresh_labels([5], X, Y)
    assert twice.n_labels_ == grown.n_labels_
    said = dict(zip(*(a[0] for a in twice.predict_topk(names, 3)), strict=True))
    assert max(said, key=said.get) == 5
    before = np.eye(N_FEATURES, dtype=np.float32)[[5]]
    evidence = {one.label: one for one in twice.explain_topk(before, 20)[0]}
    assert 5 not in evidence or evidence[5].centroid < 0.2
    assert vectors(twice, "names")[5].sum() == 0  # no name was given
    assert np.delete(vectors(twice, "names"), 5, axis=0) == pytest.approx(
        np.delete(vectors(grown, "names"), 5, axis=0)
    )


@pytest.mark.parametrize("renumber", [False, True])
def test_removed_labels_are_gone(grown, renumber, tmp_path):
    gone = [0, 7, N_OLD + 1]
    left = grown.remove_labels(gone, renumber=renumber)
    every = np.arange(grown.n_labels_)
    new = np.delete(every, gone) if renumber else every
    queries = sp.csr_array(np.eye(N_FEATURES, dtype=np.float32)[: N_OLD + N_NEW])
    ids, _ = left.predict_topk(queries, 30)
    found = new[ids[ids >= 0]]
    assert set(found) == set(every) - set(gone)
    assert left.n_labels_ == len(new)
    assert left.remove_labels([left.n_labels_ + 5, 1], missing="ignore").n_labels_ == left.n_labels_
    left.save(tmp_path / "left")
    assert np.array_equal(arborank.load(tmp_path / "left").predict_topk(queries, 30)[0], ids)


def test_labels_with_a_text_only(old):
    X, Y, _ = rows(0, 250, 0, N_OLD)
    texts = sp.csr_array(np.eye(N_FEATURES, dtype=np.float32)[[30, 31]])
    model = old.learn_unseen_labels([N_OLD, N_OLD + 1], texts, X, Y)
    assert model.predict_topk(texts, 1)[0].ravel().tolist() == [N_OLD, N_OLD + 1]
    assert model.explain_topk(texts[[0]], 1)[0][0].name == pytest.approx(1)
    assert (model.fitted_.sources.label_counts[N_OLD:] == 0).all()


def test_bad_input(old, log):
    X, Y, names = log
    with pytest.raises(ValueError, match="label_features has 2 rows, but 3 were expected"):
        old.add_labels(X, Y, label_features=names[:2])
    with pytest.raises(ValueError, match="Y has 3 columns, but labels has 2 entries"):
        old.refresh_labels([1, 2], X, Y)
    with pytest.raises(ValueError, match="labels holds 20, but the model has labels 0 to 19"):
        old.refresh_labels([20], X, Y[:, [0]])
    with pytest.raises(ValueError, match=r"column 1 of Y .* has no instance"):
        old.add_labels(X, sp.csr_array(Y.toarray() * [1, 0, 1]))
    with pytest.raises(ValueError, match="negative_share"):
        old.add_labels(X, Y, negative_share=0)
    with pytest.raises(ValueError, match="labels holds 99"):
        old.remove_labels([99])
    with pytest.raises(ValueError, match="labels leaves out 20"):
        old.learn_unseen_labels([21], names[:1], X, sp.csr_array((80, N_OLD)))
