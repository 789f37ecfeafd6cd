"""What a guide recommends does what the guide says: measured on the shipped data."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from arborank import NgramTfidf, TextFeatures, TextRanker, XRLinear
from arborank.datasets import add_typos, load_debian
from arborank.metrics import precision_at_k, recall_at_k

DOCS = Path(__file__).parents[2] / "docs"


def recipe(guide, wanted):
    """Return the settings in the row of a guide's table of choices."""
    lines = (DOCS / guide).read_text(encoding="utf-8").splitlines()
    (row,) = [line for line in lines if line.startswith(f"| {wanted}")]
    return settings_of(row.split("|")[2])


def settings_of(code):
    settings = re.findall(r"\w+=(?:\"[^\"]*\"|[\d.]+)", code)
    return {name: ast.literal_eval(value) for name, value in (setting.split("=") for setting in settings)}


TREE = {"branching": 16, "max_leaf_size": 100}  # so few rows would have one level


class Data:
    """Word features of a part of the shipped data, and the tree that defaults give."""

    def __init__(self, n=5000, n_asked=1500):
        train, test, _ = load_debian()
        self.texts, self.labels = train.texts[:n], train.labels[:n]
        self.asked = test.texts[:n_asked]
        features = NgramTfidf(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        ranker = TextRanker(features, XRLinear()).fit(self.texts, self.labels)
        self.X, self.Y = features_of(ranker, self.texts), ranker.encode_labels(self.labels)
        self.model = self.fit()
        self.queries = features_of(ranker, self.asked)
        self.truth = ranker.encode_labels(test.labels[:n_asked], unknown="ignore")
        self.rare = np.bincount(self.Y.indices, minlength=self.Y.shape[1]) <= 5

    def fit(self, **parameters):
        return XRLinear(**{**TREE, **parameters}).fit(self.X, self.Y)

    def precision(self, model):
        return precision_at_k(self.truth, model.predict_topk(self.queries, 1)[0], 1)

    def recall(self, model, k=10, **options):
        return recall_at_k(self.truth, model.predict_topk(self.queries, k, **options)[0], k)

    def rare_found(self, model):
        ids = model.predict_topk(self.queries, 10)[0]
        return float(self.hits(ids)[self.rare[ids] & (ids >= 0)].sum())

    def hits(self, ids):
        return np.take_along_axis(self.truth.toarray() > 0, np.maximum(ids, 0), axis=1) & (ids >= 0)

    def calibration_error(self, model, k=5, bins=15):
        """Return the mean distance of scores from the share of them that is right, over bins of equal width."""
        ids, scores = model.predict_topk(self.queries, k)
        right, scores = self.hits(ids).ravel(), np.clip(np.where(ids < 0, 0, scores), 0, 1).ravel()
        place = np.minimum((scores * bins).astype(int), bins - 1)
        gaps = np.abs(np.bincount(place, scores, bins) - np.bincount(place, right, bins))
        return float(gaps.sum() / scores.size)


def features_of(ranker, texts):
    return ranker.features_.transform(texts)


def weights(model):
    return sum(layer.nnz for layer in model.layers_)


@pytest.fixture(scope="module")
def data():
    return Data()


def test_scores_near_probabilities(data):
    settings = recipe("classification.md", "scores close to probabilities")
    assert {"solver", "Cp", "Cn", "threshold", "combine"} == set(settings)
    model = data.fit(**settings)
    assert data.precision(model) > data.precision(data.model) - 0.015
    assert data.calibration_error(model) < 0.75 * data.calibration_error(data.model)
    scores = model.predict_topk(data.queries, 5)[1]
    assert scores.min() >= 0
    assert scores.max() <= 1


def test_rare_labels(data):
    settings = recipe("classification.md", "better rare labels")
    assert settings == {"tail": 0.5, "rerank": 0.3, "negatives": "tfn+man"}
    again = data.fit(tail=settings["tail"], rerank=settings["rerank"])
    assert data.rare_found(again) > 1.1 * data.rare_found(data.model)
    assert data.precision(again) > data.precision(data.model) - 0.01
    better = data.fit(negatives=settings["negatives"], Cp=4.0, threshold=0.05)
    assert data.rare_found(better) > 1.1 * data.rare_found(data.model)
    assert data.precision(better) > data.precision(data.model) - 0.01


def test_smaller_models(data):
    settings = recipe("classification.md", "a smaller model")
    higher = data.fit(threshold=settings["threshold"])
    assert weights(higher) < 0.5 * weights(data.model)
    assert data.precision(higher) > data.precision(data.model) - 0.01
    bounded = data.fit(max_nonzeros=settings["max_nonzeros"])
    assert weights(bounded) < 0.5 * weights(data.model)
    most = max(int(np.diff(layer.to_matrix()[0].indptr).max()) for layer in bounded.layers_)
    assert most <= settings["max_nonzeros"]
    assert data.precision(bounded) < data.precision(higher)  # "costs more precision"


def test_scores_of_rare_labels_are_a_choice(data):
    settings = recipe("classification.md", "better ranking where texts hardly tell")
    assert settings == {"combine": "l3-l4-hinge", "beam_size": 20}
    assert data.precision(data.fit(**settings)) > data.precision(data.model) - 0.02


def test_wider_beams(data):
    beam = recipe("classification.md", "higher recall in answers of 50 labels and more")["beam_size"]
    for k in (50, 100):
        assert data.recall(data.model, k, beam_size=beam) > data.recall(data.model, k)


def test_relevance(data):
    label = int(np.argmax(np.bincount(data.Y.indices)))
    heavier = data.Y.copy()
    heavier.data = np.where(heavier.indices == label, 5, 1).astype(np.float32)
    scores = [
        np.where(ids == label, found, 0).sum()
        for ids, found in (
            model.predict_topk(data.queries, 10)
            for model in (data.model, XRLinear(**TREE).fit(data.X, data.Y, relevance=heavier))
        )
    ]
    assert scores[1] > 1.02 * scores[0]


def test_ensembles_of_trees(data):
    assert "XRLinear(n_trees=3)" in (DOCS / "subject-indexing.md").read_text()
    assert data.recall(data.fit(n_trees=3)) > data.recall(data.model)


@pytest.mark.parametrize("typos", [False, True])
def test_characters_beside_words(data, typos):
    (block,) = re.findall(
        r"## Short texts.*?```python\n(.*?)```", (DOCS / "subject-indexing.md").read_text(), flags=re.DOTALL
    )
    names = {"TextFeatures": TextFeatures, "NgramTfidf": NgramTfidf}
    exec(compile(block.split("ranker =")[0], "subject-indexing.md", "exec"), names)
    titles, asked = ([" ".join(text.split()[:6]) for text in texts] for texts in (data.texts, data.asked))
    asked = add_typos(asked, rate=0.3) if typos else asked
    words = NgramTfidf(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    found = [
        recall_at_k(
            data.truth,
            TextRanker(features, XRLinear.preset("pecos"))
            .fit(titles, data.labels)
            .predict_topk(asked, k=10)[0],
            10,
        )
        for features in (words, names["features"])
    ]
    assert found[1] > found[0]
