"""Labels come, change and go; what was there before stays as it was."""

import numpy as np
import pytest
import scipy.sparse as sp

import arborank
from arborank import XRLinear
from arborank.indexing import LabelTree
from arborank.metrics import evaluate


@pytest.fixture(params=[{}, {"branching": 2, "max_leaf_size": 4}, {"branching": 3, "max_leaf_size": 8}])
def parts(request, topics):
    """A model of 50 labels, and the instances and marks of 10 further ones."""
    X, Y = topics
    model = XRLinear(**request.param).fit(X, Y[:, :50])
    return model, X, Y[:, :50], Y[:, 50:]


def all_scores(model, X):
    """Every label's score for every instance, dense."""
    scores = np.full((X.shape[0], model.n_labels_), -np.inf, np.float32)
    ids, values = model.predict_topk(X, model.n_labels_, beam_size=1000)
    rows = np.repeat(np.arange(X.shape[0])[:, None], ids.shape[1], axis=1)
    scores[rows[ids >= 0], ids[ids >= 0]] = values[ids >= 0]
    return scores


def weights(model):
    """Every label's weights and bias, one column a label, for a tree without overlap."""
    W, bias = model.layers_[-1].to_matrix()
    columns = np.zeros((W.shape[0] + 1, model.n_labels_), np.float32)
    columns[:, model.tree_.labels] = np.vstack([W.toarray(), bias])
    return columns


def close(found, expected):
    """Sums of the same weights, perhaps in another order."""
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_added_labels_are_found_and_old_scores_stay(parts):
    model, X, old, new = parts
    before = all_scores(model, X)
    grown = model.add_labels(X, new)
    assert grown.n_labels_ == 60
    found = grown.predict_topk(X, 1)[0][:, 0]
    rows = np.flatnonzero(new.sum(axis=1) > 0)
    hits = [found[row] - 50 in new[[row]].indices or found[row] in old[[row]].indices for row in rows]
    assert np.mean(hits) > 0.95
    assert np.isin(found[rows], np.arange(50, 60)).mean() > 0.5
    close(all_scores(grown, X)[:, :50], before)
    assert np.array_equal(weights(grown)[:, :50], weights(model))
    assert np.array_equal(all_scores(model, X), before)  # the old model serves as ever
    assert model.n_labels_ == 50
    assert np.array_equal(grown.label_counts_[50:], np.bincount(new.indices, minlength=10))
    assert grown.get_params() == model.get_params()


@pytest.mark.parametrize("combine", ["noop", "sigmoid", "log-l2-hinge", "l3-hinge"])
def test_every_combination_of_scores(topics, combine):
    X, Y = topics
    model = XRLinear(branching=2, max_leaf_size=4, combine=combine).fit(X, Y[:, :57])
    before = all_scores(model, X)
    grown = model.add_labels(X, Y[:, 57:])
    close(all_scores(grown, X)[:, :57], before)
    assert np.isin(np.arange(57, 60), grown.predict_topk(X, 1)[0]).all()


def test_a_branch_equals_the_model_of_its_labels(topics):
    X, Y = topics
    model = XRLinear(branching=2, max_leaf_size=8).fit(X, Y[:, :40])
    alone = XRLinear(branching=2, max_leaf_size=8, tree=None).fit(X, Y[:, 40:])
    assert alone.tree_.depth < model.tree_.depth  # levels of only children lie between
    grown = model.add_labels(X, Y[:, 40:])
    close(all_scores(grown, X)[:, 40:], all_scores(alone, X))


def test_adding_again_and_again(parts):
    model, X, _, new = parts
    step = model
    for column in range(10):
        step = step.add_labels(X, new[:, [column]])
    assert step.n_labels_ == 60
    assert step.tree_.depth == model.tree_.depth
    found = step.predict_topk(X, 3, beam_size=20)[0]
    rows, columns = new.nonzero()
    assert np.mean([50 + c in found[r] for r, c in zip(rows, columns, strict=True)]) > 0.9


def test_same_for_any_number_of_threads(parts):
    model, X, _, new = parts
    one, three = (model.set_params(n_jobs=n).add_labels(X, new) for n in (1, 3))
    for a, b in zip(one.layers_, three.layers_, strict=True):
        assert a.native.unpack()[2].tobytes() == b.native.unpack()[2].tobytes()


def test_fewer_negatives_that_count_more(topics):
    X, Y = topics
    model = XRLinear(branching=3, max_leaf_size=8).fit(X, Y[:, :50])
    new = Y[:, 50:]
    kept = (new.sum(axis=1) > 0) | (np.arange(X.shape[0]) % 5 == 0)
    light = model.add_labels(X[kept], new[kept])
    heavy = model.add_labels(X[kept], new[kept], negative_share=0.2)
    others = X[new.sum(axis=1) == 0]
    assert all_scores(heavy, others)[:, 50:].sum() < all_scores(light, others)[:, 50:].sum()


def test_removed_labels_are_never_predicted_and_take_no_memory(parts):
    model, X, _, _ = parts
    before = all_scores(model, X)
    gone = np.arange(0, 50, 3)
    left = np.setdiff1d(np.arange(50), gone)
    less = model.remove_labels(gone)
    after = all_scores(less, X)
    assert less.n_labels_ == 50
    assert not np.isfinite(after[:, gone]).any()
    close(after[:, left], before[:, left])
    assert np.array_equal(weights(less)[:, left], weights(model)[:, left])
    assert not weights(less)[:, gone].any()
    assert sum(layer.nnz for layer in less.layers_) < sum(layer.nnz for layer in model.layers_)
    assert less.layers_[-1].n_children == left.size
    assert not less.label_counts_[gone].any()
    assert np.array_equal(all_scores(model, X), before)
    few = model.remove_labels(gone, renumber=True)
    assert few.n_labels_ == left.size
    close(all_scores(few, X), before[:, left])
    assert np.array_equal(few.label_counts_, model.label_counts_[left])


def test_whole_branches_may_go(topics):
    X, Y = topics
    model = XRLinear(branching=2, max_leaf_size=4).fit(X, Y)
    slots = model.tree_.slot_bounds(1)
    first = model.tree_.labels[slots[0] : slots[1]]
    less = model.remove_labels(first)
    assert less.tree_.level_sizes[1] == model.tree_.level_sizes[1] - 1
    assert not np.isin(less.predict_topk(X, 5)[0], first).any()


def test_refreshed_labels_follow_the_new_instances(parts):
    model, X, old, _ = parts
    before = all_scores(model, X)
    ids = np.array([7, 3])
    swapped = old[:, [3, 7]]  # what was 3 is called 7 now, and the other way round
    other = model.refresh_labels(ids, X, swapped)
    assert other.n_labels_ == 50
    kept = np.setdiff1d(np.arange(50), ids)
    after = all_scores(other, X)
    close(after[:, kept], before[:, kept])
    assert np.array_equal(weights(other)[:, kept], weights(model)[:, kept])
    for label, was in ((7, 3), (3, 7)):
        rows = old[:, [was]].toarray()[:, 0] > 0
        assert after[rows, label].mean() > after[~rows, label].mean() + 0.3
    assert np.array_equal(other.label_counts_[ids], np.bincount(swapped.indices, minlength=2))


def test_every_label_may_be_refreshed_at_once(parts):
    model, X, old, _ = parts
    again = model.refresh_labels(
        np.arange(50), X, np.hstack([old.toarray()[:, :50]]) * (np.arange(300) % 7 > 0)[:, None]
    )
    assert again.n_labels_ == 50
    assert precision(again, X, old) > 0.9


def precision(model, X, Y):
    found = model.predict_topk(X, 1)[0][:, 0]
    return np.mean([label in Y[[row]].indices for row, label in enumerate(found) if Y[[row]].nnz])


def test_adding_and_refreshing_in_one_step(parts):
    model, X, old, new = parts
    marks = sp.hstack([new, old[:, [7]]], format="csr")
    columns = [3, 10, 0, 1, 2, 4, 5, 6, 7, 8, 9]
    ids = np.array([*range(50, 60), 7])[columns]
    learned = model.learn_labels(ids, X, marks[:, columns])
    assert learned.n_labels_ == 60
    assert precision(learned, X, sp.hstack([old, new])) > 0.9
    assert np.array_equal(learned.label_counts_[50:], np.bincount(new.indices, minlength=10))
    others = np.delete(np.arange(50), 7)
    assert np.array_equal(weights(learned)[:, others], weights(model)[:, others])


def test_a_branch_may_be_given(parts):
    model, X, _, new = parts
    flat = model.learn_labels(range(50, 60), X, new, tree=LabelTree.one_vs_all(10))
    halves = LabelTree(([0, 2], [0, 5, 10]), range(10), 10)
    halved = model.learn_labels(range(50, 60), X, new, tree=halves)
    width = model.tree_.level_sizes[1]
    if model.tree_.depth > 1:
        assert flat.tree_.level_sizes[1] == width + 1
        assert halved.tree_.level_sizes[1] == width + 2
    assert np.array_equal(halved.tree_.labels[-10:], np.arange(50, 60))


def test_renumbered_labels_are_the_same_under_other_names(parts):
    model, X, _, _ = parts
    ids = np.random.default_rng(0).permutation(55)[:50]
    renumbered = model.renumber_labels(ids, 55)
    assert renumbered.n_labels_ == 55
    assert np.array_equal(all_scores(renumbered, X)[:, ids], all_scores(model, X))
    assert np.array_equal(renumbered.label_counts_[ids], model.label_counts_)
    assert renumbered.label_counts_.sum() == model.label_counts_.sum()


def test_a_removed_label_may_come_back(parts):
    model, X, old, _ = parts
    back = model.remove_labels([5]).refresh_labels([5], X, old[:, [5]])
    rows = np.flatnonzero(old[:, [5]].toarray())
    assert (back.predict_topk(X[rows], 2)[0] == 5).any(axis=1).mean() > 0.9


def test_a_changed_model_is_saved_and_loaded(parts, tmp_path):
    model, X, _, new = parts
    changed = model.add_labels(X, new).remove_labels([2, 55])
    changed.save(tmp_path / "model")
    loaded = arborank.load(tmp_path / "model")
    assert np.array_equal(all_scores(loaded, X), all_scores(changed, X))
    again = loaded.add_labels(X, new[:, :1])  # arrays that are mapped from a file
    assert again.n_labels_ == 61


def test_an_overlapping_tree(topics):
    X, Y = topics
    tree = LabelTree(([0, 2], [0, 31, 62]), [*range(31), *range(29, 60)], 60)
    model = XRLinear(tree=tree).fit(X, Y)
    less = model.remove_labels([30])
    assert less.tree_.labels.size == 60
    grown = less.refresh_labels([29, 30], X, Y[:, 29:31])
    assert grown.tree_.labels.size == 60
    assert np.isin([29, 30], grown.predict_topk(X, 1)[0]).all()


def test_parameters_of_each_layer_follow_the_depth(topics):
    X, Y = topics
    model = XRLinear(branching=2, max_leaf_size=4, Cp=1.0).fit(X, Y[:, :50])
    depth = model.tree_.depth
    model.set_params(threshold=[0.5] * (depth - 1) + [0.0], negatives=["tfn"] * (depth - 1) + ["tfn+man"])
    grown = model.add_labels(X, Y[:, 50:])
    added = grown.layers_[-1].to_matrix()[0][:, model.layers_[-1].n_children :]
    assert (np.abs(added.data) < 0.1).any()


def test_an_update_that_is_stopped_leaves_the_model(topics, monkeypatch):
    X, Y = topics
    model = XRLinear(branching=3, max_leaf_size=8).fit(X, Y[:, :50])
    before = all_scores(model, X)
    for place in ("updating.train_layers", "fitting.grow_tree", "xrlinear.fitted_clone"):
        with monkeypatch.context() as patch:
            patch.setattr(
                f"arborank.linear.{place}", lambda *given, **more: (_ for _ in ()).throw(KeyboardInterrupt())
            )
            with pytest.raises(KeyboardInterrupt):
                model.add_labels(X, Y[:, 50:])
        assert np.array_equal(all_scores(model, X), before)
    assert model.n_labels_ == 50


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda m, X, Y: m.add_labels(X[:, :-1], Y),
            ValueError,
            r"X has \d+ features, but XRLinear is expecting",
        ),
        (lambda m, X, Y: m.add_labels(X, Y[:-1]), ValueError, "X has 300 rows but Y has 299"),
        (
            lambda m, X, Y: m.add_labels(X, sp.hstack([Y, Y * 0])),
            ValueError,
            r"column 10 of Y \(and 9 more\) has no",
        ),
        (lambda m, X, Y: m.add_labels(X, np.ones(X.shape[0])), ValueError, "Y is 1-dimensional"),
        (lambda m, X, Y: m.add_labels(X, np.ones((X.shape[0], 1))), ValueError, "Y has a label in every row"),
        (lambda m, X, Y: m.add_labels(X, Y, negative_share=0), ValueError, "negative_share must be above 0"),
        (
            lambda m, X, Y: m.add_labels(X, Y, negative_share=2),
            ValueError,
            "negative_share must be at most 1",
        ),
        (lambda m, X, Y: m.add_labels(X, Y, label_features=X), ValueError, "label_features is given"),
        (
            lambda m, X, Y: m.remove_labels([50]),
            ValueError,
            "labels holds 50, but the model has labels 0 to 49",
        ),
        (lambda m, X, Y: m.remove_labels([-1]), ValueError, "labels holds -1"),
        (lambda m, X, Y: m.remove_labels([1, 2, 1]), ValueError, "labels holds 1 twice"),
        (lambda m, X, Y: m.remove_labels([]), ValueError, "at least one label id"),
        (lambda m, X, Y: m.remove_labels(["a"]), TypeError, "integer ids"),
        (lambda m, X, Y: m.remove_labels([10**30]), ValueError, "labels holds 10{30}, but the model has"),
        (lambda m, X, Y: m.learn_labels(["a"], X, Y), TypeError, "labels must hold integer ids"),
        (lambda m, X, Y: m.learn_labels([float("nan")], X, Y), TypeError, "labels must hold integer ids"),
        (lambda m, X, Y: m.learn_labels([10**18], X, Y), ValueError, r"label ids are below 2\*\*31"),
        (lambda m, X, Y: m.learn_labels([2**31 - 2], X, Y[:, :1]), ValueError, "labels leaves out 50"),
        (lambda m, X, Y: m.remove_labels(range(50)), ValueError, "every label of the model"),
        (lambda m, X, Y: m.refresh_labels([1, 2], X, Y), ValueError, "Y has 10 columns, but labels has 2"),
        (lambda m, X, Y: m.refresh_labels(range(45, 55), X, Y), ValueError, "labels holds 50"),
        (lambda m, X, Y: m.learn_labels(range(51, 61), X, Y), ValueError, "labels leaves out 50"),
        (
            lambda m, X, Y: m.learn_labels(range(50, 59), X, Y),
            ValueError,
            "Y has 10 columns, but labels has 9",
        ),
        (
            lambda m, X, Y: m.learn_labels(range(50, 60), X, Y, tree=LabelTree.one_vs_all(9)),
            ValueError,
            "tree has 9 labels, but Y has 10",
        ),
        (lambda m, X, Y: m.renumber_labels(range(49), 60), ValueError, "a different id for each of 50"),
        (lambda m, X, Y: m.renumber_labels([1] * 50, 60), ValueError, "a different id for each of 50"),
        (lambda m, X, Y: m.renumber_labels(np.arange(50) + 0.5, 60), TypeError, "ids must hold integer ids"),
        (lambda m, X, Y: m.renumber_labels(range(50), "60"), TypeError, "n_labels must be an integer"),
        (lambda m, X, Y: m.renumber_labels(range(50), 2**40), ValueError, "n_labels must be between"),
        (lambda m, X, Y: m.renumber_labels(range(50), 49), ValueError, "from 0 to 48, found 0 to 49"),
    ],
)
def test_what_is_wrong_is_named(topics, change, error, message):
    X, Y = topics
    model = XRLinear(branching=3, max_leaf_size=8).fit(X, Y[:, :50])
    with pytest.raises(error, match=message):
        change(model, X, Y[:, 50:])


def test_classes_cannot_change(topics):
    X, Y = topics
    model = XRLinear().fit(X, Y.toarray().argmax(axis=1))
    with pytest.raises(ValueError, match="fitted on a 1-D target"):
        model.remove_labels([0])
    with pytest.raises(ValueError, match="fitted on a 1-D target"):
        model.add_labels(X, Y[:, :1])


def test_counts_never_exceed_the_instances(topics):
    X, Y = topics
    model = XRLinear().fit(X[:100], Y[:100, :50])
    grown = model.add_labels(X, Y[:, 50:])
    assert (model.n_instances_, grown.n_instances_) == (100, 400)
    fresh = grown.refresh_labels([0], sp.vstack([X[:1]] * 200 + [X[1:2]]), np.arange(201)[:, None] < 200)
    assert fresh.n_instances_ == 601
    assert fresh.label_counts_[0] == 200
    less = fresh.remove_labels([0, 1], renumber=True)
    assert less.n_instances_ == 601
    for changed in (grown, fresh, less):
        assert changed.label_counts_.max() <= changed.n_instances_
        report = evaluate(
            Y[:, : changed.n_labels_], changed.predict_topk(X, 5)[0], (1, 5),
            train_counts=changed.label_counts_, n_train=changed.n_instances_,
        )  # fmt: skip
        assert report.buckets


def test_representations_of_ones_own_give_way_to_pifa(topics, tmp_path):
    X, Y = topics
    old, new = Y[:, :50], Y[:, 50:]
    options = {"branching": 3, "max_leaf_size": 4}
    vectors = np.random.default_rng(0).random((50, 8))
    of_matrix = XRLinear(representation=vectors, **options).fit(X, old)
    of_callable = XRLinear(representation=lambda X, Y: vectors, **options).fit(X, old)
    of_matrix.save(tmp_path / "model")
    expected = XRLinear(tree=of_matrix.tree_, **options).fit(X, old).add_labels(X, new)
    for model in (of_matrix, of_callable, arborank.load(tmp_path / "model")):
        grown = model.add_labels(X, new)
        assert np.array_equal(grown.tree_.labels, expected.tree_.labels)
        assert np.array_equal(all_scores(grown, X), all_scores(expected, X))


def test_user_negatives_cannot_be_updated(topics):
    X, Y = topics
    model = XRLinear(negatives="tfn+usn").fit(X, Y[:, :50], user_negatives=Y[::-1, :50])
    for change in (
        lambda: model.add_labels(X, Y[:, 50:]),
        lambda: model.refresh_labels([0], X, Y[:, :1]),
    ):
        with pytest.raises(ValueError, match=r"negatives is 'tfn\+usn'.*set_params\(negatives='tfn'\)"):
            change()
    assert model.remove_labels([0]).tree_.labels.size == 49
    model.set_params(negatives="tfn")
    assert model.add_labels(X, Y[:, 50:]).n_labels_ == 60
