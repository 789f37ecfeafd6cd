import math
from collections import Counter
from importlib.resources import files

import pytest

from arborank.datasets import load_debian


@pytest.fixture(scope="module")
def debian():
    return load_debian()


def test_counts_are_those_of_the_note(debian):
    note = (files("arborank.datasets") / "data" / "debian" / "NOTE").read_text(encoding="utf-8")
    assert f"train {len(debian.train):,} " in note
    assert f"test {len(debian.test):,} " in note
    assert f"labels {len(debian.label_texts):,}:" in note


def test_fits_in_the_wheel():
    folder = files("arborank.datasets") / "data" / "debian"
    assert sum(len(path.read_bytes()) for path in folder.iterdir()) <= 4_000_000


def test_every_label_is_described_and_learnable(debian):
    counts = Counter(label for labels in debian.train.labels for label in labels)
    assert len(debian.label_texts) >= 10_000
    assert set(counts) == set(debian.label_texts)
    assert min(counts.values()) >= 2
    assert all(debian.label_texts.values())
    assert {label for labels in debian.test.labels for label in labels} <= set(counts)


def test_rows_are_whole(debian):
    for part in (debian.train, debian.test):
        assert all(text and text == " ".join(text.split()) for text in part.texts)
        assert all(labels and len(labels) == len(set(labels)) for labels in part.labels)
    assert math.isclose(len(debian.test) / len(debian.train), 1 / 4, rel_tol=0.1)


def test_a_row_that_anyone_can_check(debian):
    assert debian.label_texts["zlib1g"] == "compression library - runtime"
    row = next(i for i, text in enumerate(debian.train.texts) if text.startswith("GNU Bourne Again SHell."))
    assert {"base-files", "debianutils", "libc6", "libtinfo6"} <= set(debian.train.labels[row])
