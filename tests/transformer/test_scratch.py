import numpy as np
import pytest

import arborank

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from arborank.transformer import XRTransformer, scratch_encoder  # noqa: E402
from arborank.transformer.scratch import _IGNORED, _hide  # noqa: E402

SHAPE = {"vocabulary": 200, "layers": 1, "width": 16, "heads": 2, "max_length": 24}


def test_what_is_guessed_is_hidden_replaced_or_shown():
    ids = np.full((200, 50), 9)
    ids[:, 0] = 2
    shown, targets = _hide(ids, 0.2, 30, np.random.default_rng(0))
    chosen = targets != _IGNORED
    assert not chosen[:, 0].any()  # never a special token
    np.testing.assert_array_equal(targets[chosen], ids[chosen])
    np.testing.assert_array_equal(shown[~chosen], ids[~chosen])
    assert abs(chosen[:, 1:].mean() - 0.2) < 0.02
    assert abs((shown[chosen] == 4).mean() - 0.8) < 0.03
    assert abs((shown[chosen] == 9).mean() - 0.1) < 0.03


def test_one_token_is_guessed_at_least():
    _, targets = _hide(np.array([[2, 9, 3]]), 1e-9, 30, np.random.default_rng(0))
    assert targets.tolist() == [[_IGNORED, 9, _IGNORED]]


def test_the_warm_up_teaches_and_the_encoder_can_be_used(data, tmp_path):
    texts, Y = data[0][:128], data[1][:128]
    cold, warm = (scratch_encoder(texts, **SHAPE, epochs=e, precision="float32") for e in (0.0, 2.0))
    again = scratch_encoder(texts, **SHAPE, epochs=2.0, precision="float32")
    name = "embeddings.word_embeddings.weight"
    np.testing.assert_array_equal(warm.weights()[name], again.weights()[name])
    assert not np.array_equal(warm.weights()[name], cold.weights()[name])
    model = XRTransformer(warm, epochs=0.5, max_leaf_size=4, n_jobs=1, precision="float32").fit(texts, Y)
    model.save(tmp_path / "model")
    loaded = arborank.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.encode(texts[:4]), model.encode(texts[:4]))


def test_bad_shapes(data):
    with pytest.raises(ValueError, match="width is 15, which is not a multiple of heads, 2"):
        scratch_encoder(data[0], width=15, heads=2)
    with pytest.raises(ValueError, match="texts is empty"):
        scratch_encoder([])


def test_more_than_fits_is_refused(data):
    with pytest.raises(MemoryError, match="fine-tuning needs about"):
        scratch_encoder(data[0][:8], **{**SHAPE, "width": 2**30})


def test_lone_surrogates(data):
    assert scratch_encoder([*data[0][:20], "a \ud800"], **SHAPE, epochs=0.0).width == SHAPE["width"]
