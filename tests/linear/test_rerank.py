"""Short lists ranked again by the centroids of labels."""

import numpy as np
import pytest
import scipy.sparse as sp

import arborank
from arborank import Ensemble, XRLinear, disentangle
from arborank.analysis.explain import explain
from arborank.linear.centroids import KEPT, SHORT_LIST, join_scores

N_LABELS, N_WORDS = 80, 400


@pytest.fixture(scope="module")
def data():
    """Labels from one instance to many, some words of their own and many in common; queries like them."""
    rng = np.random.default_rng(3)
    words = rng.integers(0, N_WORDS, (N_LABELS, 30))
    often = 1 + (40 * rng.random(N_LABELS) ** 4).astype(int)

    def instances(labels):
        rows = np.repeat(np.arange(len(labels)), 12)
        own = words[labels][:, rng.permutation(30)[:8]]
        columns = np.hstack([own, rng.integers(0, N_WORDS, (len(labels), 4))]).ravel()
        X = sp.csr_array((rng.random(rows.size), (rows, columns)), shape=(len(labels), N_WORDS))
        return sp.csr_array(X / np.sqrt((X * X).sum(axis=1))[:, None]).astype(np.float32)

    labels = np.repeat(np.arange(N_LABELS), often)
    second = rng.integers(0, N_LABELS, labels.size)
    Y = sp.csr_array(
        (np.ones(2 * labels.size), (np.tile(np.arange(labels.size), 2), np.concatenate([labels, second]))),
        shape=(labels.size, N_LABELS),
    )
    Y.data[:] = 1
    return instances(labels), Y.astype(bool).astype(np.float32), instances(rng.integers(0, N_LABELS, 50))


def fitted(data, **options):
    X, Y, _ = data
    return XRLinear(branching=4, max_leaf_size=10, **{"rerank": 0.6, **options}).fit(X, Y)


@pytest.fixture(scope="module")
def model(data):
    return fitted(data)


def mean_vectors(X, Y):
    """Return unit centroids, by NumPy, with their largest entries only, rounded as they are stored."""
    means = Y.T.toarray() @ X.toarray()
    for row in means:
        row[np.argsort(-row, kind="stable")[KEPT:]] = 0
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    unit = means.max(axis=1, keepdims=True) / 127
    return np.rint(means / np.maximum(unit, 1e-12)) * unit


def expected(data, short, rerank, k, *, logarithm=False, weights=None):
    """Rank the short list of every row again, with plain NumPy."""
    X, Y, queries = data
    counts = Y.sum(axis=0)
    cosines = (queries / np.sqrt((queries * queries).sum(axis=1))[:, None]) @ mean_vectors(X, Y).T
    ids, scores = np.full((50, k), -1), np.full((50, k), -np.inf)
    for row, (labels, old) in enumerate(zip(*short, strict=True)):
        labels, old = labels[labels >= 0], old[labels >= 0].astype(np.float64)
        share = rerank * 240 / (240 + counts[labels])
        if logarithm:
            old = np.exp(old)
        new = old ** (1 - share) * np.minimum(np.exp(10 * (cosines[row, labels] - 0.2)), 1) ** share
        new = new if weights is None else new * weights[labels]
        best = np.argsort(-new, kind="stable")[:k]
        ids[row, : best.size], scores[row, : best.size] = (
            labels[best],
            np.log(new[best]) if logarithm else new[best],
        )
    return ids, scores


def agree(found, wanted):
    np.testing.assert_allclose(found[1], wanted[1], rtol=2e-4, atol=1e-7)
    assert (found[0] == wanted[0]).mean() > 0.99  # but for scores that are nearly the same


@pytest.mark.parametrize("combine", ["l3-hinge", "sigmoid", "log-l3-hinge"])
def test_against_numpy(data, combine):
    queries, model = data[2], fitted(data, combine=combine)
    short = model.predict_topk(queries, SHORT_LIST, rerank=0)
    wanted = expected(data, short, 0.6, 10, logarithm=combine.startswith("log"))
    agree(model.predict_topk(queries, 10), wanted)
    assert (wanted[0] != short[0][:, :10]).any()


def test_more_than_the_short_list(data, model):
    short = model.predict_topk(data[2], N_LABELS, rerank=0, beam_size=50)
    agree(model.predict_topk(data[2], N_LABELS, beam_size=50), expected(data, short, 0.6, N_LABELS))
    assert model.predict_topk(data[2], 2 * N_LABELS)[0].shape == (50, 2 * N_LABELS)


def test_without_weight_it_is_the_tree(data, model):
    plain = fitted(data, rerank=0)
    assert plain.fitted_.centroids is None
    for a, b in zip(plain.predict_topk(data[2], 5), model.predict_topk(data[2], 5, rerank=0), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match=r"rerank is 0\.5, but the model was fitted with rerank=0"):
        plain.predict_topk(data[2], 5, rerank=0.5)


def test_rare_labels_come_forward(data, model):
    counts = np.asarray(data[1].sum(axis=0))
    before, after = (counts[model.predict_topk(data[2], 5, rerank=r)[0]].mean() for r in (0, 0.6))
    assert after < before


def test_costs_of_rare_labels_bring_them_forward(data):
    X, Y, queries = data
    counts = np.asarray(Y.sum(axis=0))
    options = {"branching": 4, "max_leaf_size": 40, "beam_size": 20, "threshold": 0}
    models = [XRLinear(tail=tail, **options).fit(X, Y) for tail in (0.0, 0.5, 1.0)]
    found = [counts[model.predict_topk(queries, 5)[0]].mean() for model in models]
    assert found[0] > found[1] > found[2]
    for plain, dear in zip(models[0].layers_[:-1], models[2].layers_[:-1], strict=True):
        assert (plain.to_matrix()[0] != dear.to_matrix()[0]).nnz == 0  # only the bottom layer differs
    rare = XRLinear(tail=1.0, relevance="ranker-only", **options).fit(X, Y, relevance=Y)
    assert np.array_equal(rare.predict_topk(queries)[1], models[2].predict_topk(queries)[1])
    with pytest.raises(ValueError, match="tail must be"):
        XRLinear(tail=2).fit(X, Y)


def test_weights_of_labels_multiply_the_final_score(data, model):
    rng = np.random.default_rng(0)
    weights = rng.random(N_LABELS).astype(np.float32) + 0.1
    weights[7] = 0
    queries = data[2]
    ids, scores = model.predict_topk(queries, SHORT_LIST, rerank=0, label_weights=weights)
    short = ids, np.where(ids >= 0, scores / weights[ids], scores)
    wanted = expected(data, short, 0.6, 5, weights=weights)
    agree(model.predict_topk(queries, 5, label_weights=weights), wanted)
    prepared = model.prepare_filter(label_weights=weights)
    agree(model.predict_topk(queries, 5, label_filter=prepared), wanted)
    assert not (wanted[0] == 7).any()
    log = model.predict_topk(queries, 5, combine="log-l3-hinge", label_weights=weights)
    agree((log[0], np.exp(log[1])), wanted)


def test_filters(data, model):
    some = [3, 5, 8, 13, 21, 34]
    ids, _ = model.predict_topk(data[2], 4, candidates=some, beam_size=50)
    assert set(ids.ravel().tolist()) <= set(some)
    assert not np.isin(model.predict_topk(data[2], 4, exclude=some)[0], some).any()
    each = [[row % N_LABELS] for row in range(50)]
    assert (model.predict_topk(data[2], 4, exclude=each)[0] != np.arange(50)[:, None]).all()


def test_saved_and_smaller_models(data, model, tmp_path):
    queries = data[2]
    model.save(tmp_path / "model")
    again = arborank.load(tmp_path / "model")
    assert again.rerank == 0.6
    for a, b in zip(model.predict_topk(queries, 5), again.predict_topk(queries, 5), strict=True):
        np.testing.assert_array_equal(a, b)
    for smaller in (again.quantize("int8"), again.prune(threshold=0.15)):
        short = smaller.predict_topk(queries, SHORT_LIST, rerank=0)
        agree(smaller.predict_topk(queries, 5), expected(data, short, 0.6, 5))


def test_damaged_centroids_are_refused(model):
    state = model.fitted_.centroids.to_state()
    kind = type(model.fitted_.centroids)
    for name, value in (
        ("indptr", state.arrays["indptr"][::-1].copy()),
        ("shares", state.arrays["shares"] + 1),
        ("units", state.arrays["units"][:-1]),
        ("features", state.arrays["features"][:-1]),
    ):
        with pytest.raises(ValueError, match="centroid"):
            kind.from_state(type(state)(state.config, {**state.arrays, name: value}))


def test_labels_come_change_and_go(data, model):
    X, Y, queries = data
    new = Y[:, :3].copy()
    grown = model.add_labels(X, new)
    assert grown.fitted_.centroids.n_labels == N_LABELS + 3
    for column in range(3):  # the same instances, hence the same centroid
        a, b = (grown.fitted_.centroids.take([label]) for label in (column, N_LABELS + column))
        cosine = b.similarity(sp.csr_array(queries[[0]]), 0)[0]
        assert a.features.size
        assert cosine >= 0
        np.testing.assert_allclose(a.shares, b.shares)
    gone = model.remove_labels([4], renumber=True)
    short = gone.predict_topk(queries, SHORT_LIST, rerank=0)
    left = np.delete(np.arange(N_LABELS), 4)
    wanted = expected(data, (np.where(short[0] >= 0, left[short[0]], -1), short[1]), 0.6, 5)
    found = gone.predict_topk(queries, 5)
    agree((left[found[0]], found[1]), wanted)
    kept = model.remove_labels([4])
    assert not (kept.predict_topk(queries, 20)[0] == 4).any()
    order = np.random.default_rng(0).permutation(N_LABELS)
    ids, _ = model.renumber_labels(order, N_LABELS + 5).predict_topk(queries, 5)
    np.testing.assert_array_equal(ids, order[model.predict_topk(queries, 5)[0]])
    refreshed = model.refresh_labels([9], X[:60], sp.csr_array(Y[:60, [0]]))
    assert refreshed.fitted_.centroids.take([9]).features.size
    texts = sp.csr_array(queries[:2])
    unseen = model.learn_unseen_labels([N_LABELS, N_LABELS + 1], texts, X, Y)
    assert unseen.predict_topk(texts, 5)[0].shape == (2, 5)
    assert unseen.fitted_.centroids.shares[N_LABELS] == 1


def test_explanations_end_with_the_score(data, model):
    queries = data[2]
    ids, scores = model.predict_topk(queries, 5)
    for row in range(5):
        for label, score in zip(ids[row].tolist(), scores[row].tolist(), strict=True):
            (path,) = explain(model, queries[[row]], label, n_features=1000)
            assert path.score == pytest.approx(score, rel=1e-4)
            part = path.centroid
            assert part.similarity == pytest.approx(sum(value for _, value in part.features))
            tree = path.steps[-1].score
            assert join_scores(tree, part.share, part.similarity) == pytest.approx(path.score)
    assert explain(fitted(data, rerank=0), queries[[0]], 3)[0].centroid is None


def test_other_models(data, model):
    X, Y, queries = data
    twice = disentangle(model, X, Y, 2)
    short = twice.predict_topk(queries, SHORT_LIST, rerank=0)
    agree(twice.predict_topk(queries, 5), expected(data, short, 0.6, 5))
    both = Ensemble.from_fitted([model, model])
    np.testing.assert_array_equal(both.predict_topk(queries, 5)[0], model.predict_topk(queries, 5)[0])


def test_bad_weights(data):
    X, Y, queries = data
    for rerank in (-0.1, 1.5):
        with pytest.raises(ValueError, match="rerank"):
            XRLinear(rerank=rerank).fit(X, Y)
        with pytest.raises(ValueError, match="rerank"):
            fitted(data).predict_topk(queries, rerank=rerank)
    with pytest.raises(ValueError, match="combine is 'noop'"):
        fitted(data, combine="noop")
    with pytest.raises(ValueError, match="combine is 'noop'"):
        fitted(data).predict_topk(queries, combine="noop")


def test_memory_is_estimated(data):
    from arborank.linear.options import LinearOptions

    X, Y, _ = data
    shape = {"n_instances": X.shape[0], "n_features": X.shape[1], "nnz": X.nnz}
    counts = np.asarray(Y.sum(axis=0)).astype(np.int64)
    least, most = (
        LinearOptions.of(XRLinear(rerank=rerank)).estimate(**shape, label_counts=counts).weights
        for rerank in (0, 1)
    )
    centroids = fitted(data).fitted_.centroids
    assert 5 * centroids.values.size <= most - least <= 2 * 5 * centroids.values.size
