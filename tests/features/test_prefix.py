"""PrefixTfidf against a plain computation."""

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.preprocessing import normalize

from arborank import NgramTfidf, PrefixTfidf, TextFeatures
from arborank.core.state import State
from support import tfidf as reference
from support.texts import TEXTS, random_texts, same_bytes

pytestmark = pytest.mark.filterwarnings("ignore:.*(have no term|without spaces):UserWarning")

WEIGHTS = {
    "reciprocal": lambda i: 1 / (i + 1),
    "none": lambda i: 1.0,
    "halves": lambda i: 0.5**i,
}


def plain_rows(features, texts, weight):
    """The rows as the class describes them."""
    low, high = features.ngram_range
    columns = features.vocabulary_
    rows = np.zeros((len(texts), len(columns)))
    for row, text in zip(rows, texts, strict=True):
        text = re.sub(r"\s\s+", " ", reference.prepare(text))
        found = {}
        for n in range(low, high + 1):
            for i in range(len(text) - n + 1):
                found.setdefault(text[i : i + n], []).append(weight(i))
        for term, weights in found.items():
            if term in columns:
                tf = 1 + np.log(len(weights)) if features.sublinear_tf else len(weights)
                row[columns[term]] = np.mean(weights) * tf
    if features.use_idf:
        rows *= features.idf_
    return normalize(rows, features.norm) if features.norm else rows


@settings(max_examples=200, deadline=None)
@given(
    TEXTS.filter(any),
    TEXTS,
    st.sampled_from(list(WEIGHTS)),
    st.sampled_from([(1, 3), (2, 2), (1, 1)]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["l1", "l2", None]),
)
def test_equals_a_plain_computation(texts, new_texts, name, ngram_range, sublinear, idf, norm):
    weight = WEIGHTS[name] if name == "halves" else name
    features = PrefixTfidf(
        ngram_range=ngram_range,
        position_weight=weight,
        sublinear_tf=sublinear,
        use_idf=idf,
        norm=norm,
        n_jobs=2,
    )
    try:
        rows = features.fit_transform(texts)
    except ValueError as error:
        assert "no n-gram at all" in str(error)
        return
    np.testing.assert_allclose(rows.toarray(), plain_rows(features, texts, WEIGHTS[name]), atol=1e-6)
    assert rows.has_canonical_format
    assert same_bytes(rows, features.transform(texts))
    found = features.transform(new_texts).toarray()
    np.testing.assert_allclose(found, plain_rows(features, new_texts, WEIGHTS[name]), atol=1e-6)


def test_without_weights_it_is_char_tfidf():
    texts = random_texts(300)
    params = {"ngram_range": (1, 3), "min_df": 2, "max_features": 300, "sublinear_tf": True}
    ours = PrefixTfidf(position_weight="none", **params)
    theirs = NgramTfidf(analyzer="char", **params)
    np.testing.assert_allclose(
        ours.fit_transform(texts).toarray(), theirs.fit_transform(texts).toarray(), atol=1e-7
    )
    assert ours.vocabulary_ == theirs.vocabulary_


def test_beyond_the_last_weight_it_holds():
    few = PrefixTfidf(ngram_range=(1, 2), position_weight=[1.0, 0.5, 0.25])
    same = PrefixTfidf(ngram_range=(1, 2), position_weight=lambda i: [1.0, 0.5, 0.25][min(i, 2)])
    texts = ["abcdefgh" * 20, "hgfedcba" * 300]
    assert same_bytes(few.fit_transform(texts), same.fit_transform(texts))
    assert len(same.position_weights_) == 1024


def test_same_bytes_for_any_number_of_threads():
    texts = random_texts(1500)
    rows = [PrefixTfidf(n_jobs=n, max_features=500).fit_transform(texts) for n in (1, 2, 7)]
    assert same_bytes(rows[0], rows[1])
    assert same_bytes(rows[0], rows[2])


def test_scripts():
    """One code point is one position: combining marks too; the first letter is the first in reading order."""
    features = PrefixTfidf(ngram_range=(1, 1), use_idf=False, norm=None, normalization=None)
    texts = ["e\u0301a", "שלום", "日本語"]
    rows = features.fit_transform(texts).toarray()
    columns = features.vocabulary_
    assert rows[0][columns["e"]] == 1
    assert rows[0][columns["\u0301"]] == np.float32(1 / 2)
    assert rows[0][columns["a"]] == np.float32(1 / 3)
    assert rows[1][columns["ש"]] == 1
    assert rows[2][columns["語"]] == np.float32(1 / 3)
    folded = PrefixTfidf(ngram_range=(1, 1), use_idf=False, norm=None, strip_accents="unicode")
    assert folded.fit_transform(["e\u0301a", "éa"]).toarray().tolist() == [[0.5, 1.0], [0.5, 1.0]]


def test_in_a_union_with_words():
    texts = random_texts(300)
    parts = [NgramTfidf(), PrefixTfidf(min_df=2), NgramTfidf(analyzer="char_wb", ngram_range=(3, 3))]
    features = TextFeatures(parts=parts, norm=None, weights=[1.0, 2.0, 0.5], n_jobs=2)
    found = features.fit_transform(texts)
    expected = [
        w * clone(part).fit_transform(texts).toarray() for part, w in zip(parts, [1, 2, 0.5], strict=True)
    ]
    np.testing.assert_allclose(found.toarray(), np.hstack(expected), atol=1e-6)
    assert same_bytes(features.transform(texts), found)


@pytest.mark.parametrize("weight", ["reciprocal", "none", [1.0, 0.5], np.array([3, 2, 1]), lambda i: 2.0**-i])
def test_state_round_trip_is_bit_equal(weight):
    texts = random_texts(200)
    features = PrefixTfidf(position_weight=weight, max_features=np.int64(400))
    if callable(weight):
        features.set_params(position_weight=lambda i: max(2.0**-i, 1e-9))
    rows = features.fit_transform(texts)
    for _ in range(2):
        state = features.to_state()
        features = PrefixTfidf.from_state(
            State(json.loads(json.dumps(state.config)), {name: a.copy() for name, a in state.arrays.items()})
        )
        assert same_bytes(features.transform(texts), rows)
    assert same_bytes(clone(features).fit_transform(texts), rows)


@pytest.mark.parametrize(
    ("weight", "error", "message"),
    [
        ("linear", ValueError, "'reciprocal', 'none'"),
        ([], ValueError, "not empty"),
        ([[1.0]], ValueError, r"shape \(1, 1\)"),
        ([1.0, 0.0], ValueError, "0.0 at position 1"),
        ([1.0, -1.0], ValueError, "-1.0 at position 1"),
        (lambda i: 1 / i if i else float("inf"), ValueError, "inf at position 0"),
        (lambda i: float("nan"), ValueError, "nan at position 0"),
        (lambda i: "one", TypeError, "'one'"),
        (["one"], TypeError, "numbers"),
        (3.0, TypeError, "3.0"),
        (np.array(3.0), ValueError, "one-dimensional"),
        (None, TypeError, "None"),
    ],
)
def test_bad_position_weight(weight, error, message):
    with pytest.raises(error, match=message):
        PrefixTfidf(position_weight=weight).fit(["one two"])
    with pytest.raises(error, match=message):
        TextFeatures(parts=[NgramTfidf(), PrefixTfidf(position_weight=weight)]).fit(["one two"])


def test_fitting_with_another_weight():
    features = PrefixTfidf(position_weight="none", use_idf=False, norm=None, ngram_range=(1, 1)).fit(["ab"])
    features.set_params(position_weight="reciprocal").fit(["ab"])
    assert features.transform(["ab"]).toarray().tolist() == [[1.0, 0.5]]
