"""Lower-casing, composition, accent folding and character classes against Python's own."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import strip_accents_ascii, strip_accents_unicode

from arborank._native import UNICODE_VERSION, TextOptions, ngrams
from support import tfidf as reference

# A newer Python knows characters that the tables do not: then only those of Unicode 3.2 are compared.
SAME = unicodedata.unidata_version == UNICODE_VERSION
CHARACTERS = [chr(c) for c in range(0x110000) if SAME or unicodedata.ucd_3_2_0.category(chr(c)) != "Cn"]
BLOCKS = [CHARACTERS[i : i + 8192] for i in range(0, len(CHARACTERS), 8192)]
ASSIGNED = [c for c in CHARACTERS if unicodedata.category(c) not in ("Cn", "Co", "Cs")]
ASSIGNED_BLOCKS = [ASSIGNED[i : i + 8192] for i in range(0, len(ASSIGNED), 8192)]


def options(**changes):
    defaults = {
        "analyzer": "char",
        "lowercase": False,
        "compose": False,
    }
    return TextOptions(**{**defaults, **changes})


def normalised(text, **changes):
    return "".join(ngrams(text, options(**changes)))


def spaced(text):
    """Return the text with one space for several, as n-grams of characters have it."""
    return re.sub(r"\s\s+", " ", text)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{ord(block[0]):#x}")
def test_every_character(block):
    text = "x".join(block)
    assert normalised(text, lowercase=True) == text.lower()
    assert normalised(text, strip_accents="ascii") == re.sub(r"\s\s+", " ", strip_accents_ascii(text))
    assert ngrams(text, options(analyzer="word", tokens="whitespace")) == text.split()
    dashed = "-".join(block)
    assert ngrams(dashed, options(analyzer="word", tokens="word1")) == reference.words(dashed, 1)
    doubled = "-".join(c + c for c in block)
    assert ngrams(doubled, options(analyzer="word")) == reference.words(doubled, 2)
    sklearn = options(analyzer="word", tokens="scikit-learn")
    assert ngrams(doubled, sklearn) == re.findall(r"\b\w\w+\b", doubled)


@pytest.mark.parametrize("block", ASSIGNED_BLOCKS, ids=lambda block: f"{ord(block[0]):#x}")
@pytest.mark.parametrize("before", ["x", "", "か", "\u0323", "\u1100", "क"])
def test_every_character_composed(block, before):
    text = before + before.join(block)
    assert normalised(text, compose=True) == spaced(reference.prepare(text, lowercase=False))
    for compose, form in ((True, "NFC"), (False, None)):
        expected = reference.prepare(text, lowercase=False, normalization=form, strip_accents="unicode")
        assert normalised(text, compose=compose, strip_accents="unicode") == spaced(expected)


@pytest.mark.parametrize("block", ASSIGNED_BLOCKS, ids=lambda block: f"{ord(block[0]):#x}")
def test_lower_case_of_every_character_composed_and_not(block):
    """Whether lower-casing or composing comes first makes no difference."""
    for c in block:
        spellings = {unicodedata.normalize(form, c) for form in ("NFC", "NFD")} | {c}
        assert len({normalised(s, lowercase=True, compose=True) for s in spellings}) == 1


@settings(max_examples=500)
@given(
    st.text(
        st.sampled_from(
            "aeAEhıİ \u0301\u0323\u0302\u0308\u0345\u0331\u00ad\u200b\u200d\ufeff\ufe0fñǅΩ\u03a3ʹ"
            "\u1100\u1161\u11a8각가かが\u3099क\u0915\u093c\u094dেো\u09be\u09d7\u0bc6\u0bbe\u0f71\u0f72\u0f73豈\ud800"
        ),
        max_size=12,
    ),
    st.booleans(),
    st.sampled_from([None, "unicode", "ascii"]),
    st.booleans(),
)
def test_composing(text, compose, accents, lowercase):
    found = normalised(text, lowercase=lowercase, compose=compose, strip_accents=accents or "none")
    form = "NFC" if compose else None
    assert found == spaced(
        reference.prepare(text, lowercase=lowercase, normalization=form, strip_accents=accents)
    )


def test_marks_without_end():
    """What takes long to put in order is still put in order."""
    text = "a" + "\u0301\u0323" * 100_000
    assert normalised(text, compose=True) == "ạ" + "\u0323" * 99_999 + "\u0301" * 100_000


def test_accents_are_sklearns_in_latin_greek_and_cyrillic():
    text = "".join(c for c in map(chr, range(0x530)) if unicodedata.category(c) not in ("Cc", "Cf", "Zs"))
    expected = unicodedata.normalize("NFC", strip_accents_unicode(text))
    assert normalised(text, strip_accents="unicode") == spaced(expected)


def test_other_marks_make_other_letters():
    for text in ("हिन्दी क़लम", "ภาษาไทยที่", "ガラス", "한국어", "မြန်မာ", "ខ្មែរ"):
        assert normalised(text, strip_accents="unicode") == unicodedata.normalize("NFC", text)
    assert normalised("مُحَمَّد שָׁלוֹם", strip_accents="unicode") == "محمد שלום"


@given(st.text(st.sampled_from("Aa Σ\u03a3'\u0345\u00ad.1\u0130\u02b0ǅ\u0300Ⓐª"), max_size=12))
def test_final_sigma(text):
    assert normalised(text, lowercase=True) == re.sub(r"\s\s+", " ", text.lower())


@given(st.text(st.characters(exclude_categories=() if SAME else ("Cn",)), max_size=20))
def test_any_text_with_lone_surrogates(text):
    if not SAME:
        text = "".join(c for c in text if unicodedata.ucd_3_2_0.category(c) != "Cn")
    assert normalised(text, lowercase=True) == re.sub(r"\s\s+", " ", text.lower())
