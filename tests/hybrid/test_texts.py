"""The hybrid ranker behind `TextRanker`: documents of labels are its label features."""

import numpy as np
import pytest

import arborank
from arborank import HybridRanker, NgramTfidf, TextRanker

COLOURS, THINGS = ["red", "green", "blue", "black"], ["apple", "car", "house", "shirt", "tree"]
TEXTS = [f"{colour} {thing} story" for colour in COLOURS for thing in THINGS] * 3
LABELS = [text.split()[:2] for text in TEXTS]


def ranker(**options):
    return TextRanker(NgramTfidf(), HybridRanker(n_jobs=1), **options)


def test_names_of_labels_are_a_source_and_no_instances():
    named = ranker(label_names=True).fit(TEXTS, LABELS)
    assert named.model_.n_instances_ == len(TEXTS)
    assert (
        named.model_.fitted_.sources.label_counts.tolist() == named.encode_labels(LABELS).sum(axis=0).tolist()
    )
    said = named.model_.explain_topk(named.features_.transform(["red"]), 1)[0][0]
    assert (named.labels_[said.label], said.name) == ("red", pytest.approx(1))
    assert dict(named.rank("a red apple", 2)).keys() == {"red", "apple"}
    nameless = ranker(label_names=False).fit(TEXTS, LABELS)
    assert nameless.model_.explain_topk(nameless.features_.transform(["red"]), 1)[0][0].name == 0


def test_a_label_that_only_has_a_text_is_found(tmp_path):
    about = {"moon": ["the pale moon", "a crescent"], **{name: f"something {name}" for name in COLOURS}}
    model = ranker(label_names=False).fit(TEXTS, LABELS, label_texts=about)
    model.save(tmp_path / "model")
    for one in (model, arborank.load(tmp_path / "model")):
        assert one.rank("the pale crescent", 1)[0][0] == "moon"
        assert "moon" not in dict(one.rank("the pale crescent", 5, exclude=["moon"]))


def test_probabilities_add_up_to_the_labels_of_a_text():
    model = ranker(label_names=True).fit(TEXTS, LABELS)
    _, scores = model.predict_topk(TEXTS, 9)
    assert np.where(scores > 0, scores, 0).sum(axis=1).mean() == pytest.approx(2, abs=0.2)


def test_labels_come_and_go_by_name():
    model = ranker(label_names=True).fit(TEXTS, LABELS)
    more = ["a green story", "red apple story", "black and green"]
    grown = model.add_labels(["story", "tree house"], more, [["green", "story"], ["red", "story"], ["black"]])
    assert grown.labels_.take([len(model.labels_)]) == ["story"]
    assert grown.rank("story", 1)[0][0] == "story"
    counts = grown.model_.fitted_.sources.label_counts
    assert counts[grown.labels_.find("story")] == 2  # its name apart
    assert grown.model_.n_instances_ == len(TEXTS) + 3
    assert "tree house" in dict(grown.rank("a tree house", 3))  # which no text has
    assert "story" not in dict(grown.remove_labels(["story"]).rank("story", 9))
    weighted = dict(grown.rank("red apple", 9, label_weights={"red": 0.5}))
    plain = dict(grown.rank("red apple", 9))
    assert weighted["red"] == pytest.approx(plain["red"] / 2)


def test_relevance_of_labels():
    weights = [dict(zip(row, (1.0, 3.0), strict=True)) for row in LABELS]
    model = ranker(label_names=True).fit(TEXTS, weights)
    assert dict(model.rank("a red apple", 2)).keys() == {"red", "apple"}


def test_a_prepared_filter_by_name():
    model = ranker(label_names=True).fit(TEXTS, LABELS)
    prepared = model.prepare_filter(candidates=["red"])
    assert [name for name, _ in model.rank("a red apple", 2, label_filter=prepared)] == ["red"]
