"""Labels come, change and go by their names."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator

import arborank
from arborank import Ensemble, NgramTfidf, TextRanker, XRLinear

FRUIT = ["apple", "banana", "cherry", "grape", "lemon", "mango", "olive", "peach"]
CARS = ["coupe", "racer", "taxi", "truck", "van", "wagon"]


def corpus(names, seed=0, n=20):
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for name in names:
        kind = "sweet fruit" if name in FRUIT else "fast vehicle"
        for _ in range(n):
            texts.append(f"{name}ish {kind} w{rng.integers(30)} w{rng.integers(30)}")
            labels.append([name])
    return texts, labels


ALL = [f"{name}ish" for name in FRUIT + CARS]


@pytest.fixture
def ranker():
    # all words are known to the features; the last labels are not known to the model
    texts, labels = corpus(FRUIT[:6] + CARS[:4])
    texts += [f"nothing but {' '.join(ALL)}", f"nothing else but {' '.join(ALL)}"]
    labels += [[], []]
    return TextRanker(features=NgramTfidf(), model=XRLinear(max_leaf_size=4, branching=2)).fit(texts, labels)


def best(ranker, text):
    return ranker.rank(text, k=1)[0][0]


def test_added_labels_are_ranked_by_name(ranker):
    before = ranker.rank("an appleish fruit", k=10)
    texts, labels = corpus([*FRUIT, *CARS[:4]], seed=1)
    grown = ranker.add_labels(["peach", "olive"], texts, labels)
    assert best(grown, "a peachish fruit") == "peach"
    assert best(grown, "an oliveish thing") == "olive"
    assert dict(grown.rank("an appleish fruit", k=12))["apple"] == pytest.approx(dict(before)["apple"])
    assert grown.features_ is ranker.features_
    assert "peach" not in ranker.labels_
    assert ranker.rank("an appleish fruit", k=10) == before
    assert grown.encode_labels([["peach", "apple"]]).nnz == 2
    assert (
        best(
            ranker.add_labels(
                ("peach",), texts, [[n for n in row if n != "olive"] for row in labels], negative_share=0.5
            ),
            "peachish",
        )
        == "peach"
    )


def test_texts_may_be_any_iterable(ranker):
    texts, labels = corpus([*FRUIT[:6], "peach"])
    expected = ranker.add_labels(["peach"], texts, labels)
    grown = ranker.add_labels(["peach"], (text for text in texts), (row for row in labels))
    assert grown.rank("peachish", k=5) == expected.rank("peachish", k=5)
    texts, labels = corpus(FRUIT[:6])
    fresh = ranker.refresh_labels(["apple"], iter(texts), iter(labels))
    assert fresh.rank("appleish", k=5) == ranker.refresh_labels(["apple"], texts, labels).rank(
        "appleish", k=5
    )


def test_a_text_about_a_label_is_enough(ranker):
    texts, labels = corpus([*FRUIT[:6], *CARS[:4]], seed=1)
    grown = ranker.add_labels(["wagon"], texts, labels, label_texts={"wagon": "wagonish vehicle"})
    assert best(grown, "my wagonish vehicle") == "wagon"
    both = ranker.add_labels(
        ["wagon", "peach"], *corpus([*FRUIT[:3], "peach"]), label_texts={"wagon": "wagonish vehicle"}
    )
    assert best(both, "a wagonish vehicle") == "wagon"
    assert best(both, "a peachish fruit") == "peach"


def test_removed_names_are_unknown(ranker):
    less = ranker.remove_labels(["banana", "taxi"])
    assert "banana" not in less.labels_
    assert len(less.labels_) == less.model_.n_labels_ == len(ranker.labels_) - 2
    assert "banana" not in dict(less.rank("bananaish", k=10))
    for name in ("apple", "racer", "truck", "mango"):
        assert best(less, f"{name}ish") == name
    with pytest.raises(ValueError, match="'banana', which is not a label"):
        less.remove_labels(["banana"])
    back = less.add_labels(["banana"], *corpus([*FRUIT[:6], *CARS[:2], CARS[3]], seed=2))
    assert best(back, "bananaish fruit") == "banana"


def test_refreshed_labels_follow_the_new_texts(ranker):
    texts, labels = corpus(FRUIT[:6] + CARS[:4], seed=3)
    texts = [text.replace("appleish", "peachish") for text in texts]
    fresh = ranker.refresh_labels(["apple"], texts, labels)
    assert best(fresh, "peachish fruit") == "apple"
    assert best(ranker, "appleish fruit") == "apple"
    assert fresh.labels_ is ranker.labels_


def test_a_changed_ranker_is_saved_and_loaded(ranker, tmp_path):
    grown = ranker.add_labels(["peach"], *corpus([*FRUIT[:6], "peach"]))
    grown.save(tmp_path / "model")
    assert arborank.load(tmp_path / "model").rank("peachish", k=3) == grown.rank("peachish", k=3)


def test_labels_that_only_have_a_text_are_found():
    texts, labels = corpus(FRUIT[:6] + CARS[:4])
    about = {name: f"the {name}ish {'fruit' if name in FRUIT else 'vehicle'}" for name in FRUIT + CARS}
    cold = TextRanker(features=NgramTfidf(), model=XRLinear(max_leaf_size=4))
    cold.fit(texts, labels, label_texts=about)
    assert set(cold.labels_) == {*FRUIT, *CARS}
    for name in ("peach", "olive", "van", "wagon", "apple"):
        assert name in dict(cold.rank(f"{name}ish", k=2))
    # labels with instances gain by their text, too
    named = TextRanker(features=NgramTfidf()).fit(
        ["red", "yellow"], [["apple"], ["banana"]], label_texts={"apple": "a pome"}
    )
    assert best(named, "pome") == "apple"
    assert named.model_.n_instances_ == 2  # texts about labels are not counted
    assert named.model_.label_counts_.tolist() == [1, 1]


def test_texts_about_labels_are_learned_from_and_represent_them():
    texts, labels = corpus(FRUIT[:6] + CARS[:4])
    about = {name: f"the {name}ish" for name in FRUIT + CARS}
    model = XRLinear(representation="pifa-concat", max_leaf_size=4)
    cold = TextRanker(features=NgramTfidf(), model=model).fit(texts, labels, label_texts=about)
    assert "peach" in dict(cold.rank("peachish", k=2))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda r, x, y: r.add_labels(["apple"], x, y),
            ValueError,
            "'apple', which is a label of this model",
        ),
        (lambda r, x, y: r.add_labels(["peach", "peach"], x, y), ValueError, "'peach' twice"),
        (
            lambda r, x, y: r.add_labels("peach", x, y),
            TypeError,
            "names must be a list of label names, found one str",
        ),
        (lambda r, x, y: r.add_labels([], x, y), ValueError, "names is empty"),
        (lambda r, x, y: r.add_labels([3], x, y), TypeError, "strings"),
        (
            lambda r, x, y: r.add_labels(["olive"], x, y),
            ValueError,
            "hold 'peach', neither a known label nor among",
        ),
        (
            lambda r, x, y: r.add_labels(["peach", "fig"], x, y),
            ValueError,
            "names holds 'fig', which no text has as a label",
        ),
        (lambda r, x, y: r.add_labels(["peach"], x, y[:-1]), ValueError, "they go in pairs"),
        (
            lambda r, x, y: r.add_labels(["peach"], x, y, label_texts={"fig": "f"}),
            ValueError,
            "about 'fig', neither a known label nor",
        ),
        (
            lambda r, x, y: r.add_labels(["peach"], x, y, label_texts=["f"]),
            TypeError,
            "must map names to texts",
        ),
        (lambda r, x, y: r.add_labels(["peach"], x, y, share=1), TypeError, "share"),
        (
            lambda r, x, y: r.add_labels(
                ["fig", "kiwi"], ["слива", "груша", *x[:9]], [["fig"], ["kiwi"], *y[:9]]
            ),
            ValueError,
            "none of the texts with 'fig' and 1 more labels has a word that the ranker knows",
        ),
        (
            lambda r, x, y: r.add_labels(["fig"], x[:9], y[:9], label_texts={"fig": "инжир"}),
            ValueError,
            "no text about 'fig' has a word that the ranker knows",
        ),
        (
            lambda r, x, y: r.add_labels(["fig"], x[:9], y[:9], label_texts={"fig": "f"}, negative_cost=0.1),
            TypeError,
            "negative_cost is an option for labels with texts",
        ),
        (
            lambda r, x, y: r.add_labels(
                ["fig"], x[:9], y[:9], label_texts={"fig": "fruit"}, unseen_weight=2
            ),
            ValueError,
            "unseen_weight must be at most 1",
        ),
        (
            lambda r, x, y: r.add_labels(["peach"], x, y, unseen_weight=0.5),
            TypeError,
            "unseen_weight is for labels without an instance",
        ),
        (lambda r, x, y: r.add_labels(["peach"], "fruit", y), TypeError, "texts must be an iterable of str"),
        (lambda r, x, y: r.add_labels(["peach"], None, y), TypeError, "texts must be an iterable of str"),
        (lambda r, x, y: r.add_labels([5], x, y), TypeError, "names hold something that is not a label name"),
        (
            lambda r, x, y: r.add_labels(["\ud800"], x, y),
            ValueError,
            "names hold something that is not a label name",
        ),
        (
            lambda r, x, y: r.add_labels(["peach"], ["a", "b"], [["peach"], ["peach"]]),
            ValueError,
            "every text has a label that is to be learned",
        ),
        (lambda r, x, y: r.remove_labels(["fig"]), ValueError, "'fig', which is not a label"),
        (lambda r, x, y: r.remove_labels(list(r.labels_)), ValueError, "every label"),
        (lambda r, x, y: r.refresh_labels(["peach"], x, y), ValueError, "'peach', which is not a label"),
        (
            lambda r, x, y: TextRanker().fit(x, y, learn_label_texts=False),
            ValueError,
            "learn_label_texts is False, but label_texts is not given",
        ),
        (lambda r, x, y: TextRanker().fit(x, y, label_texts={"a": 1}), TypeError, "map str to str"),
    ],
)
def test_what_is_wrong_is_named(ranker, change, error, message):
    texts, labels = corpus([*FRUIT[:6], "peach"])
    with pytest.raises(error, match=message):
        change(ranker, texts, labels)


class StagedModel(BaseEstimator):
    """A model that ranks, and no more."""

    def fit(self, X, Y):
        return self

    def predict_topk(self, X, k):
        raise NotImplementedError


def test_a_model_that_cannot_change_says_so():
    texts, labels = corpus(FRUIT[:4])
    both = TextRanker(features=NgramTfidf(), model=Ensemble([XRLinear(), XRLinear(random_state=1)]))
    both.fit(texts, labels)
    both.model_.models_[1] = StagedModel()
    with pytest.raises(TypeError, match=r"models\[1\] is a StagedModel, which has no remove_labels"):
        both.remove_labels(["apple"])
    ranker = TextRanker(features=NgramTfidf(), model=StagedModel())
    with pytest.raises(TypeError, match="StagedModel has no learn_unseen_labels, which the 1 labels without"):
        ranker.fit(texts, labels, label_texts={"fig": "figs"})


def test_questions_without_an_answer_get_a_defined_one(ranker):
    names = list(ranker.labels_)
    unknown = ranker.rank("слива", k=3)  # what the constant feature says, as for a text without any word
    assert len(unknown) == 3
    assert unknown == ranker.rank("", k=3)
    assert ranker.rank("appleish", k=3, candidates=[]) == []
    assert ranker.rank("appleish", k=3, exclude=names) == []
    assert ranker.rank("appleish", k=3, candidates=["apple"], exclude=["apple"]) == []
    assert ranker.rank("appleish", k=3, label_filter=ranker.prepare_filter(candidates=[])) == []
    assert ranker.rank("appleish", k=3, label_weights=dict.fromkeys(names, 0)) == []
    assert ranker.rank_batch(["appleish", "слива"], k=3, candidates=[["apple"], []]) == [
        ranker.rank("appleish", k=3, candidates=["apple"]),
        [],
    ]
    with pytest.raises(ValueError, match="exclude holds 'fig', which is not a label"):
        ranker.rank("appleish", exclude=["apple", "fig"])
