"""The layers of a tree are trained side by side: when one fails, all end."""

import time

import pytest

from arborank import XRLinear
from arborank.models import _layers


class Failure(Exception):
    pass


@pytest.mark.parametrize("verbose", [0, 1])
def test_a_root_that_fails_ends_the_other_layers_at_once(topics, monkeypatch, verbose):
    ticks = []

    def train(level, *problem, n_threads, progress, **options):
        if level == 0:
            raise Failure("the root")
        while len(ticks) < 500:  # as native code does while it works, for five seconds
            time.sleep(0.01)
            ticks.append(level)
            if progress is not None:
                progress(0)
        raise AssertionError("nobody noticed")

    monkeypatch.setattr(_layers, "_train", train)
    with pytest.raises(Failure, match="the root"):
        XRLinear(branching=3, max_leaf_size=8, n_jobs=2, verbose=verbose).fit(*topics)
    assert len(ticks) < 100


@pytest.mark.parametrize("negatives", ["tfn", "tfn+man"])
def test_progress_is_told_beside_the_root(topics, monkeypatch, negatives):
    told = []

    def train(level, *problem, real=_layers._train, progress, **options):
        if level > 0 and progress is not None:
            progress(3)
            told.append(level)
        return real(level, *problem, progress=progress, **options)

    monkeypatch.setattr(_layers, "_train", train)
    model = XRLinear(branching=3, max_leaf_size=8, n_jobs=2, verbose=1, negatives=negatives).fit(*topics)
    assert told == list(range(1, model.tree_.depth))
