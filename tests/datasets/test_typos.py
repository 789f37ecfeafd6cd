"""Typing errors made to order."""

import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborank.datasets import add_typos
from arborank.datasets.typos import KINDS

WORDS = st.text(st.sampled_from("abcqwpmzABCéäßяΟ日"), min_size=4, max_size=9)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def is_one_error(word, typed):
    """Does one of the four errors, after the first letter, lead from a word to another?"""
    if word == typed or word[0] != typed[0]:
        return False
    if len(typed) == len(word):
        differ = [i for i, (a, b) in enumerate(zip(word, typed, strict=True)) if a != b]
        i = differ[0]
        swapped = len(differ) == 2 and word[i : i + 2] == typed[i : i + 2][::-1]
        return len(differ) == 1 or swapped
    long, short = sorted((word, typed), key=len, reverse=True)
    return any(long[:i] + long[i + 1 :] == short for i in range(1, len(long)))


@given(WORDS, st.sampled_from(KINDS), st.integers(0, 5))
def test_a_word_gets_one_error_of_the_kind_asked_for(word, kind, seed):
    (typed,) = add_typos([word], rate=1, kinds=[kind], seed=seed)
    assert is_one_error(word, typed)
    if kind == "insert":
        assert len(typed) == len(word) + 1
    elif kind == "delete":
        assert len(typed) == len(word) - 1
    elif kind == "substitute":
        assert len(typed) == len(word)
    elif len(set(word[1:])) > 1:
        assert sorted(typed) == sorted(word)
    else:
        assert len(typed) == len(word) - 1  # nothing to swap: a letter is missing


@given(st.lists(st.text(st.sampled_from("abcdeé 1_-\n\ud800"), max_size=30), max_size=5), st.integers(0, 3))
def test_only_words_of_letters_change_and_the_rest_stays_in_place(texts, seed):
    for text, typed in zip(texts, add_typos(texts, rate=0.7, seed=seed), strict=True):
        before, after = (
            "".join(c if c.isalnum() or c == "_" else " " for c in t).split(" ") for t in (text, typed)
        )
        assert len(before) == len(after)
        for word, other in zip(before, after, strict=True):
            if word.isalpha() and len(word) >= 4:
                assert word == other or is_one_error(word, other)
            else:
                assert word == other


def test_neighbours_touch_on_the_keyboard():
    options = {"rate": 1, "kinds": ["substitute"], "min_length": 2}
    typed = [add_typos([f"x{letter}" for letter in LETTERS], seed=seed, **options) for seed in range(80)]
    of = {letter: {words[i][1] for words in typed} for i, letter in enumerate(LETTERS)}
    assert of["g"] == set("tyfhvb")
    assert of["q"] == set("wa")
    assert of["m"] == set("njk")
    assert all(a in of[b] for a in LETTERS for b in of[a])


def test_case_is_kept():
    for seed in range(20):
        (upper,) = add_typos(["KEYBOARD"], rate=1, seed=seed)
        assert upper.isupper()


def test_share_of_words():
    words = ["".join(random.Random(i).choices(LETTERS, k=7)) for i in range(3000)]
    changed = sum(a != b for a, b in zip(words, add_typos(words, rate=0.2), strict=True))
    assert 500 < changed < 700
    assert add_typos(words, rate=0) == words
    assert add_typos(["cat dog a 2nd"], rate=1) == ["cat dog a 2nd"]


def test_depends_on_seed_and_text_alone():
    texts = ["renewable energy", "environmental education", "renewable energy"]
    typed = add_typos(texts, rate=1)
    assert typed[0] == typed[2]
    assert add_typos(reversed(texts), rate=1) == typed[::-1]
    assert add_typos(texts, rate=1, seed=1) != typed


@pytest.mark.subprocess
def test_same_in_another_process():
    code = (
        "from arborank.datasets import add_typos; print(add_typos(['renewable energy in education'], rate=1))"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert found.strip() == "['renewbale eergy in educatiin']"


@pytest.mark.parametrize(
    ("texts", "options", "error", "message"),
    [
        ("one text", {}, TypeError, "one str"),
        (["a", 3], {}, TypeError, "int at position 1"),
        (["a"], {"rate": 1.5}, ValueError, "rate"),
        (["a"], {"rate": float("nan")}, ValueError, "rate"),
        (["a"], {"min_length": 1}, ValueError, "min_length"),
        (["a"], {"kinds": ["swap"]}, ValueError, "kinds"),
        (["a"], {"kinds": []}, ValueError, "kinds"),
        (["a"], {"kinds": "insert"}, ValueError, "kinds"),
    ],
)
def test_bad_input(texts, options, error, message):
    with pytest.raises(error, match=message):
        add_typos(texts, **options)
