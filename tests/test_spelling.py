"""Composed and visible: what `compose` and `unify` make of a text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborank.spelling import compose, unify


@given(st.text(st.characters(exclude_categories=())))
def test_compose_is_nfc(text):
    assert compose(text) == unicodedata.normalize("NFC", text)


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


@given(st.text(st.characters(exclude_categories=()) | st.sampled_from("e\u0301\u00ad\u200b\ufeff")))
def test_unify_once_is_enough(text):
    assert unify(unify(text)) == unify(text)
