"""The contract of `support.contract`, for the estimators that need PyTorch."""

import pytest

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
