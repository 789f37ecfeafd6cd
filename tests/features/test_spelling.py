"""Composed and visible: what `compose` and `unify` make of a text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborank._native import UNICODE_VERSION
from arborank.core.spelling import compose, unify
from support import tfidf as reference

# A newer Python knows characters that the tables do not: then only those of Unicode 3.2 are compared.
SAME = unicodedata.unidata_version == UNICODE_VERSION
ANY = st.characters(exclude_categories=()).filter(lambda c: SAME or unicodedata.ucd_3_2_0.category(c) != "Cn")
TEXTS = st.text(ANY | st.sampled_from("e\u0301\u0323\u00ad\u200b\ufeffかが\u3099\u1100\u1161\u11a8"))


@given(TEXTS)
def test_as_pythons(text):
    assert compose(text) == unicodedata.normalize("NFC", text)
    assert unify(text) == reference.unify(text)


def test_long_runs_of_marks_take_no_longer_than_others():
    """Python's own composition takes minutes for this."""
    text = "a" + "\u0301\u0323" * 200_000
    assert compose(text) == "ạ" + "\u0323" * 199_999 + "\u0301" * 200_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("cafe\u0301", "café"),
        ("co\u00adoperate", "cooperate"),
        ("\ufeffName", "Name"),
        ("e\u00ad\u0301", "é"),
        ("\u202bשלום\u202c", "שלום"),
        ("❤\ufe0f", "❤"),
        ("葛\U000e0100", "葛"),
        ("ភាសា\u200bខ្មែរ", "ភាសា ខ្មែរ"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👨\u200d👩", "👨\u200d👩"),
        ("\ud800\u00ad", "\ud800"),
    ],
)
def test_unify(text, expected):
    assert unify(text) == expected


@given(TEXTS)
def test_unify_once_is_enough(text):
    assert unify(unify(text)) == unify(text)
