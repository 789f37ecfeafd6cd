"""What holds without the extra."""

import subprocess
import sys

import pytest

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
