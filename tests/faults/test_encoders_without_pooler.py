"""Weights that are missing and not needed are neither loaded nor fingerprinted: such a training can be resumed."""

import numpy as np
import pytest

import arborank

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402

from arborank.storage.snapshots import Snapshots  # noqa: E402
from arborank.transformer import Encoder, XRTransformer, scratch_encoder  # noqa: E402
from arborank.transformer.encoders.unused import Absent, used_weights  # noqa: E402

TEXTS = [f"noise{i % 5} topic{i % 4} word{i % 8}" for i in range(64)]
LABELS = [[i % 8] for i in range(64)]
SMALL = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}
OPTIONS = {
    "epochs": 1.0,
    "batch_size": 16,
    "max_leaf_size": 2,
    "branching": 2,
    "n_jobs": 1,
    "device": "cpu",
    "precision": "float32",
    "checkpoint_every": 1,
}


@pytest.fixture(scope="module")
def words():
    tokenizer = Tokenizer(
        models.WordLevel({word: i for i, word in enumerate(_vocabulary())}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=32, **names)


def _vocabulary():
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *sorted({word for text in TEXTS for word in text.split()})]


def masked_language(kind, words, folder):
    """Write a masked-language model, which has no pooler, as a folder."""
    torch.manual_seed(5)
    config = getattr(transformers, f"{kind}Config")(
        **SMALL, **({"embedding_size": 8} if kind == "Albert" else {}), pad_token_id=0
    )
    getattr(transformers, f"{kind}ForMaskedLM")(config).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(words, tmp_path_factory):
    """A BERT with its pooler."""
    path = tmp_path_factory.mktemp("whole")
    torch.manual_seed(3)
    transformers.BertModel(transformers.BertConfig(**SMALL, pad_token_id=0)).save_pretrained(path)
    words.save_pretrained(path)
    return path


KINDS = ["Bert", "Roberta", "Albert", "MPNet", "XLMRoberta"]


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(value, b[name]) for name, value in a.items())


@pytest.mark.parametrize("kind", KINDS)
def test_loading_twice_gives_the_same(words, tmp_path, kind):
    folder = masked_language(kind, words, tmp_path / "mlm")
    state = torch.random.get_rng_state()
    one, two = Encoder.load(folder), Encoder.load(folder)
    assert torch.equal(torch.random.get_rng_state(), state)  # nor is the user's generator used
    assert same(one.weights(), two.weights())
    assert not [name for name in one.weights() if "pooler" in name]
    one.save(tmp_path / "a")
    two.save(tmp_path / "b")
    first, second = (
        {name.name.split("-")[0]: name.read_bytes() for name in (tmp_path / place).glob("*.safetensors")}
        for place in "ab"
    )
    assert first == second
    loaded = arborank.load(tmp_path / "a")
    assert same(loaded.weights(), one.weights())
    ids, mask = torch.tensor([[4, 5, 6, 7]]), torch.ones(1, 4, dtype=torch.int64)
    for encoder in (two, loaded):
        assert torch.equal(encoder.pooled(ids, mask), one.pooled(ids, mask))


@pytest.mark.parametrize("kind", KINDS)
def test_a_pooler_that_is_missing_cannot_be_asked_for(words, tmp_path, kind):
    folder = masked_language(kind, words, tmp_path / "mlm")
    with pytest.raises(ValueError, match=r"comes without a pooler's weights"):
        Encoder.load(folder, pooling="pooler")
    module, tokenizer = Encoder.load(folder).module, words
    with pytest.raises(ValueError, match=r"has no pooler; take 'cls', 'mean' or 'last'"):
        Encoder(module, tokenizer, pooling="pooler")


class Stopped(Exception):
    pass


def stop_after(monkeypatch, n_checkpoints):
    save, done = Snapshots.save, []

    def stopping(self, snapshot):
        save(self, snapshot)
        done.append(snapshot.notes["step"])
        if len(done) == n_checkpoints:
            raise Stopped

    monkeypatch.setattr(Snapshots, "save", stopping)


def interrupted_and_resumed(first, again, tmp_path, monkeypatch, **options):
    options = {**OPTIONS, **options}
    whole = XRTransformer(again(), **options).fit(TEXTS, LABELS)
    options["checkpoint_dir"] = tmp_path / "run"
    with monkeypatch.context() as patched:
        stop_after(patched, 3)
        with pytest.raises(Stopped):
            XRTransformer(first(), **options).fit(TEXTS, LABELS)
    resumed = XRTransformer(again(), **options).fit(TEXTS, LABELS)
    assert resumed.history_ == whole.history_
    assert same(resumed.encoder_.weights(), whole.encoder_.weights())
    return resumed


@pytest.mark.parametrize("kind", ["Roberta", "Albert"])
def test_a_masked_language_folder_is_resumed(words, tmp_path, monkeypatch, kind):
    folder = str(masked_language(kind, words, tmp_path / "mlm"))
    resumed = interrupted_and_resumed(lambda: folder, lambda: folder, tmp_path, monkeypatch)
    resumed.save_encoder(tmp_path / "encoder")
    assert same(Encoder.load(tmp_path / "encoder").weights(), resumed.encoder_.weights())
    resumed.save(tmp_path / "model")
    loaded = arborank.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.encode(TEXTS[:4]), resumed.encode(TEXTS[:4]))


def test_what_save_encoder_writes_of_a_scratch_encoder_is_resumed(tmp_path, monkeypatch):
    made = scratch_encoder(TEXTS, vocabulary=60, layers=1, width=16, heads=2, max_length=24, epochs=0.0)
    made.save_pretrained(tmp_path / "encoder")
    folder = str(tmp_path / "encoder")
    interrupted_and_resumed(lambda: folder, lambda: folder, tmp_path, monkeypatch)


def test_the_object_and_its_folder_are_the_same_encoder(tmp_path, monkeypatch):
    made = scratch_encoder(TEXTS, vocabulary=60, layers=1, width=16, heads=2, max_length=24, epochs=0.0)
    made.save_pretrained(tmp_path / "encoder")
    options = {"pooling": None}
    interrupted_and_resumed(lambda: made, lambda: str(tmp_path / "encoder"), tmp_path, monkeypatch, **options)


def test_a_random_pooler_of_the_users_own_matters_not(words, tmp_path, monkeypatch):
    folder = masked_language("Bert", words, tmp_path / "mlm")
    seeds = iter(range(100))

    def made():
        torch.manual_seed(next(seeds))
        module = transformers.AutoModel.from_pretrained(folder)
        assert module.pooler is not None
        return Encoder(module, words)

    options = {**OPTIONS, "checkpoint_dir": tmp_path / "run"}
    with monkeypatch.context() as patched:
        stop_after(patched, 2)
        with pytest.raises(Stopped):
            XRTransformer(made(), **options).fit(TEXTS, LABELS)
    XRTransformer(made(), **options).fit(TEXTS, LABELS)


def test_another_encoder_is_still_told(words, tmp_path, monkeypatch):
    folder = masked_language("Bert", words, tmp_path / "mlm")
    options = {**OPTIONS, "checkpoint_dir": tmp_path / "run"}
    with monkeypatch.context() as patched:
        stop_after(patched, 1)
        with pytest.raises(Stopped):
            XRTransformer(folder, **options).fit(TEXTS, LABELS)
    for name in ("embeddings.word_embeddings.weight", "encoder.layer.1.output.dense.bias"):
        other = Encoder.load(folder)
        weights = {key: value.copy() for key, value in other.weights().items()}
        weights[name].flat[0] += 1.0
        other.set_weights(weights)
        for parameter in other.module.parameters():  # frozen ones count as well
            parameter.requires_grad_(False)
        with pytest.raises(ValueError, match="what differs: encoder"):
            XRTransformer(other, **options).fit(TEXTS, LABELS)


def test_a_pooler_that_is_there_is_kept(folder, tmp_path):
    encoder = Encoder.load(folder)  # pooling is "mean"
    assert not isinstance(encoder.module.pooler, Absent)
    assert "pooler.dense.weight" in encoder.weights()
    assert "pooler.dense.weight" not in encoder.used_weights()
    assert Encoder.load(folder, pooling="pooler").used_weights().keys() == encoder.weights().keys()
    encoder.save_pretrained(tmp_path / "out")
    assert Encoder.load(tmp_path / "out", pooling="pooler").pooling == "pooler"


def test_weights_that_matter_may_not_be_missing(folder, tmp_path):
    module = transformers.AutoModel.from_pretrained(folder)
    weights = module.state_dict()
    for name in ("encoder.layer.1.attention.self.key.weight", "embeddings.LayerNorm.bias"):
        place = tmp_path / name
        module.save_pretrained(place, state_dict={k: v for k, v in weights.items() if k != name})
        transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(place)
        with pytest.raises(ValueError, match=f"lacks weights, first '{name}'"):
            Encoder.load(place)


def test_what_is_used_is_found_without_a_trace(folder):
    encoder = Encoder.load(folder)
    encoder.module.train()
    frozen = encoder.module.embeddings.word_embeddings.weight.requires_grad_(False)
    with torch.no_grad():
        used = used_weights(encoder.module, encoder.pooled)
    assert "embeddings.word_embeddings.weight" in used
    assert encoder.module.training
    assert not frozen.requires_grad
    assert all(weight.grad is None for weight in encoder.module.parameters())


def test_an_encoder_that_always_pools(words, tmp_path):
    """SqueezeBERT calls its pooler whether it is wanted or not."""
    torch.manual_seed(0)
    config = transformers.SqueezeBertConfig(
        **SMALL, embedding_size=16, q_groups=1, k_groups=1, v_groups=1, post_attention_groups=1,
        intermediate_groups=1, output_groups=1,
    )  # fmt: skip
    transformers.SqueezeBertForMaskedLM(config).save_pretrained(tmp_path / "all")
    module = transformers.SqueezeBertModel(config)
    kept = {name: value for name, value in module.state_dict().items() if not name.startswith("pooler.")}
    names = set(kept)
    module.save_pretrained(tmp_path / "encoder", state_dict=kept)
    words.save_pretrained(tmp_path / "encoder")
    one, two = Encoder.load(tmp_path / "encoder"), Encoder.load(tmp_path / "encoder")
    assert same(one.weights(), two.weights())
    assert one.weights().keys() == names
    one.save(tmp_path / "model")
    ids, mask = torch.tensor([[4, 5, 6, 7]]), torch.ones(1, 4, dtype=torch.int64)
    assert torch.equal(arborank.load(tmp_path / "model").pooled(ids, mask), one.pooled(ids, mask))


def test_onnx_without_a_pooler(words, tmp_path):
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    import onnxruntime

    from arborank.transformer.encoders.accelerated import export_onnx

    encoder = Encoder.load(masked_language("Roberta", words, tmp_path / "mlm"))
    export_onnx(encoder, tmp_path / "encoder.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "encoder.onnx", providers=["CPUExecutionProvider"])
    ids = np.array([[4, 5, 6, 7, 8, 9, 10, 11]] * 2)
    found = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0]
    right = encoder.pooled(torch.from_numpy(ids), torch.ones(2, 8, dtype=torch.int64)).detach()
    np.testing.assert_allclose(found, torch.nn.functional.normalize(right, dim=1).numpy(), atol=1e-5)
