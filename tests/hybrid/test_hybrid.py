"""The hybrid ranker: its contract, each source and the merger against plain NumPy, labels without an instance."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import minimize

import arborank
from arborank import HybridRanker, XRLinear
from arborank.core.logistic import fit_logistic
from arborank.core.sparse import as_csr, to_scipy
from arborank.decisions import FixedK
from support.contract import FIRST, Contract


class TestContract(Contract):
    picks = tuple(range(8))

    def make(self, **options):
        return HybridRanker(**options)


@pytest.mark.filterwarnings("ignore:.* rows are few to calibrate")
class TestCalibrated(TestContract):
    def make(self, **options):
        return HybridRanker(calibrate=True, **options)

    def ask(self, estimator, queries, **options):
        if not hasattr(estimator, "fitted_"):
            estimator.predict_topk(FIRST.rows(queries), 3)  # says that it is not fitted
        return estimator.predict_proba_topk(FIRST.rows(queries), 3, **options)


@pytest.mark.filterwarnings("ignore:.* rows are few to calibrate")
def test_a_calibration_follows_the_labels():
    X, Y, names = problem(n=600)
    model = HybridRanker(XRLinear(branching=4, max_leaf_size=8), calibrate=True).fit(
        X, Y, label_features=names
    )
    found = model.calibration_
    assert found.facts.n_rows == 600
    plain = HybridRanker(XRLinear(branching=4, max_leaf_size=8)).fit(X, Y, label_features=names)
    assert plain.calibration_ is None
    np.testing.assert_array_equal(plain.predict_topk(X, 5)[1], model.predict_topk(X, 5)[1])
    new = np.zeros((600, 1), np.float32)
    new[::40] = 1
    added = model.add_labels(X, new)
    assert added.predict_proba_topk(X[:2], 3)[1].shape == (2, 3)
    np.testing.assert_array_equal(added.calibration_.labels[:-1], found.labels)
    fewer = model.remove_labels([2, 4], renumber=True)
    np.testing.assert_array_equal(fewer.calibration_.labels, np.delete(found.labels, [2, 4]))
    unseen = model.learn_unseen_labels([3], names[[3]], X, Y)
    assert unseen.calibration_.facts.n_updates == 1
    assert unseen.calibration_.labels[3] == pytest.approx(found.bins[0], rel=1e-6)


def problem(seed=0, n=300, n_features=40, n_labels=30):
    """Rows whose words name their labels, in part."""
    rng = np.random.default_rng(seed)
    names = sp.csr_array(np.eye(n_labels, n_features, dtype=np.float32))
    Y = sp.csr_array((rng.random((n, n_labels)) < 0.08).astype(np.float32))
    noise = sp.random_array((n, n_features), density=0.1, rng=rng, dtype=np.float32)
    hints = sp.csr_array(Y.toarray() * (rng.random(Y.shape) < 0.6)) @ names
    return sp.csr_array(hints + noise, dtype=np.float32), Y, names


@pytest.fixture(scope="module")
def fitted():
    X, Y, names = problem()
    return HybridRanker(n_jobs=1, n_candidates=8, n_neighbours=5).fit(X, Y, label_features=names)


def unit(matrix):
    dense = np.asarray(matrix.todense() if sp.issparse(matrix) else matrix, np.float64)
    lengths = np.linalg.norm(dense, axis=1, keepdims=True)
    return np.divide(dense, lengths, out=np.zeros_like(dense), where=lengths > 0)


def best(scores, k):
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    return [i for i in order[:k] if scores[i] > 0]


def test_what_the_sources_say_equals_a_plain_computation(fitted):
    X, Y, names = problem()
    X_new = problem(seed=1, n=25)[0]
    stored = unit(sp.vstack([X, names]))
    marks = np.vstack([Y.toarray(), np.eye(30)])
    centroids = unit(np.vstack([Y.toarray(), 2 * np.eye(30)]).T @ stored)
    counts = np.log1p(Y.toarray().sum(axis=0))
    tree_ids, tree_scores = fitted.ranker_.predict_topk(X_new, 8)
    sources = fitted.fitted_.sources
    indptr, labels, inputs = sources.inputs(as_csr(X_new), fitted.fitted_.options, 1)
    for row, query in enumerate(unit(X_new)):
        tree = dict(zip(tree_ids[row].tolist(), tree_scores[row].tolist(), strict=True))
        near = stored @ query
        neighbours = best(near, 5)
        votes = sum((near[i] * marks[i] for i in neighbours), np.zeros(30))
        nearest = np.max([near[i] * marks[i] for i in neighbours], axis=0, initial=0)
        like, named = centroids @ query, unit(names) @ query
        expected = {*tree, *best(like, 8), *best(named, 8), *np.flatnonzero(votes > 0).tolist()} - {-1}
        found = labels[indptr[row] : indptr[row + 1]]
        assert sorted(found.tolist()) == sorted(expected)
        for label, own in zip(found.tolist(), inputs[indptr[row] : indptr[row + 1]], strict=True):
            said = [
                tree.get(label, 0),
                like[label],
                votes[label],
                nearest[label],
                named[label],
                counts[label],
            ]
            assert own[[2, 3, 6, 7, 9]] == pytest.approx([said[i] for i in (0, 1, 3, 4, 5)], abs=1e-5)
            assert own[0] == (label not in tree)
            assert own[1] == pytest.approx(np.log(max(said[0], 1e-4)) if label in tree else 0, abs=1e-4)
            assert own[5] == pytest.approx(np.log(max(said[2], 1e-2)) if said[2] > 0 else 0, abs=1e-4)
            assert own[4] == (said[2] == 0)


@pytest.mark.parametrize("n_trees", [1, 2])
def test_of_the_short_list_the_tree_tells_every_margin(n_trees):
    X, Y, _ = problem()
    X = sp.csr_array(X * 5)  # rows are divided by their typical length
    model = HybridRanker(
        XRLinear(branching=3, max_leaf_size=4, beam_size=1, n_trees=n_trees), n_candidates=6, n_jobs=1
    ).fit(X, Y)
    assert model.ranker_.row_length_ != 1
    X_new = sp.csr_array(problem(seed=1, n=25)[0] * 5)
    fitted, tree = model.fitted_, model.ranker_.tree_
    indptr, labels, inputs = fitted.sources.short_inputs(as_csr(X_new), fitted.options, fitted.weights, 1, 12)
    every = fitted.sources.inputs(as_csr(X_new), fitted.options, 1)
    margins = []
    for layer in model.ranker_.layers_:
        W, bias = layer.to_matrix()
        margins.append((X_new / model.ranker_.row_length_) @ W.toarray() + bias)
    for row in range(25):
        own = slice(every[0][row], every[0][row + 1])
        first = every[2][own] @ fitted.weights[:-1] + fitted.weights[-1]
        best = every[1][own][np.lexsort((every[1][own], -first))][:12]
        found = slice(indptr[row], indptr[row + 1])
        assert labels[found].tolist() == best.tolist()
        for label, own in zip(best.tolist(), inputs[found], strict=True):
            paths = []
            for slot in np.flatnonzero(tree.labels == label):
                above, node = 0.0, slot
                for level in range(tree.depth, 1, -1):
                    node = tree.parents(level)[node]
                    above += max(1 - margins[level - 2][row, node], 0) ** 3
                margin = margins[-1][row, slot]
                paths.append((above + max(1 - margin, 0) ** 3, margin, above))
            loss, margin, above = min(paths)
            assert own[19] == pytest.approx(margin, abs=1e-3)
            assert own[24] == pytest.approx(np.cbrt(above), abs=1e-2)
            assert own[26] == pytest.approx(np.exp(-loss), abs=1e-3)
    listed = inputs[:, 0] == 0
    assert 0 < listed.mean() < 1  # also of labels that no beam has reached


def test_scores_are_the_probabilities_of_the_second_model(fitted):
    X = problem(seed=2, n=10)[0]
    sources, weights = fitted.fitted_.sources, fitted.fitted_.short_weights
    indptr, labels, inputs = sources.short_inputs(
        as_csr(X), fitted.fitted_.options, fitted.fitted_.weights, 1
    )
    chances = 1 / (1 + np.exp(-(inputs @ weights[:-1] + weights[-1])))
    ids, scores = fitted.predict_topk(X, 6)
    for row in range(10):
        own = slice(indptr[row], indptr[row + 1])
        order = np.lexsort((labels[own], -chances[own]))[:6]
        assert ids[row].tolist() == labels[own][order].tolist()
        assert scores[row] == pytest.approx(chances[own][order], rel=1e-5)
    assert (scores >= 0).all()
    assert (scores <= 1).all()
    said = fitted.explain_topk(X, 6)
    assert [[one.label for one in row] for row in said] == ids.tolist()
    assert np.array([[one.score for one in row] for row in said]) == pytest.approx(scores, rel=1e-5)


def test_explanations_tell_which_source_found_a_label(fitted):
    X, Y, names = problem()
    (only_named,) = fitted.explain_topk(names[[3]], 1)
    assert only_named[0].label == 3
    assert only_named[0].name == pytest.approx(1)
    assert only_named[0].nearest == pytest.approx(1)
    bare = HybridRanker(n_jobs=1).fit(X, Y)
    assert {one.name for row in bare.explain_topk(X[:5]) for one in row} == {0.0}


def test_the_merger_is_the_best_logistic_model():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(400, 3)).astype(np.float32) * [1, 10, 0] + [0, 5, 2]
    relevant = rng.random(400) < 1 / (1 + np.exp(-(inputs[:, 0] - 0.2 * inputs[:, 1])))
    weights = fit_logistic(inputs.astype(np.float32), relevant)
    Z = (inputs[:, :2] - inputs[:, :2].mean(axis=0)) / inputs[:, :2].std(axis=0)

    def loss(w):
        margins = Z @ w[:2] + w[2]
        return (np.logaddexp(0, margins) - relevant * margins).sum() + (w[:2] ** 2).sum() / 2

    expected = minimize(loss, np.zeros(3), method="BFGS").x
    assert weights[:2] * inputs[:, :2].std(axis=0) == pytest.approx(expected[:2], abs=0.01)
    assert weights[2] == 0  # an input that is always the same
    chances = 1 / (1 + np.exp(-(inputs @ weights[:3] + weights[3])))
    assert chances.mean() == pytest.approx(relevant.mean(), abs=0.01)
    assert np.isfinite(fit_logistic(inputs.astype(np.float32), np.zeros(400, bool))).all()


def test_it_ranks_better_than_its_tree(fitted):
    X, Y, _ = problem(seed=3)
    assert fitted.score(X, Y) > fitted.ranker_.score(X, Y) + 0.02


def test_labels_without_an_instance_are_found_by_their_names():
    X, Y, names = problem()
    cold = [4, 11]
    Y = Y.toarray()
    Y[:, cold] = 0
    model = HybridRanker(n_jobs=1).fit(X, Y, label_features=names)
    ids, _ = model.predict_topk(names[cold], 3)
    assert [label in row for label, row in zip(cold, ids.tolist(), strict=True)] == [True, True]
    nameless = HybridRanker(n_jobs=1).fit(X, Y)
    assert not np.isin(nameless.predict_topk(X, 30)[0], cold).any()


def test_filters_leave_scores_as_they_are():
    X, Y, names = problem()
    model = HybridRanker(n_jobs=1, n_candidates=30).fit(X, Y, label_features=names)
    ids, scores = model.predict_topk(X[:20], 30)
    every = [dict(zip(i, s, strict=True)) for i, s in zip(ids.tolist(), scores.tolist(), strict=True)]
    for filters, left in (
        ({"candidates": [3, 5, 7]}, lambda row: {3, 5, 7}),
        ({"exclude": [[row] for row in range(20)]}, lambda row: set(range(30)) - {row}),
        (
            {"candidates": list(range(30)), "exclude": [1, 2]},
            lambda row: set(range(30)) - {1, 2},
        ),
    ):
        found, chances = model.predict_topk(X[:20], 30, **filters)
        for row in range(20):
            own = dict(zip(found[row].tolist(), chances[row].tolist(), strict=True))
            own.pop(-1, None)
            assert own == {label: chance for label, chance in every[row].items() if label in left(row)}


def test_weights_of_labels_multiply_probabilities():
    X, Y, names = problem()
    model = HybridRanker(n_jobs=1, n_candidates=30).fit(X, Y, label_features=names)
    ids, scores = model.predict_topk(X[:20], 30)
    weights = np.random.default_rng(0).random(30) * 3
    weights[[2, 9]] = 0
    for excluded in (None, [4], [[row] for row in range(20)]):
        gone = [{2, 9} | ({4} if excluded == [4] else {row} if excluded else set()) for row in range(20)]
        found, weighted = model.predict_topk(X[:20], 30, label_weights=weights, exclude=excluded)
        for row in range(20):
            chance = dict(zip(ids[row].tolist(), scores[row].tolist(), strict=True))
            expected = {
                label: one * weights[label] for label, one in chance.items() if label not in gone[row]
            }
            expected.pop(-1, None)
            order = sorted(expected, key=expected.get, reverse=True)
            assert found[row, : len(order)].tolist() == order
            assert weighted[row, : len(order)] == pytest.approx(
                [expected[label] for label in order], rel=1e-4
            )
            assert (found[row, len(order) :] == -1).all()
    for wrong, message in ((weights[:5], r"shape \(5,\)"), (-weights, "at least 0")):
        with pytest.raises(ValueError, match=message):
            model.predict_topk(X, label_weights=wrong)


def test_a_prepared_filter_is_the_same_limits(fitted):
    X, *_ = problem()
    weights = np.linspace(0, 2, 30).astype(np.float32)
    for limits in ({"candidates": [3, 4, 9]}, {"exclude": [1]}, {"label_weights": weights, "exclude": [7]}):
        prepared = fitted.prepare_filter(**limits)
        for a, b in zip(
            fitted.predict_topk(X, 5, label_filter=prepared), fitted.predict_topk(X, 5, **limits), strict=True
        ):
            np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="label_filter is given beside other limits"):
        fitted.predict_topk(X, label_filter=prepared, exclude=[2])
    fewer = fitted.remove_labels([2], renumber=True)
    for model, wrong in ((fewer, prepared), (fitted, fitted.ranker_.prepare_filter(exclude=[1]))):
        with pytest.raises(ValueError, match="label_filter must be what prepare_filter"):
            model.predict_topk(X, label_filter=wrong)
    with pytest.raises(ValueError, match="candidates holds index 30"):
        fitted.prepare_filter(candidates=[30])


def test_relevance_weighs_instances():
    X, Y, names = problem()
    R = Y.copy()
    R.data = np.random.default_rng(1).integers(0, 4, R.nnz).astype(np.float32)
    model = HybridRanker(n_jobs=1).fit(X, Y, label_features=names, relevance=R)
    expected = unit(np.vstack([R.toarray(), 2 * np.eye(30)]).T @ unit(sp.vstack([X, names])))
    centroids = to_scipy(model.fitted_.sources.centroids.matrix).toarray().T
    assert centroids == pytest.approx(expected, abs=1e-5)
    plain = HybridRanker(n_jobs=1).fit(X, Y, label_features=names).ranker_
    assert not np.array_equal(model.ranker_.predict_topk(X)[1], plain.predict_topk(X)[1])
    with pytest.raises(ValueError, match="relevance must have the same pattern as Y"):
        HybridRanker().fit(X, Y, relevance=sp.csr_array(np.ones(Y.shape)))


def test_a_directory_of_work(tmp_path):
    X, Y, names = problem()
    plain = HybridRanker(n_jobs=1).fit(X, Y, label_features=names)
    first = HybridRanker(n_jobs=1).fit(X, Y, label_features=names, work_dir=tmp_path / "work")
    trees = {path: path.read_bytes() for path in (tmp_path / "work").rglob("layer*")}
    assert trees
    again = HybridRanker(n_jobs=1).fit(X, Y, label_features=names, work_dir=tmp_path / "work")
    for model in (first, again):
        assert all(
            np.array_equal(a, b) for a, b in zip(model.predict_topk(X), plain.predict_topk(X), strict=True)
        )
    assert trees == {path: path.read_bytes() for path in (tmp_path / "work").rglob("layer*")}
    with pytest.raises(ValueError, match=r"holds another training; what differs: .*n_neighbours"):
        HybridRanker(n_jobs=1, n_neighbours=7).fit(X, Y, label_features=names, work_dir=tmp_path / "work")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    with pytest.raises(FileExistsError, match="work_dir"):
        HybridRanker(n_jobs=1).fit(X, Y, work_dir=tmp_path / "other")


def test_a_saved_model_is_mapped_and_small_ones_quantized(fitted, tmp_path):
    X = problem(seed=5, n=20)[0]
    fitted.save(tmp_path / "model")
    again = arborank.load(tmp_path / "model")
    assert np.array_equal(again.predict_topk(X)[1], fitted.predict_topk(X)[1])
    assert (again.n_candidates, again.n_neighbours) == (8, 5)
    smaller = fitted.quantize("int8")
    assert smaller.ranker_.layers_[0].precision == "int8"
    assert (smaller.predict_topk(X, 1)[0] == fitted.predict_topk(X, 1)[0]).mean() > 0.8


def test_labels_are_chosen_by_a_rule_or_by_half(fitted, tmp_path):
    X, *_ = problem()
    ids, chances = fitted.predict_topk(X, 30)
    likely = [set(row[chance >= 0.5]) for row, chance in zip(ids, chances, strict=True)]
    assert [set(row) for row in fitted.predict(X).tolil().rows] == likely
    fitted.save(tmp_path / "model")
    model = arborank.load(tmp_path / "model").set_params(decide=FixedK(2))
    assert (model.predict(X).sum(axis=1) == 2).all()
    model.save(tmp_path / "chooses")
    assert (arborank.load(tmp_path / "chooses").predict(X) != model.predict(X)).nnz == 0
    with pytest.raises(ValueError, match="decide must be one of"):
        HybridRanker(decide="zebra").fit(X, [[0]] * X.shape[0])


def test_bad_input(fitted):
    X, Y, names = problem()
    with pytest.raises(ValueError, match="label_features has 39 columns, but 40 were expected"):
        HybridRanker().fit(X, Y, label_features=names[:, :39])
    with pytest.raises(ValueError, match="label_features has 29 rows, but 30 were expected"):
        HybridRanker().fit(X, Y, label_features=names[:29])
    with pytest.raises(ValueError, match="Y is 1-dimensional"):
        HybridRanker().fit(X, np.arange(300) % 3)
    with pytest.raises(ValueError, match="ranker has combine='noop'"):
        HybridRanker(XRLinear(combine="noop")).fit(X, Y)
    with pytest.raises(TypeError, match="ranker must be an XRLinear, found HybridRanker"):
        HybridRanker(HybridRanker()).fit(X, Y)
    with pytest.raises(ValueError, match="n_candidates must be between 1"):
        HybridRanker(n_candidates=0).fit(X, Y)
    with pytest.raises(ValueError, match="too few rows"):
        HybridRanker().fit(X[:1], [[0, 1]])
    with pytest.raises(ValueError, match="candidates holds index 30"):
        fitted.predict_topk(X, candidates=[30])
    with pytest.raises(ValueError, match="X has 39 features"):
        fitted.predict_topk(X[:, :39])
    with pytest.raises(ValueError, match="k must be"):
        fitted.predict_topk(X, 0)
