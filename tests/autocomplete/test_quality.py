import math

import numpy as np
import pytest

from arborank.autocomplete.quality import bleu, bleu_rr, quality_by_length, reciprocal_ranks


def test_reciprocal_ranks():
    assert reciprocal_ranks([["a", "b"], [], ["c"]], ["b", "x", "c"]).tolist() == [0.5, 0.0, 1.0]


def test_bleu():
    assert bleu("a b c d", "a b c d") == pytest.approx(1)
    # three of four words, two of three pairs, one of two triples, no four
    expected = math.exp(sum(map(math.log, (3 / 4, 2 / 3, 1 / 2, 0.1))) / 4)
    assert bleu("a b c x", "a b c d") == pytest.approx(expected)
    # too short: exp(1 - 4 / 2)
    assert bleu("a b", "a b c d") == pytest.approx(math.exp(math.log(0.1 * 0.1) / 4 - 1))
    assert bleu("x", "a") == 0
    assert bleu("", "a") == 0


def test_bleu_counts_a_repeated_word_once():
    assert bleu("a a", "a b") == pytest.approx(math.exp(sum(map(math.log, (0.5, 0.1, 0.1, 0.1))) / 4))


def test_bleu_rr_weighs_by_place():
    score = bleu("a b c d", "a b c d")
    assert bleu_rr([["x", "a b c d"], []], ["a b c d", "q"]) == pytest.approx([score * 0.5 / 1.5, 0])


def test_by_length():
    quality = quality_by_length(np.array([1.0, 0.0, 0.5, 0.25]), ["a", "a", "abcd", "a" * 30])
    assert quality.means[0] == 0.5
    assert quality.means[3] == 0.5
    assert quality.means[-1] == 0.25
    assert math.isnan(quality.means[1])
    assert quality.counts == (2, 0, 0, 1, 0, 0, 0, 0, 0, 1)
    assert quality.overall == pytest.approx(1.75 / 4)
    assert quality.short == 0.5
