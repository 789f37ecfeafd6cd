"""Progress of the vectorisers: what is going on, in texts."""

import os
import signal
import threading
from contextlib import contextmanager

import pytest

from arborank import NgramTfidf, TextFeatures

LONG = "some words to read again and again " * 1000


@pytest.fixture
def bars(monkeypatch):
    """What is shown: description, total, and units done."""
    shown = []

    @contextmanager
    def progress_bar(description, total, *, enabled, unit):
        assert unit == "texts"
        done = []
        if enabled:
            shown.append((description, total, done))
        yield done.append if enabled else None

    monkeypatch.setattr("arborank.features.base.progress_bar", progress_bar)
    return shown


def test_every_stage_shows_one(bars):
    texts = [LONG] * 300  # two blocks of 8 MB
    features = TextFeatures(parts=[NgramTfidf()], verbose=1)
    features.fit_transform(texts)
    features.transform(text for text in texts)
    assert [(what, total) for what, total, _ in bars] == [
        ("reading texts", 300),
        ("weighting terms", 300),
        ("encoding texts", None),
    ]
    for what, _, done in bars:
        assert done == sorted(done)
        assert what == "weighting terms" or done[-1] == 300


def test_silent_by_default(bars):
    NgramTfidf().fit(["one two"]).transform(["one"])
    assert bars == []


def test_a_bar_of_unknown_length(capsys):
    features = NgramTfidf(verbose=1).fit(text for text in ["one two"])
    assert features.transform(["one"]).shape == (1, 2)
    assert capsys.readouterr().err.strip() == ""  # quick work shows nothing


@pytest.mark.parametrize("act", ["fit", "transform"])
def test_an_interrupt_ends_the_bar(act, bars):
    features = NgramTfidf(n_jobs=2, verbose=1).fit(["some words"])

    def endless():
        while True:
            yield LONG

    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            getattr(features, act)(endless())
    finally:
        timer.join()
        signal.signal(signal.SIGINT, previous)
