"""What holds without the extra."""

import subprocess
import sys

import pytest
import sklearn.base
import sklearn.exceptions
import sklearn.utils

import arborank.transformer
from arborank import XRLinear
from arborank.core.estimator import clone
from arborank.storage import load, save
from arborank.transformer import PlainTexts, XRTransformer, XTransformer


@pytest.mark.subprocess
def test_importing_the_library_does_not_import_torch():
    code = (
        "import sys, arborank; arborank.XRTransformer; arborank.XTransformer(); arborank.TextRanker; "
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("model", [XRTransformer(), XTransformer()])
def test_a_missing_extra_is_named(monkeypatch, model):
    monkeypatch.setattr("arborank.transformer.extra.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"torch and transformers cannot be imported; install the extra"):
        model.fit(["a text"], [[0]])


@pytest.mark.subprocess
def test_a_saved_encoder_without_the_extra():
    code = (
        "import sys, arborank.transformer; sys.modules['torch'] = None\n"
        "try:\n    from arborank.storage.kinds import class_of; class_of('Encoder')\n"
        "except ImportError as error:\n    assert 'arborank[transformers]' in str(error), error\n"
        "else:\n    raise SystemExit('no error')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_parameters_are_checked_before_the_extra():
    with pytest.raises(ValueError, match="bootstrap is 'parent', but there is no level above"):
        XTransformer(bootstrap="parent").fit(["a text"], [[0]])
    with pytest.raises(ValueError, match="warmup must be at most 1"):
        XRTransformer(warmup=2).fit(["a text"], [[0]])


def test_plain_texts_stay():
    assert PlainTexts().fit_transform(("a", "b")) == ["a", "b"]
    with pytest.raises(TypeError, match="one str"):
        PlainTexts().transform("text")


def test_plain_texts_for_scikit_learn():
    tags = sklearn.utils.get_tags(PlainTexts()).input_tags
    assert tags.string
    assert not tags.two_d_array


def test_plain_texts_can_be_saved(tmp_path):
    save(PlainTexts(), tmp_path / "plain")
    assert load(tmp_path / "plain").transform(["a text"]) == ["a text"]


@pytest.mark.parametrize("name", ["Decoder"])
def test_names_that_the_package_lacks(name):
    with pytest.raises(AttributeError, match=r"'arborank.transformer' has no attribute 'Decoder'"):
        getattr(arborank.transformer, name)
    with pytest.raises(ImportError, match="Decoder"):
        from arborank.transformer import Decoder  # noqa: F401


def test_x_transformer_has_the_parameters_of_one_level():
    several, one = XRTransformer().get_params(), XTransformer().get_params()
    assert several.keys() - one.keys() == {"max_level_size", "negatives", "beam_size"}
    assert one.keys() < several.keys()
    different = {name: value for name, value in one.items() if value != several[name]}
    assert different == {"epochs": 10.0, "bootstrap": "random", "refine": False}
    with pytest.raises(TypeError, match="negatives"):
        XTransformer(negatives="man")
    with pytest.raises(ValueError, match="Invalid parameter 'beam_size'"):
        XTransformer().set_params(beam_size=3)


@pytest.mark.parametrize("cls", [XRTransformer, XTransformer])
def test_parameters_are_kept_and_cloned(cls):
    model = cls("folder", epochs=[1, 2], ranker=XRLinear(Cp=2.0), patience=3)
    for twin in (clone(model), cls(**model.get_params(deep=False)), sklearn.base.clone(model)):
        assert twin is not model
        assert repr(twin) == repr(model)
    assert clone(model).ranker is not model.ranker
    assert model.set_params(ranker__Cp=3.0, device="cpu").ranker.Cp == 3.0
    assert hash(model) != hash(clone(model))  # of identity, as scikit-learn's are
    with pytest.raises(TypeError):
        cls("folder", "mean")
    with pytest.raises(sklearn.exceptions.NotFittedError):
        cls().predict_topk(["a text"])
    assert not hasattr(cls(), "ranker_")
