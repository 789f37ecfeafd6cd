"""Characters as readers see them."""

import unicodedata

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from arborank import PrefixTfidf

CLUSTERS = {
    "letters": ["a", "b", "1", "ß", "я", "日", "本"],
    "marks": [
        "e\u0301",
        "o\u0302\u0323",
        "ש\u05c1\u05b8",
        "ب\u0651\u064e",
        "\u0915\u093f",
        "\u0e01\u0e33",
        "か\u3099",
    ],
    "jamo": ["\u1100\u1161\u11a8", "\u1112\u1161", "\u1100\u1100\u1161", "각", "가\u11a8"],
    "flags": ["\U0001f1eb\U0001f1ee", "\U0001f1eb\U0001f1ee", "\U0001f1e9\U0001f1ea"],
    "emoji": ["👨\u200d👩\u200d👧", "👍🏽", "❤\ufe0f", "🏳\ufe0f\u200d🌈", "😀", "1\ufe0f\u20e3"],
}


def graphemes(text):
    return PrefixTfidf(ngram_range=(1, 1), unit="grapheme", lowercase=False, normalization=None).analyze(text)


@pytest.mark.parametrize("kind", list(CLUSTERS))
def test_each_is_one_character(kind):
    for cluster in CLUSTERS[kind]:
        assert graphemes(cluster) == [cluster]
        assert graphemes(f"x{cluster}y") == ["x", cluster, "y"]
    assert graphemes("".join(CLUSTERS[kind])) == CLUSTERS[kind]


@pytest.mark.parametrize("context", ["a{}", "{}a", "{0}{0}", "👨\u200d{}", "{}\u0301\u200d👨"])
def test_every_character_that_joins_does_as_unicode_says(context):
    known = (chr(c) for c in range(0x110000) if unicodedata.category(chr(c))[0] not in "CZ")
    text = ".".join(context.format(c) for c in [*known, *"\u0600\u06dd\u070f\u0890\U000110bd"])
    assert graphemes(text) == regex.findall(r"\X", text)


@settings(deadline=None)
@given(st.lists(st.sampled_from([c for group in CLUSTERS.values() for c in group]), max_size=12))
def test_any_order(clusters):
    """Full stops stand between, as letters of Hangul and halves of flags may go on into the next cluster."""
    assert graphemes("".join(c + "." for c in clusters)) == [c for pair in clusters for c in (pair, ".")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\u0301a", ["\u0301", "a"]),
        ("a \u0301b", ["a", " ", "\u0301", "b"]),
        ("a\u200db", ["a\u200d", "b"]),
        ("\U0001f1eb\U0001f1ee\U0001f1e9", ["\U0001f1eb\U0001f1ee", "\U0001f1e9"]),
        ("가가", ["가", "가"]),
        ("각\u1161", ["각", "\u1161"]),
        ("a\u1161", ["a", "\u1161"]),
        ("😀👍", ["😀", "👍"]),
        ("", []),
        ("\ud800e\u0301", ["\ud800", "e\u0301"]),
    ],
)
def test_borders(text, expected):
    assert graphemes(text) == expected


def test_positions_count_graphemes():
    features = PrefixTfidf(ngram_range=(1, 2), unit="grapheme", use_idf=False, norm=None, normalization=None)
    rows = features.fit_transform(["e\u0301a"]).toarray()[0]
    assert dict(zip(features.get_feature_names_out(), rows, strict=True)) == {
        "a": 0.5,
        "e\u0301": 1,
        "e\u0301a": 1,
    }


@given(st.text(max_size=20))
def test_pieces_make_up_the_text(text):
    characters = PrefixTfidf(ngram_range=(1, 1), lowercase=False, normalization=None).analyze(text)
    assert "".join(graphemes(text)) == "".join(characters)


def test_unknown_unit():
    with pytest.raises(ValueError, match="'code point', 'grapheme'"):
        PrefixTfidf(unit="byte").fit(["a"])
