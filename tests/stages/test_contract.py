"""The contract of `support.contract`, for every estimator that needs no PyTorch."""

import numpy as np
import pytest

import arborank
from arborank import Autocompleter, Ensemble, NgramTfidf, PrefixTfidf, TextFeatures, TextRanker, XRLinear
from arborank.stages import KMeansIndexer, LinearMatcher, LinearRanker, StagedRanker
from support.contract import FIRST, Contract

SMALL = {"branching": 2, "max_leaf_size": 2}


class TestXRLinear(Contract):
    picks = range(8)

    def make(self, **options):
        return XRLinear(**SMALL, **options)

    def fail(self, estimator):
        rows = FIRST.rows(FIRST.texts)
        return estimator.fit(rows[:, :5], FIRST.Y, relevance=FIRST.Y[:-1])


class TestThreeTrees(TestXRLinear):
    def make(self, **options):
        return super().make(n_trees=3, **options)


class TestRerankedXRLinear(TestXRLinear):
    def make(self, **options):
        return super().make(rerank=0.5, **options)


class TestStagedRanker(Contract):
    savable = False
    picks = range(8)

    def make(self):
        return StagedRanker(KMeansIndexer(**SMALL), LinearMatcher(), LinearRanker())


class TestEnsemble(Contract):
    picks = range(8)

    def make(self):
        return Ensemble([XRLinear(random_state=seed, **SMALL) for seed in range(2)])


class TestTextRanker(Contract):
    def make(self, **options):
        return TextRanker(NgramTfidf(), XRLinear(**SMALL), **options)

    def fit(self, estimator, problem):
        return estimator.fit(problem.texts, problem.labels)

    def fail(self, estimator):
        return estimator.fit(FIRST.texts, FIRST.labels[:-1])

    def ask(self, estimator, queries, **options):
        return estimator.predict_topk(queries, 3, **options)


@pytest.mark.filterwarnings("ignore:.* rows are few to calibrate")
class Calibrated:
    """The same estimators, asked for probabilities."""

    def make(self, **options):
        return super().make().set_params(calibrate=True, **options)

    def ask(self, estimator, queries, **options):
        rows = queries if isinstance(estimator, TextRanker) else FIRST.rows(queries)
        if getattr(estimator, "calibration_", None) is None:
            estimator.predict_topk(rows, 3)  # says that it is not fitted
        return estimator.predict_proba_topk(rows, 3, **options)


class TestCalibratedEnsemble(Calibrated, TestEnsemble):
    pass


class TestCalibratedTextRanker(Calibrated, TestTextRanker):
    pass


class TestCalibratedStagedRanker(Calibrated, TestStagedRanker):
    def make(self):
        return StagedRanker(KMeansIndexer(**SMALL), LinearMatcher(), LinearRanker(), calibrate=True)


class TestAutocompleter(Contract):
    """What was sent before is the query, and what followed it the colour."""

    filters = False

    def make(self, **options):
        return Autocompleter(**options)

    def fit(self, estimator, problem):
        return estimator.fit_pairs(problem.texts, [colour for [colour] in problem.labels])

    def fail(self, estimator):
        return estimator.fit_pairs(FIRST.texts, [5] * len(FIRST.texts))

    def ask(self, estimator, queries):
        found = estimator.complete_batch([""] * len(queries), previous=[[query] for query in queries], k=3)
        names = [[FIRST.colours.index(name) for name, _ in row] for row in found]
        return names, [[score for _, score in row] for row in found]


class OfTexts(Contract):
    """A vectoriser: its answers are rows."""

    filters = False

    def fit(self, estimator, problem):
        return estimator.fit(problem.texts)

    def fail(self, estimator):
        return estimator.fit([])

    def ask(self, estimator, queries):
        return estimator.transform(queries)

    def save(self, estimator, directory):
        arborank.storage.save(estimator, directory)

    def test_the_obvious_answer(self, fitted):
        rows, terms = fitted.transform(FIRST.queries).toarray(), fitted.get_feature_names_out()
        rare = [terms[row.argmax()] for row in rows]
        assert all(
            term.split(":")[-1].strip() in query for term, query in zip(rare, FIRST.queries, strict=True)
        )
        assert np.allclose(np.linalg.norm(rows, axis=1), 1)


class TestNgramTfidf(OfTexts):
    def make(self, **options):
        return NgramTfidf(**options)


class TestPrefixTfidf(OfTexts):
    def make(self, **options):
        return PrefixTfidf(**options)


class TestTextFeatures(OfTexts):
    def make(self, **options):
        return TextFeatures(parts=[NgramTfidf(), PrefixTfidf()], **options)
