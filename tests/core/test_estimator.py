"""What scikit-learn's tools ask of an estimator, beyond its own checks."""

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from arborank import NgramTfidf, TextFeatures, XRLinear
from arborank.linear import Ensemble


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def test_a_pipeline_passes_on_what_was_asked_for(routing, topics):
    X, Y = topics
    relevance = Y * 0.5
    relevance[0] *= 2
    model = XRLinear().set_fit_request(relevance=True)
    assert model.get_metadata_routing().fit.requests["relevance"] is True
    assert clone(model).get_metadata_routing().fit.requests["relevance"] is True
    pipeline = make_pipeline(MaxAbsScaler(), model).fit(X, Y, relevance=relevance)
    right = XRLinear().fit(MaxAbsScaler().fit_transform(X), Y, relevance=relevance)
    rows = MaxAbsScaler().fit_transform(X)
    assert np.array_equal(pipeline[-1].predict_topk(rows, 3)[1], right.predict_topk(rows, 3)[1])


def test_a_pipeline_refuses_what_nobody_asked_for(routing, topics):
    X, Y = topics
    with pytest.raises(ValueError, match="relevance"):
        make_pipeline(MaxAbsScaler(), XRLinear()).fit(X, Y, relevance=Y)


def test_only_keywords_of_fit_can_be_asked_for():
    with pytest.raises(TypeError, match="fit of XRLinear has no keyword 'sample_weight'"):
        XRLinear().set_fit_request(sample_weight=True)


def test_parameters_of_parameters():
    ensemble = Ensemble([XRLinear()])
    with pytest.raises(ValueError, match="Invalid parameter 'depth' for estimator"):
        ensemble.set_params(depth=3)
    with pytest.raises(ValueError, match=r"'combine__x' for estimator .* has none"):
        XRLinear().set_params(combine__x=1)


def test_copies_share_nothing_and_are_not_fitted():
    words = NgramTfidf(min_df=1).fit(["a red kettle"])
    features = TextFeatures(parts=[words], weights=[0.5])
    twin = clone(features)
    assert twin.parts is not features.parts
    assert twin.weights == [0.5]
    with pytest.raises(sklearn.exceptions.NotFittedError):
        twin.parts[0].transform(["a red kettle"])


def test_printed_form():
    assert repr(XRLinear()) == "XRLinear()"
    assert repr(XRLinear(beam_size=5)) == "XRLinear(beam_size=5)"
    with sklearn.config_context(print_changed_only=False):
        assert "threshold=" in repr(XRLinear())
        assert len(repr(XRLinear()).splitlines()) > 5  # one line for each
    shown = repr(XRLinear(representation=np.zeros((500, 4))))
    assert len(shown) < 600
    assert "..." in shown


def test_a_notebook_gets_a_diagram():
    assert "XRLinear" in XRLinear()._repr_mimebundle_()["text/html"]
    with sklearn.config_context(display="text"):
        assert XRLinear()._repr_mimebundle_() == {"text/plain": "XRLinear()"}
