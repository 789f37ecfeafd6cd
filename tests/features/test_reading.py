"""Tokenizers, preprocessors and analyzers of the user's."""

import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer

import arborank
from arborank import NgramTfidf, TextFeatures, TextRanker
from arborank.features import TokenModel, register
from arborank.features.batches import map_texts

TEXTS = ["Red apple,pear", "Green apple", "fast car,red car", "old car"] * 5


def at_commas(text):
    return text.split(",")


def backwards(text):
    return text[::-1]


register("test-commas", at_commas)
register("test-backwards", backwards)


@pytest.mark.parametrize("ngram_range", [(1, 1), (1, 2)])
def test_a_tokenizer_gives_what_scikit_learn_makes_of_it(ngram_range):
    ours = NgramTfidf(tokenizer=at_commas, ngram_range=ngram_range, normalization=None)
    theirs = TfidfVectorizer(tokenizer=at_commas, token_pattern=None, ngram_range=ngram_range)
    rows, expected = ours.fit_transform(TEXTS), theirs.fit_transform(TEXTS)
    assert [name.replace("_", " ") for name in ours.get_feature_names_out()] == list(
        theirs.get_feature_names_out()
    )
    assert abs(rows - expected).max() < 1e-6
    assert abs(ours.transform(TEXTS) - expected).max() < 1e-6


def test_an_analyzer_gives_terms_as_they_are():
    features = NgramTfidf(analyzer="test-commas").fit(TEXTS)
    assert "Red_apple" in features.get_feature_names_out()
    assert features.analyze("A b,c") == ["A_b", "c"]


def test_a_preprocessor_comes_first():
    assert NgramTfidf(preprocessor=backwards).analyze("abc de") == ["ed", "cba"]
    both = NgramTfidf(preprocessor="test-backwards", tokenizer="test-commas")
    assert both.analyze("ab,cd") == ["dc", "ba"]


def test_parts_read_in_their_own_way(tmp_path):
    parts = [NgramTfidf(tokenizer=at_commas), NgramTfidf(analyzer="char_wb", ngram_range=(3, 3))]
    features = TextFeatures(parts=parts)
    rows = features.fit_transform(TEXTS)
    alone = [part.fit_transform(TEXTS) for part in parts]
    widths = [one.shape[1] for one in alone]
    assert rows.shape[1] == sum(widths)
    assert abs(rows[:, : widths[0]] * np.sqrt(2) - alone[0]).max() < 1e-6
    ranker = TextRanker(features).fit(TEXTS, [["a"], ["b"], ["c"], ["d"]] * 5)
    ranker.save(tmp_path / "model")
    same = arborank.load(tmp_path / "model")
    assert same.features_.parts[0].tokenizer == "test-commas"
    assert same.rank_batch(TEXTS, 2) == ranker.rank_batch(TEXTS, 2)
    assert clone(features).parts[0].tokenizer is at_commas


def test_a_name_that_is_not_registered_where_a_model_is_opened(tmp_path, monkeypatch):
    register("test-gone", at_commas)
    TextRanker(NgramTfidf(tokenizer="test-gone")).fit(TEXTS, ["a", "b", "c", "d"] * 5).save(
        tmp_path / "model"
    )
    monkeypatch.delitem(arborank.features.reading._REGISTERED, "test-gone")
    with pytest.raises(ValueError, match=r"tokenizer is 'test-gone', a name that is not registered here"):
        arborank.load(tmp_path / "model")


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"tokenizer": str.split}, ValueError, "tokenizer is the function 'split', which is not registered"),
        ({"analyzer": lambda text: [text]}, ValueError, "analyzer is the function '<lambda>'"),
        ({"tokenizer": "nowhere"}, ValueError, "tokenizer is 'nowhere', a name that is not registered"),
        ({"tokenizer": 3}, TypeError, "tokenizer must be a function or the name of one, found 3"),
        (
            {"tokenizer": at_commas, "analyzer": "char"},
            ValueError,
            "tokenizer is given, which needs analyzer='word'",
        ),
        ({"tokenizer": at_commas, "tokens": "word1"}, ValueError, "the default of tokens"),
        ({"analyzer": at_commas, "ngram_range": (1, 2)}, ValueError, "analyzer is a function"),
        (
            {"analyzer": "words"},
            ValueError,
            "analyzer must be one of 'word', 'char', 'char_wb' or a registered name",
        ),
        ({"tokenizer": "simplemma:xx"}, (ValueError, ImportError), "simplemma"),
    ],
)
def test_what_cannot_be_saved_is_refused_before_training(params, error, message):
    with pytest.raises(error, match=message):
        TextRanker(NgramTfidf(**params)).fit(TEXTS, ["a"] * 20)


@pytest.mark.parametrize(
    ("function", "role", "message"),
    [
        (lambda text: text, "tokenizer", "tokenizer must return a list of str, found str"),
        (lambda text: [text, 3], "analyzer", "analyzer must return a list of str, found 3 in it"),
        (lambda text: 3, "tokenizer", "tokenizer must return a list of str, found int"),
        (lambda text: [text], "preprocessor", "preprocessor must return a str, found list"),
    ],
)
def test_what_functions_must_return(function, role, message):
    register("test-wrong", function)
    with pytest.raises(TypeError, match=message):
        NgramTfidf(**{role: "test-wrong"}).fit(TEXTS)


def test_names():
    for name in ("word", "a b", "", 3, "simplemma:fi"):
        with pytest.raises(ValueError, match="name must be letters"):
            register(name, at_commas)
    with pytest.raises(TypeError, match="function must be callable"):
        register("test-none", None)


def test_many_texts_in_several_processes():
    texts = [f"text {number}\u2028é\ud800" for number in range(9000)]
    expected = [backwards(text) for text in texts]
    for n in (1, 2, 3):
        assert map_texts(lambda some: [backwards(text) for text in some], texts, n) == expected

    def fails(some):
        if "text 8000" in some[-1] or "text 8999" in some[-1]:
            raise RuntimeError("no such text")
        return list(some)

    with pytest.raises(RuntimeError, match="no such text"):
        map_texts(fails, texts, 3)


def test_lemmas():
    pytest.importorskip("simplemma")
    assert NgramTfidf(tokenizer="simplemma:fi").analyze("Kirjastoissa on kirjoja") == [
        "kirjasto",
        "olla",
        "kirja",
    ]


def test_stop_words_of_a_language():
    pytest.importorskip("stop_words")
    features = NgramTfidf(stop_words="finnish").fit(["minä ja omena", "hän ja auto"] * 3)
    assert features.get_feature_names_out().tolist() == ["auto", "omena"]
    with pytest.raises(ValueError, match="stop_words must be a language"):
        NgramTfidf(stop_words="klingon").fit(TEXTS)


def test_a_learned_tokenizer_is_saved(tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    learned = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="?"))
    learned.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    learned.train_from_iterator(TEXTS, tokenizers.trainers.BpeTrainer(vocab_size=40, special_tokens=["?"]))
    learned.save(str(tmp_path / "tokenizer.json"))
    model = TokenModel.load(tmp_path / "tokenizer.json")
    assert model("fast car") == learned.encode("fast car").tokens
    ranker = TextRanker(NgramTfidf(tokenizer=model)).fit(TEXTS, ["a", "b", "c", "d"] * 5)
    ranker.save(tmp_path / "model")
    same = arborank.load(tmp_path / "model")
    assert same.rank_batch(TEXTS, 2) == ranker.rank_batch(TEXTS, 2)
    assert same.features_.tokenizer == model


@pytest.mark.subprocess
def test_a_function_takes_its_name_to_other_processes():
    """As scikit-learn's searches do, whose processes have registered nothing."""
    from joblib.externals.loky.backend.reduction import dumps  # how joblib sends things

    split = register("test-carried", lambda text: text.split("-"))
    sent = bytes(dumps(NgramTfidf(tokenizer=split)))
    script = (
        "import pickle, sys; words = pickle.load(sys.stdin.buffer).fit(['a-b c']);"
        "print(*words.get_feature_names_out(), words.to_state().config['tokenizer'])"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], input=sent, env=environment, capture_output=True, check=True
    )
    assert done.stdout.decode().split() == ["a", "b_c", "test-carried"]


def test_sentencepiece(tmp_path):
    spm = pytest.importorskip("sentencepiece")
    options = {"vocab_size": 40, "hard_vocab_limit": False, "minloglevel": 2}
    spm.SentencePieceTrainer.train(sentence_iterator=iter(TEXTS), model_prefix=str(tmp_path / "m"), **options)
    model = TokenModel.load(tmp_path / "m.model")
    assert "".join(model("fast car")).replace("▁", " ").strip() == "fast car"
    assert NgramTfidf(tokenizer=model).fit_transform(TEXTS).shape[0] == 20


def test_what_is_no_learned_tokenizer():
    for kind in ("tokenizers", "sentencepiece"):
        pytest.importorskip(kind)
        with pytest.raises(ValueError, match=f"content is no tokenizer that {kind} can read"):
            TokenModel(b"nothing", kind)
    with pytest.raises(ValueError, match="kind must be"):
        TokenModel(b"", "other")
