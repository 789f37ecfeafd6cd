"""The checks of scikit-learn itself, with the departures and their reasons, and its tools at work on our estimators."""

import warnings

import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted

from arborank import Ensemble, NgramTfidf, TextRanker, XRLinear

DEPARTURES = {
    f"check_sample_weight_equivalence_on_{kind}_data": "it calls fit(X, y=...), which is Y here; and solvers stop "
    "within a tolerance: test_weights_are_repetitions has a small one"
    for kind in ("dense", "sparse")
} | {
    "check_non_transformer_estimators_n_iter": "there are as many solvers as labels, and no n_iter_",
    **dict.fromkeys(
        (
            "check_fit_score_takes_y",
            "check_n_features_in_after_fitting",
            "check_estimators_partial_fit_n_features",
        ),
        "partial_fit learns further rows of a fitted model, whose tree needs more than a few rows",
    ),
}


with warnings.catch_warnings():
    # its base would load all of scikit-learn and scipy.stats in a process that only opens a model
    warnings.filterwarnings("ignore", message="Estimator XRLinear does not inherit")
    checks = parametrize_with_checks(
        [XRLinear(), XRLinear(single_label=True)],
        expected_failed_checks=lambda estimator: DEPARTURES,
    )


@pytest.mark.filterwarnings("ignore:the rows of X are nearly the same")  # as those of some checks are
@checks
def test_scikit_learn_check(estimator, check):
    check(estimator)


TEXTS = ["red apple", "green apple", "fast car", "old car"] * 6
CLASSES = ["fruit", "fruit", "vehicle", "vehicle"] * 6


def test_tools_of_scikit_learn():
    model = make_pipeline(NgramTfidf(), XRLinear(branching=2, max_leaf_size=2))
    search = GridSearchCV(model, {"xrlinear__Cp": [1.0, 2.0], "ngramtfidf__sublinear_tf": [True]}, cv=2)
    assert search.fit(TEXTS, CLASSES).best_score_ == 1.0
    assert cross_val_score(model, TEXTS, CLASSES, cv=2).tolist() == [1.0, 1.0]
    check_is_fitted(search.best_estimator_)
    assert "xrlinear" in repr(model)
    assert "XRLinear" in search._repr_html_()


def test_nested_parameters():
    ranker = TextRanker(NgramTfidf(), XRLinear()).set_params(model__Cp=7.0, features__min_df=4)
    assert (ranker.model.Cp, ranker.features.min_df) == (7.0, 4)
    assert ranker.get_params()["model__Cp"] == 7.0
    ensemble = clone(Ensemble([XRLinear(random_state=seed) for seed in range(2)]))
    assert [member.random_state for member in ensemble.models] == [0, 1]
