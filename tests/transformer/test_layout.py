"""The settings of an encoder, out and in."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from arborank.transformer import Encoder  # noqa: E402
from arborank.transformer.encoders.layout import from_settings, settings_files  # noqa: E402


@pytest.fixture(scope="module")
def parts(folder):
    encoder = Encoder.load(folder)
    return settings_files(encoder.module, encoder.tokenizer), dict(encoder.weights())


def test_they_make_the_same_encoder(parts):
    files, weights = parts
    assert {"config.json", "tokenizer.json", "tokenizer_config.json"} <= files.keys()
    before = torch.random.get_rng_state()
    module, tokenizer = from_settings(files, weights)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not module.training
    shapes = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    assert {name: shapes[name] for name in weights} == {name: value.shape for name, value in weights.items()}
    assert tokenizer("word1 word2")["input_ids"]
    assert settings_files(module, tokenizer) == files


def test_a_tokenizer_that_cannot_be_read(parts):
    files, weights = parts
    tokenizer = json.loads(files["tokenizer.json"])
    broken = json.dumps({**tokenizer, "model": {"type": "Abacus"}}).encode()
    with pytest.raises(ValueError, match="the encoder's files cannot be read: "):
        from_settings({**files, "tokenizer.json": broken}, weights)


def test_what_is_no_file_of_an_encoder(parts):
    files, weights = parts
    with pytest.raises(ValueError, match=r"the encoder has a file 'run.py'; known are "):
        from_settings({**files, "run.py": b""}, weights)


def test_a_module_larger_than_its_weights(parts):
    files, weights = parts
    larger = {name: np.zeros((*value.shape[:-1], 1), np.float32) for name, value in weights.items()}
    with pytest.raises(ValueError, match=r"is of shape \(.*\), but config.json makes it \("):
        from_settings(files, larger)
    with pytest.raises(ValueError, match=r"config.json has 2 layers, but there are 1 weights"):
        from_settings(files, dict([*weights.items()][:1]))
