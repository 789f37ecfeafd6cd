"""Compiled encoders answer as the plain one does."""

import pickle
from functools import partial

import numpy as np
import pytest

from arborank import NgramTfidf

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from arborank.transformer import Encoder, XRTransformer  # noqa: E402
from arborank.transformer.encoders.accelerated import export_onnx, runner  # noqa: E402

SMALL = {"branching": 4, "max_leaf_size": 4, "n_jobs": 1, "precision": "float32", "epochs": 0.0}


@pytest.fixture(scope="module")
def fitted(folder, data):
    return XRTransformer(folder, features=NgramTfidf(), **SMALL).fit(data[0], data[1])


def agrees(fast, plain, texts):
    """Texts of many lengths, one alone, none."""
    np.testing.assert_allclose(fast.encode(texts), plain.encode(texts), atol=1e-5)
    np.testing.assert_allclose(fast.encode(texts[:1]), plain.encode(texts[:1]), atol=1e-5)
    assert fast.encode([]).shape == (0, 32)
    np.testing.assert_array_equal(fast.predict_topk(texts, 1)[0], plain.predict_topk(texts, 1)[0])


@pytest.mark.filterwarnings("ignore")  # of torch about itself
@pytest.mark.parametrize(
    "backend", ["aot_eager", pytest.param("inductor", marks=pytest.mark.slow)]
)  # the second one takes a minute and a C++ compiler
def test_compiled(fitted, data, backend, monkeypatch):
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    try:
        fast = fitted.accelerate("compile")
    except RuntimeError as error:
        pytest.skip(str(error))
    assert fast.encoder_ is not fitted.encoder_
    agrees(fast, fitted, data[2][:40])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("pooling", ["mean", "cls", "last", "pooler"])
def test_onnx(folder, data, tmp_path, pooling):
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name)
    plain = XRTransformer(folder, features=NgramTfidf(), pooling=pooling, **SMALL).fit(data[0], data[1])
    fast = plain.accelerate("onnx")
    agrees(fast, plain, data[2])
    if pooling != "mean":
        return
    fast.save(tmp_path / "model")  # without the program
    assert pickle.loads(pickle.dumps(fast.encoder_))._runner is None
    plain.export_onnx(tmp_path / "encoder.onnx")
    import onnxruntime

    session = onnxruntime.InferenceSession(tmp_path / "encoder.onnx", providers=["CPUExecutionProvider"])
    rows, _ = plain.encoder_.tokenize([data[2][0]])
    given = {"input_ids": np.array(rows), "attention_mask": np.ones((1, len(rows[0])), np.int64)}
    (found,) = session.run(None, given)
    np.testing.assert_allclose(found, plain.encode([data[2][0]]), atol=1e-5)
    with pytest.raises(FileExistsError, match=r"encoder.onnx exists; give a new file"):
        plain.export_onnx(tmp_path / "encoder.onnx")


def test_a_fast_encoder_can_still_be_trained(folder, data, monkeypatch):
    encoder = Encoder.load(folder)
    monkeypatch.setattr("arborank.transformer.encoders.encoder.runner", lambda *_: 1 / 0)
    encoder._runner = lambda ids, mask: 1 / 0
    XRTransformer(encoder, features=NgramTfidf(), **{**SMALL, "epochs": 0.1}).fit(data[0][:64], data[1][:64])


def test_bad_arguments(folder, monkeypatch, tmp_path):
    encoder = Encoder.load(folder)
    with pytest.raises(ValueError, match="backend is 'tpu'; expected one of compile, onnx"):
        encoder.accelerated("tpu")
    monkeypatch.setattr("arborank.transformer.extra.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"onnx and onnxscript and onnxruntime .* 'arborank\[onnx\]'"):
        runner(encoder, "onnx", 1)
    with pytest.raises(ImportError, match=r"'arborank\[onnx\]'"):
        export_onnx(encoder, tmp_path / "encoder.onnx")


def test_what_cannot_be_compiled_says_so(folder, monkeypatch):
    def broken(*_, **__):
        def run(*_):
            raise OSError("no compiler")

        return run

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(RuntimeError, match=r"torch\.compile cannot compile this encoder here: no compiler"):
        Encoder.load(folder).accelerated("compile")
