"""Errors know their argument, in copies and in other words too."""

import copy
import pickle

import pytest

from arborank.core.errors import ArgumentError
from arborank.datasets import LayoutError

ERRORS = [
    (
        ArgumentError(
            "names",
            "holds 'fig', unheard of",
            ({"missing": "ignore"}, "to pass over it"),
            ({"a": 1, "b": 2}, "else"),
        ),
        "names holds 'fig', unheard of; say missing='ignore' to pass over it, or a=1, b=2 else",
        "<NAMES> holds 'fig', unheard of; say missing->ignore to pass over it, or a->1 b->2 else",
    ),
    (
        LayoutError("is 4", argument="text_column", place="f.tsv:1"),
        "f.tsv:1: text_column is 4",
        "f.tsv:1: <TEXT_COLUMN> is 4",
    ),
    (
        LayoutError("f.tsv:1: unclear", ({"xmc": True}, "if it is")),
        "f.tsv:1: unclear; say xmc (see read_xmc) if it is",
        "f.tsv:1: unclear; say xmc->True if it is",
    ),
]


@pytest.mark.parametrize(("error", "told", "otherwise"), ERRORS)
def test_errors_are_told_and_copied(error, told, otherwise):
    for one in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert isinstance(one, ValueError)
        assert str(one) == told
        in_words = one.told(lambda name: f"<{name.upper()}>", lambda name, value: f"{name}->{value}", " ")
        assert in_words == otherwise
        assert one.argument == error.argument
