"""NgramTfidf against scikit-learn's TfidfVectorizer."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer

from arborank import NgramTfidf
from arborank.core.state import State
from support import tfidf as reference
from support.texts import TEXTS, random_texts, same_bytes

pytestmark = pytest.mark.filterwarnings("ignore:.*(have no term|without spaces):UserWarning")

TOKENIZERS = {
    "word2": lambda text: reference.words(text, 2),
    "word1": lambda text: reference.words(text, 1),
    "whitespace": str.split,
    "scikit-learn": TfidfVectorizer().build_tokenizer(),
}

PARAMS = st.fixed_dictionaries(
    {
        "analyzer": st.sampled_from(["word", "char", "char_wb"]),
        "ngram_range": st.tuples(st.integers(1, 4), st.integers(0, 3)).map(lambda p: (p[0], p[0] + p[1])),
        "lowercase": st.booleans(),
        "strip_accents": st.sampled_from([None, "unicode", "ascii"]),
        "normalization": st.sampled_from(["NFC", None]),
        "min_df": st.sampled_from([1, 2, 3, 0.0, 0.2]),
        "max_df": st.sampled_from([1.0, 0.9, 0.5, 3]),
        "binary": st.booleans(),
        "norm": st.sampled_from(["l1", "l2", None]),
        "use_idf": st.booleans(),
        "smooth_idf": st.booleans(),
        "sublinear_tf": st.booleans(),
    }
)


def assert_same_as_sklearn(texts, params, tokens="word2", new_texts=()):
    common = {name: value for name, value in params.items() if name not in ("normalization", "strip_accents")}
    spelling = {
        name: params[name] for name in ("lowercase", "normalization", "strip_accents") if name in params
    }
    tokenizer = TOKENIZERS[tokens] if params["analyzer"] == "word" else None
    theirs = TfidfVectorizer(
        **common,
        preprocessor=lambda text: reference.prepare(text, **spelling),
        tokenizer=tokenizer,
        token_pattern=None,
    )
    ours = NgramTfidf(**params, tokens=tokens, n_jobs=2)
    try:
        expected = theirs.fit_transform(texts)
    except ValueError:
        with pytest.raises(ValueError, match=r"n-gram|min_df"):
            ours.fit(texts)
        return
    found = ours.fit_transform(texts)
    assert ours.get_feature_names_out().tolist() == theirs.get_feature_names_out().tolist()
    assert found.dtype == np.float32
    assert found.has_canonical_format
    np.testing.assert_allclose(found.toarray(), expected.toarray(), atol=1e-6)
    assert same_bytes(found, ours.transform(texts))
    if params["use_idf"]:
        np.testing.assert_allclose(ours.idf_, theirs.idf_, rtol=1e-14)
    if len(new_texts):
        found, expected = ours.transform(new_texts), theirs.transform(new_texts)
        np.testing.assert_allclose(found.toarray(), expected.toarray(), atol=1e-6)


@settings(max_examples=300, deadline=None)
@given(TEXTS, PARAMS, TEXTS)
def test_equal_to_sklearn(texts, params, new_texts):
    assert_same_as_sklearn(texts, params, new_texts=new_texts)


@settings(max_examples=60, deadline=None)
@given(TEXTS, PARAMS, st.sampled_from(["word1", "whitespace", "scikit-learn"]))
def test_other_tokens_equal_token_patterns(texts, params, tokens):
    assert_same_as_sklearn(texts, {**params, "analyzer": "word"}, tokens)


@settings(max_examples=200, deadline=None)
@given(TEXTS, PARAMS)
def test_equal_to_sklearn_alone(texts, params):
    """With these options nothing of the reference is needed."""
    params = {**params, "strip_accents": None}
    del params["normalization"]
    tokens = "scikit-learn" if params["analyzer"] == "word" else "word2"
    ours, theirs = NgramTfidf(**params, tokens=tokens, normalization=None), TfidfVectorizer(**params)
    try:
        expected = theirs.fit_transform(texts)
    except ValueError:
        with pytest.raises(ValueError, match=r"n-gram|min_df"):
            ours.fit(texts)
        return
    np.testing.assert_allclose(ours.fit_transform(texts).toarray(), expected.toarray(), atol=1e-6)
    assert ours.get_feature_names_out().tolist() == theirs.get_feature_names_out().tolist()


@pytest.mark.parametrize("analyzer", ["word", "char", "char_wb"])
def test_equal_to_sklearn_on_more_texts(analyzer):
    params = {"analyzer": analyzer, "ngram_range": (1, 3), "min_df": 2, "use_idf": True, "sublinear_tf": True}
    assert_same_as_sklearn(random_texts(700), params, new_texts=random_texts(300, seed=1))


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.integers(1, 12), st.booleans(), st.sampled_from(["word", "char_wb"]))
def test_max_features_keeps_the_most_frequent(texts, limit, binary, analyzer):
    tokens = "word1" if analyzer == "word" else "word2"
    ours = NgramTfidf(analyzer=analyzer, tokens=tokens, ngram_range=(1, 2))
    counts = Counter()
    for text in texts:
        counts.update(set(ours.analyze(text)) if binary else ours.analyze(text))
    expected = sorted(sorted(counts, key=lambda term: (-counts[term], term))[:limit])
    if expected:
        ours.set_params(max_features=limit, binary=binary).fit(texts)
        assert ours.get_feature_names_out().tolist() == expected


def test_max_features_equals_sklearn_without_ties():
    texts = ["a1 " * n + "b2 " * (n // 2) + f"c{n} " * (3 * n) for n in range(1, 30)]
    ours = NgramTfidf(max_features=9).fit(texts)
    theirs = TfidfVectorizer(max_features=9).fit(texts)
    assert ours.get_feature_names_out().tolist() == theirs.get_feature_names_out().tolist()


@pytest.mark.parametrize("stop_words", [["the", "äiti"], "english"])
def test_stop_words(stop_words):
    texts = ["The cat and the äiti sat", "and then a dog THE end"]
    ours = NgramTfidf(stop_words=stop_words, ngram_range=(1, 2)).fit(texts)
    theirs = TfidfVectorizer(stop_words=stop_words, ngram_range=(1, 2)).fit(texts)
    assert ours.get_feature_names_out().tolist() == theirs.get_feature_names_out().tolist()


@pytest.mark.parametrize("analyzer", ["word", "char_wb"])
def test_same_bytes_for_any_number_of_threads(analyzer):
    texts = random_texts(1500)
    params = {"analyzer": analyzer, "ngram_range": (1, 3), "max_features": 500, "sublinear_tf": True}
    reference = NgramTfidf(**params, n_jobs=1)
    rows = reference.fit_transform(texts)
    for n_jobs in (2, 7):
        other = NgramTfidf(**params, n_jobs=n_jobs)
        assert same_bytes(other.fit_transform(texts), rows)
        assert same_bytes(other.transform(texts), rows)
        for name, array in reference.to_state().arrays.items():
            assert other.to_state().arrays[name].tobytes() == array.tobytes()


def test_one_text_equals_its_row_in_a_batch():
    texts = random_texts(400)
    features = NgramTfidf(ngram_range=(1, 2))
    rows = features.fit_transform(texts)
    for i in (0, 7, 399):
        assert same_bytes(features.transform([texts[i]]), rows[[i]])


def same_hash():
    """Two words of 16 letters that the hash table cannot tell apart by their hash (``key_of`` of the kernel)."""

    def fold_multiply(a, b):
        product = a * b
        return (product ^ product >> 64) & (2**64 - 1)

    def first_half(word):
        start = 16 * 0x9E3779B97F4A7C15 % 2**64
        return fold_multiply(start ^ int.from_bytes(word, "little"), 0xA0761D6478BD642F)

    rng = np.random.default_rng(0)
    one, difference = b"abcdefgh", 1 << 63
    while difference & 0x8080808080808080:
        other = rng.integers(ord("a"), ord("z"), 8, np.uint8, endpoint=True).tobytes()
        difference = first_half(one) ^ first_half(other)
    visible = range(0x21, 0x7F)
    for d in difference.to_bytes(8, "little"):
        one += bytes([next(c for c in visible if c ^ d in visible)])
        other += bytes([one[-1] ^ d])
    return one.decode(), other.decode()


def test_words_with_the_same_hash_stay_apart():
    one, other = same_hash()
    params = {"norm": None, "use_idf": False, "lowercase": False, "tokens": "whitespace"}
    features = NgramTfidf(**params).fit([f"{one} {other} {other}"])
    assert features.vocabulary_.keys() == {one, other}
    rows = features.transform([one, other, f"{other} {one} {other}"]).toarray()
    columns = [features.vocabulary_[one], features.vocabulary_[other]]
    assert rows[:, columns].tolist() == [[1, 0], [0, 1], [1, 2]]
    alone = NgramTfidf(**params).fit([one])
    assert alone.transform([other, one]).toarray().tolist() == [[0], [1]]
    slots = features.terms_.slots
    assert len(set(slots[slots[:, 0] != 0, 0].tolist())) == 1  # the kernel's hash is the one above


@pytest.mark.parametrize("tokens", list(TOKENIZERS))
@pytest.mark.parametrize("length", range(60, 70))
def test_words_across_the_blocks_of_the_tokeniser(tokens, length):
    """Blocks have 64 bytes; characters of one to four bytes stand on both sides of their ends."""
    endings = ["", "a", "ab", " a", "é", "日本", "\U0001f600", "a é", "é日", "\u2003x", "𝒜"]
    texts = ["b" * length + ending for ending in endings] + [
        "日" * (length // 3) + ending for ending in endings
    ]
    texts += [f"{'b' * (length - 1)} {ending} c{'d' * 62}é" for ending in endings]
    params = {"analyzer": "word", "ngram_range": (1, 2), "use_idf": True}
    assert_same_as_sklearn(texts, params, tokens)
    assert_same_as_sklearn(texts, {**params, "analyzer": "char_wb"})
    assert_same_as_sklearn(texts, {**params, "analyzer": "char", "lowercase": False})


def test_any_iterable_is_read_once():
    texts = random_texts(300)
    rows = NgramTfidf().fit_transform(texts)
    assert same_bytes(NgramTfidf().fit_transform(text for text in texts), rows)
    assert same_bytes(NgramTfidf().fit_transform(np.array(texts, dtype=object)), rows)
    assert same_bytes(NgramTfidf().fit_transform(np.array(texts)), rows)


def test_long_texts_nul_and_newline():
    texts = ["word " * 20_000 + "x" * 50_000, "nul\0byte and\nnew\nline", "é" * 40_000 + " word"]
    params = {"analyzer": "word", "use_idf": True}
    assert_same_as_sklearn(texts, params, "whitespace")
    assert_same_as_sklearn(texts, {**params, "analyzer": "char", "ngram_range": (2, 9)})


@pytest.mark.parametrize("n_rounds", [1, 3])
def test_state_round_trip_is_bit_equal(n_rounds):
    texts = [*random_texts(200), "line\nbreak \ud800 lone"]
    features = NgramTfidf(analyzer="char", ngram_range=(1, 9), min_df=np.int64(1), stop_words=None)
    rows = features.fit_transform(texts)
    for _ in range(n_rounds):
        state = features.to_state()
        arrays = {name: array.copy() for name, array in state.arrays.items()}
        for array in arrays.values():
            array.flags.writeable = False
        features = NgramTfidf.from_state(State(json.loads(json.dumps(state.config)), arrays, {}))
        assert features.terms_.terms is arrays["terms"]
        assert same_bytes(features.transform(texts), rows)
        assert features.get_params()["ngram_range"] == (1, 9)


def test_state_keeps_stop_words_and_absent_idf():
    features = NgramTfidf(stop_words={"the"}, use_idf=False).fit(["the cat", "the dog"])
    state = features.to_state()
    assert json.loads(json.dumps(state.config))["stop_words"] == ["the"]
    assert "idf" not in state.arrays
    again = NgramTfidf.from_state(state)
    assert same_bytes(again.transform(["the the cat"]), features.transform(["the the cat"]))


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("terms", lambda a: a[:-1], "offsets"),
        ("offsets", lambda a: a[:-1], "offsets"),
        ("offsets", lambda a: a[[0, 2, 1, *range(3, len(a))]], "ascend"),
        ("offsets", lambda a: a[:0], "empty"),
        ("slots", lambda a: a[:-1], "slots"),
        ("slots", lambda a: np.ones_like(a), "filled|does not exist"),
        ("slots", lambda a: np.zeros_like(a), "filled"),
        ("idf", lambda a: a[:-1], "idf"),
    ],
)
def test_damaged_state(name, damage, message):
    state = NgramTfidf().fit(["one two three", "four"]).to_state()
    arrays = {**state.arrays, name: np.ascontiguousarray(damage(state.arrays[name]))}
    with pytest.raises(ValueError, match=message):
        NgramTfidf.from_state(State(state.config, arrays, {}))


def test_vocabulary():
    features = NgramTfidf(ngram_range=(1, 2), min_df=1).fit(["red apple", "green apple"])
    assert features.vocabulary_ == {"apple": 0, "green": 1, "green apple": 2, "red": 3, "red apple": 4}


def test_fitting_again_replaces_everything():
    features = NgramTfidf().fit(["one two", "two three"])
    features.transform(["one"])
    features.set_params(use_idf=False).fit(["four"])
    assert not hasattr(features, "idf_")
    assert features.transform(["four one"]).toarray().tolist() == [[1.0]]


def test_texts_without_known_terms_and_no_texts():
    features = NgramTfidf().fit(["one two"])
    assert features.transform(["", "unknown"]).toarray().tolist() == [[0, 0], [0, 0]]
    assert features.transform([]).shape == (0, 2)


def test_not_fitted():
    with pytest.raises(NotFittedError):
        NgramTfidf().get_feature_names_out()
