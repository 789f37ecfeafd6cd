"""An encoder of a stranger, saved or of Hugging Face layout, runs no code, asks nothing and reads nothing elsewhere."""

import base64
import builtins
import json
import os
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import arborank
from arborank.storage import save
from arborank.transformer.encoders.components import check_components, check_tokenizer_file
from arborank.transformer.encoders.trust import (
    FILES,
    check_modules,
    check_settings,
    check_shards,
    without_code,
)

# ------------------------------------------------------------------ without the extra


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"auto_map": {"AutoModel": "evil.Model"}},
            r"config asks to run code that comes with it \(auto_map\)",
        ),
        ({"auto_map": ["evil.Tokenizer", None]}, "asks to run code"),
        ({"auto_map": None}, "asks to run code"),
        ({"text_config": {"auto_map": {}}}, "asks to run code"),
        ({"parts": [{"deep": [{"auto_map": {}}]}]}, "asks to run code"),
        (
            {"attn_implementation": "evil/kernel"},
            "asks for attn_implementation 'evil/kernel'; expected one of eager",
        ),
        ({"_attn_implementation": "evil/kernel"}, "asks for _attn_implementation"),
        ({"attn_implementation": ["eager"]}, "asks for attn_implementation"),
        ({"experts_implementation": "evil/kernel"}, "asks for experts_implementation"),
        ({"vocab_file": "/etc/passwd"}, "names a file by its path .*'/etc/passwd'"),
        ({"tokenizer_file": "../../secret"}, "names a file by its path"),
    ],
)
def test_settings_that_ask_for_code(settings, message):
    with pytest.raises(ValueError, match=message):
        check_settings(settings, "config")


def test_settings_that_ask_for_nothing():
    check_settings({"model_type": "bert", "attn_implementation": "sdpa", "vocab_file": None}, "config")
    check_settings({"special_tokens_map_file": "/home/someone/special_tokens_map.json"}, "config")
    check_settings(None, "config")
    check_settings([], "config")


def test_settings_without_code():
    assert without_code('{"a": 1}') == '{"a": 1}'
    assert json.loads(without_code('{"a": "é", "auto_map": {"AutoModel": "evil.Model"}}')) == {"a": "é"}


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            {"type": "joblib.numpy_pickle", "path": ""},
            "asks for 'joblib.numpy_pickle', which is not of sentence",
        ),
        ({"type": "sentence_transformersevil.Model", "path": ""}, "which is not of sentence-transformers"),
        ({"type": "sentence_transformers.models.Pooling", "path": "../1_Pooling"}, "leads elsewhere"),
        ({"type": "sentence_transformers.models.Pooling", "path": "a/../../b"}, "leads elsewhere"),
        ({"type": "sentence_transformers.models.Pooling", "path": "/tmp"}, "leads elsewhere"),
        ({"type": "sentence_transformers.models.Pooling", "path": "a\\b"}, "leads elsewhere"),
        ({"type": 5, "path": ""}, "does not list modules by type and path"),
        ("module", "does not list modules by type and path"),
    ],
)
def test_modules_that_lead_elsewhere(module, message):
    with pytest.raises(ValueError, match=f"^encoder: modules.json .*{message}"):
        check_modules([module], "encoder")


@pytest.mark.parametrize(
    "name", ["../model.safetensors", "/m.safetensors", "pytorch_model.bin", 5, "a\\b.safetensors"]
)
def test_shards_that_lead_elsewhere(name):
    with pytest.raises(ValueError, match=r"a \.safetensors file beside it was expected"):
        check_shards({"weight_map": {"a": name}}, "encoder")


def test_shards():
    check_shards({"weight_map": {"a": "model-00001-of-00002.safetensors"}}, "encoder")
    for index in ({}, [], {"weight_map": []}):
        with pytest.raises(ValueError, match="has no weight_map"):
            check_shards(index, "encoder")


def test_no_file_of_a_saved_encoder_is_a_program():
    endings = {Path(name).suffix for name in FILES}
    assert endings <= {".json", ".txt", ".model", ".codes"}


def test_every_loading_says_that_it_trusts_nothing():
    """A prompt on the standard input is one forgotten argument away."""
    source = Path(arborank.__file__).parent
    calls = 0
    for path in source.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for call in re.finditer(r"Auto\w+\.(?:from_pretrained|from_config)\(|SentenceTransformer\(str", text):
            near = text[max(call.start() - 900, 0) : call.start() + 400]
            assert re.search(r"trust_remote_code\"?(=|: )False", near), f"{path}: {call[0]}"
            calls += 1
        assert "torch.load" not in text
    assert calls >= 7


def sequence(*parts, of="normalizers"):
    return {"type": "Sequence", of: list(parts)}


def replace(pattern, content, how="String"):
    return {"type": "Replace", "pattern": {how: pattern}, "content": content}


def template(**settings):
    text, end = {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[E]", "type_id": 0}}
    ends = {"[E]": {"id": "[E]", "ids": [0], "tokens": ["[E]"]}}
    own = {"single": [end, text, end], "pair": [text, text], "special_tokens": ends}
    return {"type": "TemplateProcessing", **own, **settings}


PIECE = {"Sequence": {"id": "A", "type_id": 0}}
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
META = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
SPACES = replace(" {2,}", " ", "Regex")
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def charsmap(longest):
    """A table of characters as SentencePiece writes it, its search tree left out."""
    content = (0).to_bytes(4, "little") + b"a\0" + longest.encode() + b"\0"
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(content).decode()}


@pytest.mark.parametrize(
    ("components", "message"),
    [
        (
            {"normalizer": sequence(*[replace("a", "a" * 1000)] * 4)},
            "4096 times as long, by its normalizer Rep",
        ),
        ({"normalizer": sequence(*[sequence(*[replace("a", "aa")] * 4)] * 4)}, "4096 times as long"),
        ({"normalizer": sequence(*[replace("", "a")] * 13)}, "4096 times as long"),
        ({"normalizer": sequence(*[replace("(.*)", "$1$1", "Regex")] * 13)}, "4096 times as long"),
        ({"normalizer": sequence(*[replace("a", "\ufdfa"), {"type": "NFKD"}] * 4)}, "4096 times as long"),
        ({"normalizer": sequence(*[{"type": "Prepend", "prepend": "a" * 99}] * 2)}, "4096 times as long"),
        ({"normalizer": charsmap("a" * 5000)}, "4096 times as long, by its normalizer Precompiled"),
        ({"pre_tokenizer": sequence(*[BYTES] * 9, of="pretokenizers")}, "by its pre_tokenizer ByteLevel"),
        ({"pre_tokenizer": sequence(*[META] * 13, of="pretokenizers")}, "by its pre_tokenizer Metaspace"),
        ({"pre_tokenizer": {"type": "FixedLength", "length": 0}}, "length is less than 1"),
        ({"normalizer": sequence(*[{"type": "Strip"}] * 64)}, "has 65 components; at most 64"),
        ({"normalizer": {"type": "Evil"}}, "asks for a normalizer 'Evil'; known are BertNormalizer"),
        ({"normalizer": {"pattern": {"String": "a"}, "content": "aa"}}, "asks for a normalizer None"),
        (
            {"normalizer": {"type": "Replace", "pattern": "a", "content": "b"}},
            "wrong settings",
        ),
        ({"pre_tokenizer": []}, "asks for a pre_tokenizer None"),
        ({"post_processor": template(single=[PIECE] * 2)}, "template that repeats the text"),
        ({"post_processor": template(single=[{"SpecialToken": {"id": "[E]"}}] * 17)}, "more than 16 pieces"),
        ({"post_processor": template(special_tokens={"a": {"ids": [0] * 17}})}, "more than 16 ids"),
        ({"post_processor": {"type": "BertProcessing", "sep": ["a" * 257, 0]}}, "a token of more than 256"),
        ({"model": {"unk_token": "a" * 257}}, "unk_token is of 257 characters"),
        ({"model": {"continuing_subword_prefix": "a" * 257}}, "continuing_subword_prefix is of 257"),
        ({"model": {"max_input_chars_per_word": 10**9}}, "max_input_chars_per_word is 1000000000"),
    ],
)
def test_tokenizers_that_make_texts_long(components, message):
    with pytest.raises(ValueError, match=f"^tokenizer.*{message}"):
        check_components(components, "tokenizer")


@pytest.mark.parametrize(
    "components",
    [
        {},
        {"normalizer": None, "pre_tokenizer": None, "post_processor": None, "model": None},
        {  # BERT
            "normalizer": {"type": "BertNormalizer", "lowercase": True},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": template(),
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "max_input_chars_per_word": 100},
        },
        {"pre_tokenizer": BYTES, "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 2]}},
        {"normalizer": sequence({"type": "Prepend", "prepend": "▁"}, replace(" ", "▁"))},  # Llama 2
        {  # Qwen
            "normalizer": {"type": "NFC"},
            "pre_tokenizer": sequence(
                {"type": "Split", "pattern": {"Regex": GPT2}, "behavior": "Isolated", "invert": False},
                {**BYTES, "use_regex": False},
                of="pretokenizers",
            ),
            "post_processor": BYTES,
        },
        {  # XLNet
            "normalizer": sequence(
                replace("``", '"'),
                replace("''", '"'),
                *({"type": kind} for kind in ("NFKD", "StripAccents", "Lowercase")),
                charsmap("صلى الله عليه وسلم"),
                SPACES,
            ),
            "pre_tokenizer": META,
        },
        {  # XLM-R, mT5
            "normalizer": sequence(
                charsmap("صلى الله عليه وسلم"), replace(r"\s{2,}|[\n\r\t]", " ", "Regex"), SPACES
            ),
            "pre_tokenizer": sequence({"type": "WhitespaceSplit"}, META, of="pretokenizers"),
        },
        {  # CLIP
            "normalizer": sequence({"type": "NFC"}, replace(r"\s+", " ", "Regex"), {"type": "Lowercase"}),
            "pre_tokenizer": sequence(
                {"type": "Split", "pattern": {"Regex": GPT2}, "behavior": "Removed", "invert": True},
                BYTES,
                of="pretokenizers",
            ),
        },
    ],
)
def test_tokenizers_of_well_known_encoders(components):
    check_components(components, "tokenizer")
    check_tokenizer_file(json.dumps(components), "tokenizer")


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "Expecting"), ("[]", "no JSON object"), ('{"normalizer": 5, "normalizer": null}', "there twice")],
)
def test_files_of_tokenizers_that_say_two_things(content, message):
    with pytest.raises(ValueError, match=message):
        check_tokenizer_file(content, "encoder")


# ------------------------------------------------------------------ with it


@pytest.fixture
def no_questions(monkeypatch):
    def ask(*prompt):
        raise AssertionError(f"asked {prompt}")

    monkeypatch.setattr(builtins, "input", ask)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = Tokenizer(models.WordLevel({w: i for i, w in enumerate(["[PAD]", "[UNK]", "a", "b"])}, "[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    place = tmp_path_factory.mktemp("encoder")
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", model_max_length=16
    ).save_pretrained(place)
    config = transformers.BertConfig(
        vocab_size=4,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=16,
    )
    torch.manual_seed(0)
    transformers.BertModel(config).save_pretrained(place)
    return place


EVIL = """
open({!r}, "w").close()
from transformers import *

class Evil(BertModel): pass
class EvilConfig(BertConfig): pass
"""


def changed(folder, target, file, **settings):
    shutil.copytree(folder, target)
    path = target / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))
    (target / "evil.py").write_text(EVIL.format(str(target.parent / "ran")))
    return target


AUTO_MAP = {
    "AutoConfig": "evil.EvilConfig",
    "AutoModel": "evil.Evil",
    "AutoTokenizer": ["evil.Evil", "evil.Evil"],
}


@pytest.mark.parametrize("model_type", ["bert", "evil"])
@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_a_folder_that_brings_code(folder, tmp_path, no_questions, file, model_type):
    from arborank.transformer import Encoder

    settings = {"auto_map": AUTO_MAP} | ({"model_type": model_type} if file == "config.json" else {})
    place = changed(folder, tmp_path / "evil", file, **settings)
    with pytest.raises(ValueError, match=f"evil': {file} asks to run code that comes with it"):
        Encoder.load(place)
    assert not (tmp_path / "ran").exists()


def test_a_kind_that_is_not_known(folder, tmp_path, no_questions):
    from arborank.transformer import Encoder

    with pytest.raises(ValueError, match="holds no encoder that Transformers can read"):
        Encoder.load(changed(folder, tmp_path / "evil", "config.json", model_type="evil"))


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "model.pt", "model.pth", "pytorch_model.bin.index.json"]
)
def test_weights_that_are_a_pickle(folder, tmp_path, no_questions, name):
    from arborank.transformer import Encoder

    place = shutil.copytree(folder, tmp_path / "evil")
    (place / "model.safetensors").unlink()
    content = pickle.dumps({"a": Evil(str(tmp_path / "ran"))})
    (place / name).write_bytes(b'{"weight_map": {"a": "x.bin"}}' if name.endswith(".json") else content)
    (place / "x.bin").write_bytes(content)
    with pytest.raises(ValueError, match=r"cannot be loaded.*safetensors"):
        Encoder.load(place)
    assert not (tmp_path / "ran").exists()


def test_a_folder_whose_parts_lie_elsewhere(folder, tmp_path):
    from arborank.transformer import Encoder

    place = shutil.copytree(folder, tmp_path / "evil")
    module = {"type": "sentence_transformers.models.Transformer", "path": "../other"}
    (place / "modules.json").write_text(json.dumps([module]))
    with pytest.raises(ValueError, match=r"modules.json names the path '../other', which leads elsewhere"):
        Encoder.load(place)
    (place / "modules.json").unlink()
    (place / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../x.safetensors"}}))
    with pytest.raises(ValueError, match=r"a \.safetensors file beside it was expected"):
        Encoder.load(place)


def test_a_sentence_model_that_calls_a_function(folder, tmp_path, no_questions):
    pytest.importorskip("sentence_transformers")
    from arborank.transformer import text_embeddings

    place = shutil.copytree(folder, tmp_path / "evil")
    (place / "modules.json").write_text(
        json.dumps([{"idx": 0, "name": "0", "type": "joblib.numpy_pickle", "path": "evil.pkl"}])
    )
    (place / "evil.pkl").write_bytes(pickle.dumps(Evil(str(tmp_path / "ran"))))
    with pytest.raises(ValueError, match=r"asks for 'joblib\.numpy_pickle'"):
        text_embeddings(["a b"], place)
    assert not (tmp_path / "ran").exists()


class Stranger:
    """Saves an encoder whose state was changed, as a stranger with the right checksums would."""

    def __init__(self, encoder, change):
        from arborank.core.state import State

        state = encoder.to_state()
        self.config, self.arrays = json.loads(json.dumps(state.config)), dict(state.arrays)
        change(self)
        self.state = State(self.config, self.arrays)

    def files(self):
        return {name: f"f{i}" for i, name in enumerate(self.config["files"])}

    def put(self, name, content):
        where = self.files().get(name, f"f{len(self.config['files'])}")
        if name not in self.config["files"]:
            self.config["files"].append(name)
        self.arrays[where] = np.frombuffer(content, np.uint8)

    def settings(self, name, **settings):
        found = json.loads(self.arrays[self.files()[name]].tobytes())
        self.put(name, json.dumps({**found, **settings}).encode())

    def rename(self, name, other):
        self.config["files"][self.config["files"].index(name)] = other

    def drop(self, name):
        number = self.config["weights"].index(name)
        self.config["weights"].pop(number)
        rest = [self.arrays.pop(f"w{i}") for i in range(len(self.config["weights"]) + 1)]
        rest.pop(number)
        self.arrays |= {f"w{i}": value for i, value in enumerate(rest)}


def loaded_of(folder, place, change, monkeypatch):
    from arborank.transformer import Encoder

    encoder = Encoder.load(folder)
    stranger = Stranger(encoder, change)
    with monkeypatch.context() as patched:
        patched.setattr(Encoder, "to_state", lambda self: stranger.state)
        save(encoder, place)
    return arborank.load(place)


CHANGES = {
    "auto_map": (lambda s: s.settings("config.json", auto_map=AUTO_MAP), "config.json asks to run code"),
    "auto_map of an unknown kind": (
        lambda s: s.settings("config.json", auto_map=AUTO_MAP, model_type="evil"),
        "config.json asks to run code",
    ),
    "tokenizer's auto_map": (
        lambda s: s.settings("tokenizer_config.json", auto_map=AUTO_MAP),
        "tokenizer_config.json asks to run code",
    ),
    "kernel": (lambda s: s.settings("config.json", attn_implementation="evil/kernel"), "asks for attn_impl"),
    "vocabulary elsewhere": (
        lambda s: s.settings("tokenizer_config.json", vocab_file="/etc/passwd"),
        "names a file by its path",
    ),
    "program": (lambda s: s.put("evil.py", b"import os"), r"has a file 'evil\.py'; known are"),
    "pickle": (lambda s: s.put("pytorch_model.bin", b"x"), r"has a file 'pytorch_model\.bin'; known are"),
    "adapter": (lambda s: s.put("adapter_config.json", b"{}"), "has a file 'adapter_config.json'"),
    "template": (lambda s: s.put("chat_template.jinja", b"{{ x }}"), "has a file 'chat_template.jinja'"),
    "outside": (lambda s: s.put("../../evil.json", b"{}"), "has a file '../../evil.json'"),
    "absolute": (lambda s: s.put("/tmp/config.json", b"{}"), "has a file '/tmp/config.json'"),
    "folder": (lambda s: s.put("a/config.json", b"{}"), "has a file 'a/config.json'"),
    "no config": (lambda s: s.rename("config.json", "dict.txt"), "lacks 'config.json'"),
    "unknown kind": (lambda s: s.settings("config.json", model_type="evil"), "evil"),
    "not JSON": (lambda s: s.put("config.json", b"{"), "Expecting property name"),
    "not a tokenizer": (lambda s: s.put("tokenizer.json", b'{"version": 5}'), "Encoder"),
    "endless": (lambda s: s.settings("config.json", num_hidden_layers=10**12), "has 1000000000000 layers, but"),
    "wide": (lambda s: s.settings("config.json", hidden_size=10**7), "is of shape .*, but config.json makes it"),
    "words": (
        lambda s: (
            s.settings("config.json", vocab_size=10**11),
            s.drop("embeddings.word_embeddings.weight"),
        ),
        "most of whose weights are not there",
    ),
    "lacking": (lambda s: s.drop("encoder.layer.0.output.dense.bias"), "weights differ by name"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_saved_encoder_of_a_stranger(folder, tmp_path, monkeypatch, no_questions, name):
    change, message = CHANGES[name]
    with pytest.raises(ValueError, match=message):
        loaded_of(folder, tmp_path / "model", change, monkeypatch)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def test_a_saved_encoder_of_a_friend(folder, tmp_path, monkeypatch, no_questions):
    from arborank.transformer import Encoder

    encoder = loaded_of(folder, tmp_path / "model", lambda s: None, monkeypatch)
    right = Encoder.load(folder)
    assert encoder.tokenize(["a b c"]) == right.tokenize(["a b c"])
    assert all(np.array_equal(value, encoder.weights()[name]) for name, value in right.weights().items())


LONG = sequence(*[replace("a", "a" * 1000)] * 4)
ENDLESS = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}


def test_a_tokenizer_that_makes_texts_long(folder, tmp_path, monkeypatch):
    from arborank.transformer import Encoder
    from arborank.transformer.encoders.finding import sentence_modules

    place = changed(folder, tmp_path / "evil", "tokenizer.json", normalizer=LONG)
    for load in (Encoder.load, sentence_modules):  # the second is what `text_embeddings` asks first
        with pytest.raises(ValueError, match="4096 times as long"):
            load(str(place))
    with pytest.raises(ValueError, match="4096 times as long"):
        loaded_of(
            folder, tmp_path / "model", lambda s: s.settings("tokenizer.json", normalizer=LONG), monkeypatch
        )


def test_a_tokenizer_whose_expression_takes_too_long(folder, tmp_path, monkeypatch):
    encoder = loaded_of(
        folder, tmp_path / "model", lambda s: s.settings("tokenizer.json", pre_tokenizer=ENDLESS), monkeypatch
    )
    texts = ["a"] * 1030 + ["a" * 28 + "b"]
    with pytest.raises(ValueError, match=r"^texts\[1030\]: the encoder's tokenizer \(\w+\) failed: .*retry"):
        encoder.cache(texts)
    with pytest.raises(ValueError, match=r"^texts\[1\]: "):
        encoder.tokenize(texts[-2:])
    assert encoder.tokenize(["a"]) == ([[2]], 0)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_none_of_the_tokenizers_errors(folder, monkeypatch, error):
    from arborank.transformer import Encoder

    encoder = Encoder.load(folder)

    def stop(*arguments, **settings):
        raise error

    monkeypatch.setattr(encoder, "tokenizer", stop)
    with pytest.raises(error):
        encoder.tokenize(["a"])


def test_loading_asks_no_hub(folder, tmp_path, monkeypatch, no_questions):
    import socket

    from arborank.transformer import Encoder

    def connect(*arguments):
        raise AssertionError("a saved model needs no network")

    Encoder.load(folder).save(tmp_path / "model")
    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    assert arborank.load(tmp_path / "model").tokenize(["a"])


def test_code_is_not_passed_on(folder, tmp_path):
    """Of an encoder that Transformers came to know later, the settings still ask for its old code."""
    from arborank.transformer import Encoder

    encoder = Encoder.load(folder)
    encoder.config.auto_map = AUTO_MAP
    encoder.tokenizer.init_kwargs["auto_map"] = AUTO_MAP
    encoder.save(tmp_path / "model")
    arborank.load(tmp_path / "model")
    encoder.save_pretrained(tmp_path / "out")
    Encoder.load(tmp_path / "out")


def test_classes_of_ones_own_are_refused_when_saved(folder, tmp_path):
    import transformers

    from arborank.transformer import Encoder

    class OwnTokenizer(transformers.PreTrainedTokenizerFast):
        pass

    class OwnModel(transformers.BertModel):
        pass

    module = transformers.AutoModel.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    own = OwnTokenizer(tokenizer_object=tokenizer.backend_tokenizer, pad_token="[PAD]", model_max_length=16)
    with pytest.raises(
        TypeError, match="tokenizer is a OwnTokenizer, a class that Transformers does not have"
    ):
        Encoder(module, own).save(tmp_path / "a")
    with pytest.raises(
        TypeError, match="module is a OwnModel, which AutoModel does not make of a BertConfig"
    ):
        Encoder(OwnModel(module.config), tokenizer).save(tmp_path / "b")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["encoder.onnx", "encoder.onnx.data"])
@pytest.mark.parametrize("kind", ["file", "link", "dangling link"])
def test_an_export_writes_through_no_link(folder, tmp_path, name, kind):
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    from arborank.transformer import Encoder
    from arborank.transformer.encoders.accelerated import export_onnx

    other = tmp_path / "other"
    if kind != "dangling link":
        other.write_text("precious")
    if kind == "file":
        shutil.copy(other, tmp_path / name)
    else:
        os.symlink(other, tmp_path / name)
    with pytest.raises(FileExistsError, match=f"{name} exists; give a new file"):
        export_onnx(Encoder.load(folder), tmp_path / "encoder.onnx")
    assert kind == "dangling link" or other.read_text() == "precious"
    assert other.exists() == (kind != "dangling link")
