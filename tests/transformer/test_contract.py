"""The contract of `support.contract`, for the estimators that need PyTorch."""

import pytest
import scipy.sparse as sp

from arborank import NgramTfidf
from support.contract import FIRST, Contract

pytest.importorskip("torch")
pytest.importorskip("transformers")

from arborank.transformer import XRTransformer, XTransformer

OPTIONS = {"epochs": 1.0, "branching": 2, "max_leaf_size": 2, "precision": "float32"}


class OfTexts(Contract):
    forks = False  # PyTorch forbids it
    picks = range(8)

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def encoder(cls, folder):
        cls.folder = folder

    def fit(self, estimator, problem):
        return estimator.fit(problem.texts, problem.Y)

    def fail(self, estimator):
        return estimator.fit(FIRST.texts, FIRST.Y[:-1])

    def ask(self, estimator, queries, **options):
        return estimator.predict_topk(queries, 3, **options)


class TestXRTransformer(OfTexts):
    def make(self, **options):
        return XRTransformer(self.folder, features=NgramTfidf(), **OPTIONS, **options)


class TestXTransformer(OfTexts):
    def make(self, **options):
        return XTransformer(self.folder, features=NgramTfidf(), **OPTIONS, **options)


@pytest.mark.filterwarnings("ignore:.* rows are few to calibrate")
class TestCalibratedXRTransformer(TestXRTransformer):
    def make(self, **options):
        return super().make(calibrate=True, **options)

    def fit(self, estimator, problem):
        return estimator.fit(problem.texts * 3, three_times(problem))

    def fail(self, estimator):
        return estimator.fit(FIRST.texts, FIRST.Y[:-1])

    def ask(self, estimator, queries, **options):
        return estimator.predict_proba_topk(queries, 3, **options)


def three_times(problem):
    return sp.vstack([problem.Y] * 3, format="csr")


@pytest.mark.filterwarnings("ignore:.* rows are few to calibrate")
def test_probabilities_of_held_out_texts(folder):
    model = XTransformer(folder, features=NgramTfidf(), **OPTIONS).fit(FIRST.texts, FIRST.Y)
    with pytest.raises(ValueError, match="has no probabilities"):
        model.predict_proba_topk(FIRST.queries)
    found = model.calibrate(FIRST.texts, FIRST.Y)
    ids, scores = found.predict_proba_topk(FIRST.queries, 2)
    assert ids.tolist() == model.predict_topk(FIRST.queries, 2)[0].tolist()
    assert ((scores > 0) & (scores < 1)).all()
    assert found.recalibrate(FIRST.texts, FIRST.Y).ranker_.calibration_.facts.n_recalibrated == len(
        FIRST.texts
    )
    assert model.ranker_.calibration_ is None
