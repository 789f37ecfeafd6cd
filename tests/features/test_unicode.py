"""Lower-casing, accent folding and character classes against Python's own."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import strip_accents_ascii, strip_accents_unicode

from arborank._native import UNICODE_VERSION, TextOptions, ngrams

# A newer Python knows characters that the tables do not: then only those of Unicode 3.2 are compared.
SAME = unicodedata.unidata_version == UNICODE_VERSION
CHARACTERS = [chr(c) for c in range(0x110000) if SAME or unicodedata.ucd_3_2_0.category(chr(c)) != "Cn"]
BLOCKS = [CHARACTERS[i : i + 8192] for i in range(0, len(CHARACTERS), 8192)]


def options(**changes):
    defaults = {
        "analyzer": "char",
        "tokens": "word2",
        "min_n": 1,
        "max_n": 1,
        "lowercase": False,
        "strip_accents": "none",
        "stop_words": [],
        "positions": False,
        "graphemes": False,
    }
    return TextOptions(**{**defaults, **changes})


def normalised(text, **changes):
    return "".join(ngrams(text, options(**changes)))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{ord(block[0]):#x}")
def test_every_character(block):
    text = "x".join(block)
    assert normalised(text, lowercase=True) == text.lower()
    assert normalised(text, strip_accents="unicode") == strip_accents_unicode(text)
    assert normalised(text, strip_accents="ascii") == re.sub(r"\s\s+", " ", strip_accents_ascii(text))
    assert ngrams(text, options(analyzer="word", tokens="whitespace")) == text.split()
    dashed = "-".join(block)
    assert ngrams(dashed, options(analyzer="word", tokens="word1")) == re.findall(r"\w+", dashed)
    doubled = "-".join(c + c for c in block)
    assert ngrams(doubled, options(analyzer="word")) == re.findall(r"\b\w\w+\b", doubled)


@given(st.text(st.sampled_from("Aa Σ\u03a3'\u0345\u00ad.1\u0130\u02b0ǅ\u0300Ⓐª"), max_size=12))
def test_final_sigma(text):
    assert normalised(text, lowercase=True) == re.sub(r"\s\s+", " ", text.lower())


@given(st.text(st.characters(exclude_categories=() if SAME else ("Cn",)), max_size=20))
def test_any_text_with_lone_surrogates(text):
    if not SAME:
        text = "".join(c for c in text if unicodedata.ucd_3_2_0.category(c) != "Cn")
    assert normalised(text, lowercase=True) == re.sub(r"\s\s+", " ", text.lower())
