"""Unions of vectorisers against the parts on their own."""

import json

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.preprocessing import normalize

from arborank import NgramTfidf, TextFeatures
from arborank.core.state import State
from support.texts import random_texts, same_bytes

PARTS = [
    NgramTfidf(ngram_range=(1, 2), sublinear_tf=True, min_df=2),
    NgramTfidf(analyzer="char_wb", ngram_range=(3, 3), max_features=200, norm="l1"),
    NgramTfidf(analyzer="char", ngram_range=(1, 2), lowercase=False, use_idf=False, norm=None),
]


@pytest.mark.parametrize("norm", ["l1", "l2", None])
@pytest.mark.parametrize("n_parts", [1, 2, 3])
def test_equals_parts_side_by_side(norm, n_parts):
    texts = random_texts(500)
    weights = [1.0, 0.25, 3.0][:n_parts]
    features = TextFeatures(parts=PARTS[:n_parts], weights=weights, norm=norm, n_jobs=2)
    found = features.fit_transform(texts)
    pairs = zip(PARTS, weights, strict=False)
    blocks = [weight * clone(part).fit_transform(texts).astype(np.float64) for part, weight in pairs]
    expected = sp.hstack(blocks).tocsr()
    if norm:
        expected = normalize(expected, norm)
    np.testing.assert_allclose(found.toarray(), expected.toarray(), atol=1e-6)
    assert same_bytes(features.transform(texts), found)
    assert found.has_canonical_format
    assert len(features.get_feature_names_out()) == found.shape[1]


LONG = [
    "the red apple pie of an old town and some green words that make every text longer "
    + " ".join(f"w{i * j % 97}" for j in range(30))
    for i in range(40)
]
SHORT = ["red apple pie", "green apple pie", "an old fast car", "an old slow car"]
UNSPACED = ["机器学习在自然语言处理中的应用", "城市交通规划与管理方法研究自然语言处理中"] * 2
KOREAN = ["한국 사과 맛", "한국 배 맛", "파란 차 길"] * 2


@pytest.mark.parametrize(
    ("texts", "kinds"),
    [
        (LONG, [("word", (1, 2), 1.0)]),
        (SHORT, [("word", (1, 2), 1.0), ("char_wb", (5, 5), 1.0)]),
        (KOREAN, [("word", (1, 2), 1.0), ("char_wb", (2, 3), 1.0)]),
        (UNSPACED, [("char", (1, 3), 1.0)]),
        (SHORT * 300, [("word", (1, 2), 1.0), ("char_wb", (5, 5), 0.01)]),
    ],
)
def test_parts_are_chosen_by_the_texts(texts, kinds):
    if len(texts) > 1000:  # other words in every text
        texts = [f"{text} word{i} word{i // 2}" for i, text in enumerate(texts)]
    features = TextFeatures().fit(texts)
    assert [(part.analyzer, part.ngram_range, part.max_df) for part in features.parts_] == kinds
    assert all(part.min_df == 2 and part.sublinear_tf for part in features.parts_)
    given = TextFeatures(parts=features.parts_).fit(texts)
    assert same_bytes(given.transform(texts), features.transform(texts))
    assert same_bytes(TextFeatures().fit_transform(text for text in texts), given.transform(texts))


@pytest.mark.parametrize("texts", [["red apple", "red apple"] * 1000, ["ab cd", "ef cd gh"]])
def test_parts_without_a_term_are_left_out(texts):
    assert TextFeatures().fit_transform(texts).nnz > 0


def test_texts_from_everywhere_decide():
    short = [f"word{i} word{i // 2} apple pie" for i in range(1000)]
    assert len(TextFeatures().fit([*short, *LONG]).parts_) == 2
    assert len(TextFeatures().fit([*short, *LONG * 200]).parts_) == 1


def test_short_texts_of_few_words_have_no_use_for_characters():
    texts = [f"law number {i % 30} of the council about matter {i % 40}" for i in range(500)]
    assert [part.analyzer for part in TextFeatures().fit(texts).parts_] == ["word"]


def test_chosen_parts_are_saved(tmp_path):
    features = TextFeatures().fit(SHORT)
    state = features.to_state()
    assert state.config["weights"] == [1.0, 1.0]
    assert [part.analyzer for part in state.parts.values()] == ["word", "char_wb"]


def test_weights_need_parts():
    with pytest.raises(TypeError, match="weights are given, but the parts that they belong to are not"):
        TextFeatures(weights=[1.0]).fit(SHORT)


def test_names_tell_the_part():
    features = TextFeatures(parts=[NgramTfidf(), NgramTfidf(analyzer="char")]).fit(["ab"])
    assert features.get_feature_names_out().tolist() == ["0:ab", "1:a", "1:b"]


def test_same_bytes_for_any_number_of_threads():
    texts = random_texts(800)
    rows = [TextFeatures(parts=PARTS, n_jobs=n).fit_transform(texts) for n in (1, 2, 7)]
    assert same_bytes(rows[0], rows[1])
    assert same_bytes(rows[0], rows[2])


def test_fitting_leaves_the_given_parts_alone():
    part = NgramTfidf()
    features = TextFeatures(parts=[part]).fit(["one two"])
    assert not hasattr(part, "terms_")
    assert not hasattr(clone(features), "parts_")
    assert clone(features).parts[0].get_params() == part.get_params()


def test_state_round_trip_is_bit_equal():
    texts = random_texts(200)
    features = TextFeatures(parts=PARTS, weights=[1, 2, 0.5], norm="l1")
    rows = features.fit_transform(texts)
    state = features.to_state()
    parts = {name: NgramTfidf.from_state(part.to_state()) for name, part in state.parts.items()}
    again = TextFeatures.from_state(State(json.loads(json.dumps(state.config)), {}, parts))
    assert same_bytes(again.transform(texts), rows)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"parts": []}, ValueError, "parts is empty"),
        ({"parts": ["word"]}, TypeError, r"parts\[0\].*str"),
        ({"parts": [NgramTfidf(n_jobs=2)]}, ValueError, r"parts\[0\] has n_jobs=2"),
        ({"parts": [NgramTfidf(), NgramTfidf(min_df=2)]}, ValueError, r"parts\[1\].*min_df"),
        ({"parts": [NgramTfidf()], "weights": [1, 2]}, ValueError, "2 entries for 1 part"),
        ({"parts": [NgramTfidf()], "weights": [-1]}, ValueError, r"weights\[0\]"),
        ({"parts": [NgramTfidf()], "weights": [float("nan")]}, ValueError, r"weights\[0\]"),
        ({"norm": "max"}, ValueError, "norm"),
        ({"n_jobs": -2}, ValueError, "n_jobs"),
    ],
)
def test_bad_parameters(params, error, message):
    with pytest.raises(error, match=message):
        TextFeatures(**params).fit(["one two", "three"])


@pytest.mark.parametrize("parts", [5, NgramTfidf()])
def test_parts_that_are_no_list(parts):
    with pytest.raises(TypeError, match="parts must be a list of NgramTfidf or PrefixTfidf"):
        TextFeatures(parts=parts).fit(["a b", "b c"])
