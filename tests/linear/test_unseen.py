"""Labels that only a text is known of are ranked beside the others."""

import numpy as np
import pytest
import scipy.sparse as sp

import arborank
from arborank import XRLinear
from arborank.linear.unseen import margin_of
from arborank.matching.combine import COMBINATIONS, combination

KINDS, OF_KIND, N_WORDS = 6, 10, 40
N_LABELS = KINDS * OF_KIND
NAMES = np.arange(N_LABELS)  # feature j names label j
KIND_WORDS = N_LABELS + np.arange(KINDS)  # what texts about labels of a kind say
SLANG = N_LABELS + KINDS + np.arange(KINDS)  # and what people say who want one of that kind
N_FEATURES = N_LABELS + 2 * KINDS + N_WORDS


def matrix(rows):
    X = np.zeros((len(rows), N_FEATURES), np.float32)
    for row, features in zip(X, rows, strict=True):
        row[list(features)] = 1
    return sp.csr_array(X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-9))


def about(labels):
    return matrix([[NAMES[j], KIND_WORDS[j // OF_KIND]] for j in labels])


def instances(labels, seed):
    rng = np.random.default_rng(seed)
    words = N_FEATURES - 1 - rng.integers(N_WORDS, size=(len(labels), 3))
    said = [
        [NAMES[j], SLANG[j // OF_KIND], *w] if rng.random() < 0.6 else [SLANG[j // OF_KIND], *w]
        for j, w in zip(labels, words, strict=True)
    ]
    return matrix(said)


@pytest.fixture(scope="module")
def parts():
    """A model of all labels but the last of each kind, what it was fitted on, and texts about its labels."""
    ids = np.arange(N_LABELS)
    known, unseen = ids[ids % OF_KIND < OF_KIND - 1], ids[ids % OF_KIND == OF_KIND - 1]
    rows = np.repeat(np.arange(known.size), 20)
    X = instances(known[rows], 0)
    Y = sp.csr_array((np.ones(rows.size, np.float32), (np.arange(rows.size), rows)))
    model = XRLinear(branching=4, max_leaf_size=8).fit(X, Y)
    return model, X, Y, known, unseen


def grow(parts, **options):
    model, X, Y, known, unseen = parts
    ids = np.arange(known.size, N_LABELS)
    return model.learn_unseen_labels(ids, about(unseen), X, Y, known_texts=about(known), **options)


def scores_of(model, X):
    ids, scores = model.predict_topk(X, model.n_labels_, beam_size=1000)
    found = np.full((X.shape[0], model.n_labels_), -np.inf, np.float32)
    rows = np.repeat(np.arange(X.shape[0])[:, None], ids.shape[1], axis=1)
    found[rows[ids >= 0], ids[ids >= 0]] = scores[ids >= 0]
    return found


def test_they_are_found_by_name_and_by_what_is_said_of_others(parts):
    _, _, _, known, unseen = parts
    grown = grow(parts)
    named = matrix([[NAMES[j], KIND_WORDS[j // OF_KIND]] for j in unseen])
    assert grown.predict_topk(named, 1)[0][:, 0].tolist() == list(range(known.size, N_LABELS))
    slang = matrix([[SLANG[j // OF_KIND]] for j in unseen])
    new = scores_of(grown, slang)[:, known.size :]
    assert new.argmax(axis=1).tolist() == list(range(KINDS))  # no text says these words


def test_scores_of_others_stay(parts):
    model, _, _, known, _ = parts
    X = instances(known, 1)
    grown = grow(parts)
    np.testing.assert_allclose(scores_of(grown, X)[:, : known.size], scores_of(model, X), rtol=1e-5)
    assert grown.label_counts_[known.size :].sum() == 0
    assert grown.n_instances_ == model.n_instances_


def test_the_weight_multiplies_their_scores(parts):
    _, _, _, known, unseen = parts
    X = about(unseen)
    whole, half = (scores_of(grow(parts, weight=weight), X)[:, known.size :] for weight in (1.0, 0.5))
    np.testing.assert_allclose(half, whole / 2, rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize("rerank", [0.0, 0.8])
def test_the_usual_weight_is_one_of_scores_as_they_are_answered(parts, rerank):
    _, X, Y, known, unseen = parts
    model = XRLinear(branching=4, max_leaf_size=8, combine="l3-hinge", rerank=rerank).fit(X, Y)
    tenth = np.median(model.predict_topk(X, 10)[1][:, 9])
    weight = float(np.clip(300 * tenth, 0.2, 1.0))
    usual, given = (scores_of(grow((model, X, Y, known, unseen), weight=w), X) for w in (None, weight))
    np.testing.assert_allclose(usual, given, rtol=1e-5)


def test_nothing_but_texts_is_needed(parts):
    model, X, Y, known, unseen = parts
    grown = model.learn_unseen_labels(np.arange(known.size, N_LABELS), about(unseen), X[:0], Y[:0])
    assert grown.predict_topk(about(unseen), 1)[0][:, 0].tolist() == list(range(known.size, N_LABELS))


def test_they_live_like_others(parts, tmp_path):
    _, X, _, known, unseen = parts
    grown = grow(parts)
    grown.save(tmp_path / "model")
    loaded = arborank.load(tmp_path / "model")
    texts = about(unseen)
    for same in (loaded, grown.remove_labels([0])):
        found = scores_of(same, texts)[:, known.size :]
        np.testing.assert_array_equal(found, scores_of(grown, texts)[:, known.size :])
    ids, _ = grown.predict_topk(texts, 3, exclude=np.arange(known.size, N_LABELS - 1))
    assert not np.isin(ids, np.arange(known.size, N_LABELS - 1)).any()
    small = grown.quantize("int8").prune(threshold=1e-3)
    assert small.predict_topk(texts, 1)[0][:, 0].tolist() == list(range(known.size, N_LABELS))
    # one of them has been chosen: it is learned like any other, and leaves the others as they are
    clicked = instances(np.repeat(unseen[:1], 10), 3)
    more = sp.vstack([X, clicked], format="csr")
    marks = sp.csr_array((np.ones(10, np.float32), (X.shape[0] + np.arange(10), np.zeros(10, np.int64))))
    learned = grown.refresh_labels([known.size], more, marks)
    np.testing.assert_allclose(
        scores_of(learned, texts)[:, known.size + 1 :],
        scores_of(grown, texts)[:, known.size + 1 :],
        rtol=1e-5,
    )
    assert learned.label_counts_[known.size] == 10


def test_known_labels_may_be_forgotten_for_a_text(parts):
    model, X, Y, known, _ = parts
    fresh = model.learn_unseen_labels([3], about(known[7:8]), X, Y)
    assert fresh.n_labels_ == model.n_labels_
    assert fresh.label_counts_[3] == 0
    assert 3 in fresh.predict_topk(about(known[7:8]), 3)[0]


@pytest.mark.parametrize("combine", COMBINATIONS)
def test_every_combination_of_scores(parts, combine):
    _, X, Y, known, unseen = parts
    other = XRLinear(branching=4, max_leaf_size=8, combine=combine).fit(X, Y)
    grown = grow((other, X, Y, known, unseen), weight=1.0)
    ids, _ = grown.predict_topk(about(unseen), 2)
    assert (ids == np.arange(known.size, N_LABELS)[:, None]).any(axis=1).all()


def test_a_tree_of_one_level(parts):
    _, X, Y, known, unseen = parts
    grown = grow((XRLinear(max_leaf_size=1000).fit(X, Y), X, Y, known, unseen))
    assert grown.tree_.depth == 1
    assert grown.predict_topk(about(unseen), 1)[0][:, 0].tolist() == list(range(known.size, N_LABELS))


def test_same_for_any_number_of_threads(parts):
    _, X, Y, known, unseen = parts
    one, two = (
        grow((arborank.XRLinear(branching=4, max_leaf_size=8, n_jobs=n).fit(X, Y), X, Y, known, unseen))
        for n in (1, 2)
    )
    for a, b in zip(one.layers_, two.layers_, strict=True):
        np.testing.assert_array_equal(a.arrays["units"], b.arrays["units"])
        np.testing.assert_array_equal(a.bias, b.bias)


@pytest.mark.parametrize("combine", ["l3-hinge", "sigmoid", "log-l1-hinge", "l2-l3-hinge"])
@pytest.mark.parametrize("score", [1e-6, 0.3, 1.0])
def test_the_margin_of_a_score(combine, score):
    form = combination(combine, labels=False)
    logarithm = combine.startswith("log-")
    root = np.full(1, 0.0 if logarithm else 1.0, np.float32)
    found = form(np.array([margin_of(score, combine)], np.float32), root)[0]
    assert (np.exp(found) if logarithm else found) == pytest.approx(score, rel=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": [54, 56]}, "labels leaves out 55"),
        ({"labels": [54, 54]}, "labels holds 54 twice"),
        ({"labels": [54]}, "label_texts has 2 rows, but labels has 1 entries"),
        ({"label_texts": np.ones((2, 3))}, "label_texts has 3 features"),
        ({"label_texts": np.full((2, N_FEATURES), np.nan)}, "label_texts contains NaN"),
        ({"known_texts": np.ones((54, 3))}, "known_texts has 3 features"),
        ({"X": np.ones((1, N_FEATURES))}, "Y"),
        ({"Y": np.ones((2, 5))}, "Y"),
        ({"known_texts": np.ones((3, N_FEATURES))}, "known_texts has 3 rows, but the model has 54 labels"),
        ({"weight": 0}, "weight"),
        ({"weight": 1.5}, "weight"),
        ({"weight": float("nan")}, "weight"),
    ],
)
def test_what_is_wrong_is_named(parts, options, message):
    model, X, Y, _, unseen = parts
    given = {"labels": [54, 55], "label_texts": about(unseen[:2]), "X": X[:2], "Y": Y[:2]} | options
    with pytest.raises(ValueError, match=message):
        model.learn_unseen_labels(**given)
