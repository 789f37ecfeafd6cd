import logging

import numpy as np
import pytest

from arborank.transformer.encoders.tokens import TokenCache, training_texts


def tokenize(texts):
    rows = [[len(word) for word in text.split()] for text in texts]
    return [row[:4] for row in rows], sum(len(row) > 4 for row in rows)


@pytest.mark.parametrize("on_disk", [True, False])
def test_batches_come_back(tmp_path, monkeypatch, on_disk):
    monkeypatch.setattr("arborank.transformer.encoders.tokens._CHUNK", 2)
    texts = ["a bb ccc", "dd", "", "a b c d"]
    path = tmp_path / "tokens" if on_disk else None
    cache = TokenCache.build(texts, tokenize, vocabulary=10, path=path)
    assert cache.tokens.flags.owndata != on_disk  # mapped
    assert cache.tokens.dtype == np.uint16
    ids, mask = cache.batch(np.array([3, 0, 2]), pad=9)
    assert ids.tolist() == [[1, 1, 1, 1], [1, 2, 3, 9], [9, 9, 9, 9]]
    assert mask.tolist() == [[1, 1, 1, 1], [1, 1, 1, 0], [1, 0, 0, 0]]


def test_large_vocabularies_are_wider():
    cache = TokenCache.build(["a"], lambda texts: ([[70_000]], 0), vocabulary=100_000)
    assert cache.batch(np.array([0]), 0)[0].tolist() == [[70_000]]


def test_digest_tells_texts_apart():
    digests = {
        TokenCache.build(t, tokenize, vocabulary=10).digest for t in (["ab", "c"], ["a", "bc"], ["ab c"])
    }
    assert len(digests) == 3


def test_cut_texts_are_told(caplog):
    with caplog.at_level(logging.WARNING):
        TokenCache.build(["a b c d e", "a"], tokenize, vocabulary=10)
    assert "1 of 2 texts are longer than the encoder reads and were cut" in caplog.text


def test_texts_are_checked():
    with pytest.raises(TypeError, match="found int at position 1"):
        training_texts(["a", 1])
    with pytest.raises(TypeError, match="found one str"):
        training_texts("text")
    with pytest.raises(ValueError, match="texts is empty"):
        training_texts([])
    with pytest.raises(ValueError, match=r"2 of 3 texts are empty, first texts\[1\]"):
        training_texts(["a", " ", ""])
