"""scikit-learn's own checks, with the departures and their reasons."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from arborank import XRLinear

DEPARTURES: dict[str, str] = {}


@parametrize_with_checks([XRLinear()], expected_failed_checks=lambda estimator: DEPARTURES)
def test_scikit_learn_check(estimator, check):
    check(estimator)
