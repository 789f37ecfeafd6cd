"""Loading from every layout, pooling, weights out and in."""

import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from arborank.transformer import Encoder  # noqa: E402
from arborank.transformer.encoders.device import choose_device  # noqa: E402

CPU = choose_device("cpu", "float32")


def vectors(encoder, texts):
    out = np.zeros((len(texts), encoder.width), np.float32)

    def visit(rows, found):
        out[rows] = found.numpy()

    encoder.embed(encoder.cache(texts), CPU, np.arange(len(texts)), visit=visit)
    return out


@pytest.mark.parametrize("how", ["cls", "mean", "last", "pooler"])
def test_pooling(folder, data, how):
    texts = data[0][:7]
    encoder = Encoder.load(folder, pooling=how)
    found = vectors(encoder, texts)
    for i, text in enumerate(texts):  # alone, without padding
        ids = torch.tensor(encoder.tokenize([text])[0])
        with torch.inference_mode():
            output = encoder.module(input_ids=ids)
        hidden = output.last_hidden_state[0]
        expected = {
            "cls": hidden[0],
            "mean": hidden.mean(dim=0),
            "last": hidden[-1],
            "pooler": output.pooler_output[0],
        }
        np.testing.assert_allclose(found[i], expected[how].numpy(), atol=1e-5)


def sentence_layout(folder, target, pooling, extra=()):
    shutil.copytree(folder, target)
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), *extra]
    described = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(modules)
    ]
    (target / "modules.json").write_text(json.dumps(described))
    (target / "1_Pooling").mkdir()
    (target / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    (target / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 20}))
    return target


def test_a_sentence_transformers_model(folder, tmp_path):
    settings = {
        "word_embedding_dimension": 32,
        "pooling_mode_cls_token": True,
        "pooling_mode_mean_tokens": False,
    }
    encoder = Encoder.load(sentence_layout(folder, tmp_path / "st", settings))
    assert (encoder.pooling, encoder.max_length, encoder.width) == ("cls", 20, 32)
    assert Encoder.load(tmp_path / "st", pooling="last", max_length=9).pooling == "last"


def test_a_sentence_transformers_model_of_another_kind(folder, tmp_path):
    settings = {"pooling_mode_max_tokens": True}
    with pytest.raises(ValueError, match=r"asks for pooling .*max_tokens"):
        Encoder.load(sentence_layout(folder, tmp_path / "max", settings))
    with pytest.raises(ValueError, match=r"with a module 'sentence_transformers.models.Dense'"):
        Encoder.load(sentence_layout(folder, tmp_path / "dense", {}, [("2_Dense", "Dense")]))


def test_a_folder_without_an_encoder(tmp_path):
    with pytest.raises(ValueError, match="the folder holds no encoder"):
        Encoder.load(tmp_path)


def test_what_is_no_name():
    with pytest.raises(TypeError, match="encoder must be a folder, a name or an Encoder, found 5"):
        Encoder.load(5)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("model.safetensors", b"half", "cannot be loaded"),
        ("modules.json", b"{", "modules.json is not JSON"),
        ("modules.json", b'[{"kind": 1}]', "modules.json does not list modules"),
        ("tokenizer", None, "comes without a tokenizer's vocabulary"),
    ],
)
def test_a_damaged_folder(folder, tmp_path, file, content, message):
    place = shutil.copytree(folder, tmp_path / "damaged")
    if content is None:
        for path in place.glob(f"{file}*"):
            path.unlink()
    else:
        (place / file).write_bytes(content)
    with pytest.raises(ValueError, match=f"damaged'.*{message}"):
        Encoder.load(place)


def test_lone_surrogates_are_question_marks(folder):
    encoder = Encoder.load(folder)
    assert encoder.tokenize(["noise1 \ud800 é"]) == encoder.tokenize(["noise1 ? é"])


def test_long_texts_are_cut(folder):
    encoder = Encoder.load(folder, max_length=5)
    rows, n_cut = encoder.tokenize(["noise1 noise2 noise3 noise4 noise5 noise6", "noise1"])
    assert [len(row) for row in rows] == [5, 3]
    assert n_cut == 1


def test_hugging_face_layout(folder, tmp_path, data):
    encoder = Encoder.load(folder)
    encoder.save_pretrained(tmp_path / "out")
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {
        p.name for p in (tmp_path / "out").iterdir()
    }
    again = transformers.AutoModel.from_pretrained(tmp_path / "out")
    weights = encoder.weights()
    assert all(np.array_equal(weights[name], value.numpy()) for name, value in again.state_dict().items())


def test_weights_must_fit(folder):
    encoder = Encoder.load(folder)
    weights = encoder.weights()
    name = next(iter(weights))
    with pytest.raises(ValueError, match="differ by name"):
        encoder.set_weights({})
    with pytest.raises(ValueError, match="is of shape"):
        encoder.set_weights({**weights, name: weights[name][:1]})


def test_an_encoder_with_a_decoder_is_refused(tokenizer):
    config = transformers.T5Config(vocab_size=20, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    with pytest.raises(ValueError, match="T5Model is an encoder with a decoder"):
        Encoder(transformers.T5Model(config), tokenizer)
