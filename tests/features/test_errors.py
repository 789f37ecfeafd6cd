"""Bad input and bad parameters name what is wrong."""

import itertools
import os
import signal
import threading
import time

import pytest

from arborank import NgramTfidf, TextFeatures


@pytest.mark.parametrize("make", [NgramTfidf, lambda: TextFeatures(parts=[NgramTfidf()])])
@pytest.mark.parametrize(
    ("bad", "found"), [(None, "NoneType"), (b"bytes", "bytes"), (float("nan"), "float"), (3, "int")]
)
def test_not_a_str(make, bad, found):
    with pytest.raises(TypeError, match=f"{found} at position 2"):
        make().fit(["one", "two", bad])
    features = make().fit(["one", "two"])
    with pytest.raises(TypeError, match=f"{found} at position 1"):
        features.transform(["one", bad])


@pytest.mark.parametrize("make", [NgramTfidf, TextFeatures])
def test_one_str_or_nothing_iterable(make):
    with pytest.raises(TypeError, match="one str"):
        make().fit("one text")
    with pytest.raises(TypeError, match="int"):
        make().fit(3)
    with pytest.raises(ValueError, match="empty"):
        make().fit([])


def test_error_of_a_generator_passes_through():
    def texts():
        yield "one"
        raise RuntimeError("disk gone")

    with pytest.raises(RuntimeError, match="disk gone"):
        NgramTfidf().fit(texts())


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"analyzer": "words"}, ValueError, "analyzer"),
        ({"tokens": "word3"}, ValueError, "tokens"),
        ({"tokens": "word1", "analyzer": "char"}, ValueError, "tokens"),
        ({"ngram_range": (2, 1)}, ValueError, "ngram_range"),
        ({"ngram_range": (0, 1)}, ValueError, "ngram_range"),
        ({"ngram_range": 2}, TypeError, "ngram_range"),
        ({"ngram_range": (1, 2.5)}, TypeError, "ngram_range"),
        ({"min_df": 0}, ValueError, "min_df"),
        ({"min_df": 1.5}, ValueError, "min_df"),
        ({"min_df": "two"}, TypeError, "min_df"),
        ({"max_df": -0.5}, ValueError, "max_df"),
        ({"max_df": True}, TypeError, "max_df"),
        ({"max_df": 1, "min_df": 2}, ValueError, r"max_df 1 is 1 of 2 texts"),
        ({"max_features": 0}, ValueError, "max_features"),
        ({"max_features": 2.0}, TypeError, "max_features"),
        ({"norm": "l3"}, ValueError, "norm"),
        ({"strip_accents": "all"}, ValueError, "strip_accents"),
        ({"stop_words": "klingon"}, ValueError, "stop_words"),
        ({"stop_words": [1]}, TypeError, "stop_words"),
        ({"stop_words": ["a"], "analyzer": "char"}, ValueError, "stop_words"),
        ({"binary": "yes"}, TypeError, "binary"),
        ({"lowercase": None}, TypeError, "lowercase"),
        ({"n_jobs": 0}, ValueError, "n_jobs"),
        ({"n_jobs": 1.5}, TypeError, "n_jobs"),
    ],
)
def test_bad_parameters(params, error, message):
    with pytest.raises(error, match=message):
        NgramTfidf(**params).fit(["one two", "two three"])


def test_nothing_left_says_what_to_loosen():
    with pytest.raises(ValueError, match=r"min_df 2 and max_df=1.0 leave no term .*; lower the first"):
        NgramTfidf(min_df=2).fit(["one", "two"])
    with pytest.raises(ValueError, match=r"no n-gram at all.*char_wb"):
        NgramTfidf().fit(["", "a . b"])
    with pytest.raises(ValueError, match="no n-gram at all"):
        NgramTfidf(stop_words=["one"]).fit(["one"])
    with pytest.raises(ValueError, match="lower the first"):
        TextFeatures().fit(["one", "two"])


def test_unknown_parameter():
    with pytest.raises(TypeError, match="ngrams"):
        NgramTfidf(ngrams=(1, 2))


@pytest.mark.parametrize("act", ["fit", "transform"])
def test_interrupt_is_heard(act):
    features = NgramTfidf(n_jobs=2).fit(["some words"])
    endless = itertools.repeat("some words to read again and again")
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        getattr(features, act)(endless)
    assert time.monotonic() - start < 20
    timer.join()
