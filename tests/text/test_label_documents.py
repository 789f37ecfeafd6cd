"""Names of labels and texts about them are instances of their labels, where they help."""

import numpy as np
import pytest

import arborank
from arborank import Ensemble, NgramTfidf, TextFeatures, TextRanker, XRLinear

FIRST = ("wood", "sea", "sky", "fire", "stone", "moon", "sun", "wind", "snow", "rain", "star", "ice")
LAST = ("craft", "lore", "song", "mill", "gate", "ship", "land", "bird", "path", "wheel", "bell", "field")
SUBJECTS = [first + last for first in FIRST for last in LAST]


def corpus(n=400, seed=0, names=SUBJECTS):
    """Return texts that mostly hold their subject, of which each has few, and other words."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(n):
        subject = rng.integers(len(names))
        words = [f"w{rng.integers(400)}" for _ in range(5)]
        if rng.random() < 0.8:
            words.append(SUBJECTS[subject])
        texts.append(" ".join(words))
        labels.append([names[subject]])
    return texts, labels


CODES = [f"B{7 * i:03}X{i % 3}" for i in range(len(SUBJECTS))]
PEOPLE = [f"{first} {last}er" for first in ("Ann", "Bo", "Cy", "Di", "Ed", "Flo") for last in FIRST + LAST]
IN_EVERY_TEXT = [f"w{i} w{i + 1}" for i in range(len(SUBJECTS))]


def test_names_that_texts_hold_are_learned_from():
    texts, labels = corpus()
    ranker = TextRanker(NgramTfidf()).fit(texts, labels)
    assert ranker.label_names_ is True
    assert ranker.rank_batch(texts[:50]) == TextRanker(NgramTfidf(), label_names=True).fit(
        texts, labels
    ).rank_batch(texts[:50])


@pytest.mark.parametrize("names", [CODES, PEOPLE, IN_EVERY_TEXT])
def test_names_that_say_nothing_are_not(names):
    texts, labels = corpus(names=names)
    ranker = TextRanker(NgramTfidf()).fit(texts, labels)
    assert ranker.label_names_ is False
    plain = TextRanker(NgramTfidf(), label_names=False).fit(texts, labels)
    assert ranker.rank_batch(texts[:50]) == plain.rank_batch(texts[:50])
    assert (
        ranker.features_.get_feature_names_out().tolist() == plain.features_.get_feature_names_out().tolist()
    )


def test_too_few_texts_tell_nothing():
    assert (
        TextRanker(NgramTfidf()).fit(["red apple", "fast car"] * 3, ["apple", "car"] * 3).label_names_
        is False
    )


def test_the_decision_is_kept(tmp_path):
    texts, labels = corpus()
    ranker = TextRanker(NgramTfidf()).fit(texts, labels)
    ranker.save(tmp_path / "model")
    again = arborank.load(tmp_path / "model")
    assert again.label_names_ is True
    assert "| `label_names` | `true` |" in (tmp_path / "model" / "README.md").read_text()
    assert again.rank_batch(texts[:20]) == ranker.rank_batch(texts[:20])


def test_documents_are_not_counted():
    texts, labels = corpus()
    for model in (XRLinear(), Ensemble([XRLinear()])):
        ranker = TextRanker(NgramTfidf(), model, label_names=True).fit(
            texts, labels, label_texts={"seamill": "a mill"}
        )
        inner = ranker.model_ if isinstance(model, XRLinear) else ranker.model_.models_[0]
        assert inner.n_instances_ == len(texts)
        assert inner.label_counts_.tolist() == ranker.encode_labels(labels).sum(axis=0).tolist()


def test_names_leave_frequent_labels_where_they_are():
    texts, labels = corpus(n=600)
    common = [[*own, "common"] if i % 4 else own for i, own in enumerate(labels)]
    questions = [f"w{i} w{i + 1} w{i + 2}" for i in range(0, 400, 4)]
    firsts = [
        sum(row[0][0] == "common" for row in ranker.rank_batch(questions, 1))
        for names in (True, False)
        for ranker in [TextRanker(NgramTfidf(), XRLinear(max_leaf_size=10), label_names=names)]
        if ranker.fit(texts, common)
    ]
    assert firsts[0] >= firsts[1] - 2


def test_names_are_in_updates():
    texts, labels = corpus(names=SUBJECTS)
    ranker = TextRanker(NgramTfidf()).fit(
        [*texts, "glass bell tower", "glass bell bottle"], [*labels, [], []]
    )
    grown = ranker.add_labels(["glass bell"], texts, labels)  # no text has it; its name is enough
    assert grown.rank("a glass bell", k=1)[0][0] == "glass bell"
    assert grown.label_names_ is True
    more = texts[:200], labels[:200]
    rows = [[*row, "glass tower"] if i % 40 == 0 else row for i, row in enumerate(more[1])]
    seen = ranker.add_labels(["glass tower"], more[0], rows)
    assert "glass tower" in [name for name, _ in seen.rank("a glass tower", k=3)]
    assert seen.model_.n_instances_ == ranker.model_.n_instances_ + 200
    assert seen.model_.label_counts_[-1] == 5
    codes = TextRanker(NgramTfidf()).fit(*corpus(names=CODES))
    with pytest.raises(
        ValueError, match="'glass bell', which no text has as a label and no label_texts is about"
    ):
        codes.add_labels(["glass bell"], *corpus(names=CODES))


def test_names_without_a_word_teach_nothing():
    texts, labels = ["red apple", "fast car", "green apple", "slow car"] * 3, ["", "車 ", "  ", "→"] * 3
    ranker = TextRanker(NgramTfidf(), label_names=True).fit(texts, labels)
    plain = TextRanker(NgramTfidf(), label_names=False).fit(texts, labels)
    assert list(ranker.labels_) == list(plain.labels_)
    assert [row[0][0] for row in ranker.rank_batch(texts, 1)] == [
        row[0][0] for row in plain.rank_batch(texts, 1)
    ]


def test_several_texts_about_a_label_are_several_instances():
    texts, labels = ["red apple", "fast car"] * 3, ["apple", "car"] * 3
    about = {"apple": ["a pome", "a round fruit"], "boat": ("a ship", "on water")}
    ranker = TextRanker(NgramTfidf()).fit(texts, labels, label_texts=about)
    assert ranker.label_names_ is False
    for text, name in {"pome": "apple", "round": "apple", "ship": "boat", "water": "boat"}.items():
        scores = dict(ranker.rank(text, k=3))
        assert scores[name] > dict(ranker.rank("of none", k=3))[name]
    assert ranker.rank("a pome", k=1)[0][0] == "apple"
    with pytest.raises(
        TypeError, match=r"must map str to str, or to a list of str, found 'apple': \['a', 3\]"
    ):
        TextRanker().fit(texts, labels, label_texts={"apple": ["a", 3]})


def test_names_may_be_label_features():
    texts, labels = corpus()
    model = XRLinear(representation="pifa-concat", max_leaf_size=4, branching=2)
    ranker = TextRanker(NgramTfidf(), model, label_names=True).fit(texts, labels)
    assert ranker.rank("the seamill", k=1)[0][0] == "seamill"
    with pytest.raises(ValueError, match="label_features"):
        TextRanker(NgramTfidf(), model, label_names=False).fit(texts, labels)


def test_the_check_does_not_depend_on_threads():
    texts, labels = corpus(300)
    rankers = [TextRanker(label_names="auto", n_jobs=n).fit(texts, labels) for n in (1, 3)]
    assert rankers[0].label_names_ == rankers[1].label_names_
    assert rankers[0].rank_batch(texts[:20]) == rankers[1].rank_batch(texts[:20])


def test_features_are_chosen_by_the_texts_alone():
    texts, labels = corpus()
    long = [" ".join([text, *(f"word{i * j % 53}" for j in range(40))]) for i, text in enumerate(texts)]
    for given, n_parts in ((texts, 2), (long, 1)):
        chosen = TextRanker(label_names=True).fit(given, labels).features_.parts_
        assert len(chosen) == n_parts
        expected = TextFeatures().fit(given).parts_
        assert [part.get_params() for part in chosen] == [part.get_params() for part in expected]
