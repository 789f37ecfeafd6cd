"""Vectors of texts, from encoders of every kind."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from arborank import XRLinear
from arborank.transformer import text_embeddings


def letters(texts):
    """How often each text holds a, b and c."""
    return np.array([[text.count(letter) for letter in "abc"] for text in texts])


def test_unit_vectors_in_batches():
    texts = ["aab", "c", "", "abc"] * 5
    vectors = text_embeddings(texts, letters, batch_size=3)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors[0], np.array([2, 1, 0]) / np.sqrt(5), rtol=1e-6)
    assert (vectors[2] == 0).all()
    assert np.array_equal(vectors[:4], vectors[-4:])
    assert np.array_equal(text_embeddings(texts, SimpleNamespace(encode=letters)), vectors)


def test_labels_grouped_by_their_names(checkerboard):
    X, Y = checkerboard
    names = ["aac", "b", "a", "bbc", "aaacc", "bbb", "aaaacc", "bbbbcc"]
    model = XRLinear(representation=text_embeddings(names, letters), max_leaf_size=4).fit(X, Y)
    leaves = model.tree_.labels.reshape(2, 4) % 2
    assert (leaves == leaves[:, :1]).all()
    features = text_embeddings(names, letters)
    mixed = XRLinear(representation={"pifa": 0.5, "features": 0.5}, max_leaf_size=4)
    assert mixed.fit(X, Y, label_features=features).tree_ == model.tree_


def test_models_of_sentence_transformers(monkeypatch):
    class Model:
        def __init__(self, name, *, trust_remote_code, model_kwargs):
            assert name == "somewhere"
            assert trust_remote_code is False
            assert model_kwargs == {"use_safetensors": True}

        def encode(self, texts, *, batch_size, show_progress_bar):
            assert batch_size == len(texts)
            assert not show_progress_bar
            return letters(texts)

    finding = SimpleNamespace(sentence_modules=lambda name: [])  # which needs transformers
    monkeypatch.setitem(sys.modules, "arborank.transformer.encoders.finding", finding)
    monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(SentenceTransformer=Model))
    assert np.array_equal(text_embeddings(["a", "cb"], "somewhere"), text_embeddings(["a", "cb"], letters))
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ImportError, match=r"pip install 'arborank\[embeddings\]'"):
        text_embeddings(["a"], "somewhere")


@pytest.mark.parametrize(
    ("texts", "encoder", "error", "message"),
    [
        ("ab", letters, TypeError, "found one str"),
        ([1], letters, TypeError, "texts must hold str, found int"),
        ([], letters, ValueError, "texts is empty"),
        (["a"], 3, TypeError, "encoder must be a name"),
        (["a"], lambda texts: texts, TypeError, "dtype <U1"),
        (["a"], lambda texts: np.ones(3), ValueError, r"shape \(3,\); one row for each of 1"),
        (["a"], lambda texts: np.full((1, 2), np.nan), ValueError, "NaN"),
    ],
)
def test_refuses(texts, encoder, error, message):
    with pytest.raises(error, match=message):
        text_embeddings(texts, encoder)
