"""What scikit-learn's tools ask of an estimator, beyond its own checks."""

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from arborank import NgramTfidf, TextFeatures, TextRanker, XRLinear
from arborank.core.estimator import Estimator
from arborank.core.estimator import clone as our_clone
from arborank.linear import Ensemble
from arborank.transformer import PlainTexts


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
    with pytest.raises(TypeError, match="fit of XRLinear has no keyword 'class_weight'"):
        XRLinear().set_fit_request(class_weight=True)


def test_parameters_of_parameters():
    ensemble = Ensemble([XRLinear()])
    with pytest.raises(ValueError, match="Invalid parameter 'depth' for estimator"):
        ensemble.set_params(depth=3)
    with pytest.raises(ValueError, match=r"'combine__x' for estimator .* has none"):
        XRLinear().set_params(combine__x=1)


def test_parameters_of_parts_have_names():
    ranker = TextRanker(model=XRLinear(Cp=2.0))
    assert ranker.get_params()["model__Cp"] == 2.0
    assert ranker.get_params()["model"] is ranker.model
    assert not any("__" in name for name in ranker.get_params(deep=False))
    assert ranker.set_params(model__Cp=3.0, n_jobs=1) is ranker
    assert (ranker.model.Cp, ranker.n_jobs) == (3.0, 1)
    replaced = ranker.set_params(model__Cp=4.0, model=XRLinear(Cn=5.0)).model  # whatever their order
    assert (replaced.Cp, replaced.Cn) == (4.0, 5.0)


def test_an_estimator_without_parameters():
    assert PlainTexts().get_params() == {}
    assert repr(PlainTexts()) == "PlainTexts()"
    assert isinstance(clone(PlainTexts()), PlainTexts)
    with pytest.raises(ValueError, match="Invalid parameter 'depth'"):
        PlainTexts().set_params(depth=3)


class Holder(Estimator):
    def __init__(self, held):
        self.held = held


@pytest.mark.parametrize("copied", [clone, our_clone])
def test_copies_reach_into_containers(copied):
    inner, array = XRLinear(Cp=2.0), np.ones(2)
    twin = copied(Holder({"a": [inner, (MaxAbsScaler(copy=False),)], "class": XRLinear, "array": array}))
    (model, (scaler,)) = twin.held["a"]
    assert model is not inner
    assert model.Cp == 2.0
    assert isinstance(scaler, MaxAbsScaler)
    assert scaler.copy is False
    assert twin.held["class"] is XRLinear
    twin.held["array"][0] = 0
    assert array.tolist() == [1, 1]


def test_copies_of_estimators_of_others():
    scaler = MaxAbsScaler(copy=False).fit(np.eye(2))
    twin = our_clone(scaler)
    assert twin is not scaler
    assert twin.copy is False
    assert not hasattr(twin, "scale_")
    with pytest.raises(TypeError, match="does not seem to be a scikit-learn estimator"):
        our_clone("no estimator")


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
