"""Probabilities of label names."""

import numpy as np
import pytest

import arborank
from arborank import NgramTfidf, TextRanker, XRLinear
from arborank.core.estimator import Estimator

pytestmark = pytest.mark.filterwarnings("ignore:.* rows are few to calibrate")
NAMES = ["amber", "blue", "coral", "denim", "ebony", "flax"]


def rows(n, seed=0, told=0.7):
    """Texts that name their label in some seven of ten cases."""
    rng = np.random.default_rng(seed)
    labels = [NAMES[i] for i in rng.integers(0, len(NAMES), n)]
    words = ["car", "house", "shirt", "chair", "lamp"]
    texts = [
        f"{name if rng.random() < told else 'grey'} {words[rng.integers(5)]} {words[rng.integers(5)]}"
        for name in labels
    ]
    return texts, [[name] for name in labels]


def make(**options):
    return TextRanker(NgramTfidf(), XRLinear(branching=2, max_leaf_size=3), label_names=False, **options)


@pytest.fixture(scope="module")
def fitted():
    return make(calibrate=True).fit(*rows(1500))


@pytest.fixture(scope="module")
def plain():
    return make().fit(*rows(1500))


def share_right(ranker, texts, labels):
    ranked = [row[0] for row in ranker.rank_batch(texts, 1, probabilities=True)]
    right = np.mean([name == label for (name, _), (label,) in zip(ranked, labels, strict=True)])
    return np.mean([chance for _, chance in ranked]), right


def test_probabilities_by_name(fitted):
    texts, labels = rows(1500, seed=1)
    ranked = fitted.rank("amber car", 3, probabilities=True)
    assert [name for name, _ in ranked] == [name for name, _ in fitted.rank("amber car", 3)]
    assert ranked[0][1] > 0.9
    assert fitted.rank("grey car", 1, probabilities=True)[0][1] < ranked[0][1] - 0.3
    told, right = share_right(fitted, texts, labels)
    assert told == pytest.approx(right, abs=0.05)
    ids, chances = fitted.predict_proba_topk(texts[:5], 2, candidates=["blue", "coral"])
    assert set(ids.ravel()) <= {1, 2, -1}
    assert chances.shape == (5, 2)


def test_held_out_texts_and_another_domain(plain):
    found = plain.calibrate(*rows(1500, seed=1))
    told, right = share_right(found, *rows(1500, seed=2))
    assert told == pytest.approx(right, abs=0.03)
    other = rows(1000, seed=3)
    for number in range(0, 1000, 2):  # half of the labels are wrong there
        other[1][number] = [NAMES[number % 5]]
    there = found.recalibrate(*other)
    told, right = share_right(there, *other)
    assert told == pytest.approx(right, abs=0.03)
    assert plain.calibration_ is None
    assert there.calibration_.facts.n_recalibrated == 1000


def test_labels_that_come_and_go(fitted, tmp_path):
    texts, labels = rows(400, seed=4)
    grown = fitted.add_labels(["zinc"], [*texts, "zinc car", "zinc lamp"], [*labels, ["zinc"], ["zinc"]])
    assert "zinc" in dict(grown.rank("a lamp", 7, probabilities=True))
    assert grown.calibration_.facts.n_updates == 1
    fewer = grown.remove_labels(["amber"])
    np.testing.assert_array_equal(fewer.calibration_.labels, grown.calibration_.labels[1:])
    fewer.quantize().save(tmp_path / "model")
    again = arborank.load(tmp_path / "model")
    assert again.calibration_.facts.n_updates == 2
    assert "amber" not in dict(again.rank("amber car", 5, probabilities=True))
    assert "`model.calibration.n_updates` | `2`" in (tmp_path / "model/README.md").read_text(encoding="utf-8")


def test_bad_input(plain, fitted):
    texts, labels = rows(300, seed=1)
    with pytest.raises(ValueError, match=r"has no probabilities: fit it with calibrate=True"):
        plain.rank("amber car", probabilities=True)
    with pytest.raises(ValueError, match="label_weights changes what a score is"):
        fitted.rank("amber car", probabilities=True, label_weights={"blue": 2.0})
    with pytest.raises(TypeError, match="probabilities must be True or False"):
        fitted.rank("amber car", probabilities="yes")
    with pytest.raises(ValueError, match="texts has 300 entries but labels has 299"):
        plain.calibrate(texts, labels[:-1])
    with pytest.raises(ValueError, match="none of the labels ranked for 300 held-out rows"):
        plain.calibrate(texts, [["unknown"]] * 300)
    with pytest.raises(TypeError, match="calibrate must be True or False"):
        make(calibrate="yes").fit(texts, labels)

    class Own(Estimator):
        def fit(self, X, Y): ...
        def predict_topk(self, X, k): ...

    with pytest.raises(TypeError, match="calibrate is True, but Own has no predict_proba_topk"):
        TextRanker(NgramTfidf(), Own(), calibrate=True).fit(texts, labels)


def test_the_parameter_beside_the_method():
    ranker = make(calibrate=True)
    assert ranker.get_params()["calibrate"] is True
    assert callable(ranker.calibrate)
    assert ranker.set_params(calibrate=False).get_params()["calibrate"] is False
