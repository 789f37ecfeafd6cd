"""Warnings are shown as of the user's line."""

import _thread
import threading
import warnings

import pytest

from arborank.core.notices import warn


def module(name, code, **names):
    """Return the names of a module of some code."""
    held = {"__name__": name, **names}
    exec(compile(code, f"{name}.py", "exec"), held)
    return held


INNER = module("arborank.inner", "def outer():\n    inner()\ndef inner():\n    warn('too few')", warn=warn)


@pytest.mark.parametrize("name", ["mine", "arborankers", "scikit"])
def test_the_line_outside(name):
    users = module(name, "\n\ndef run():\n    outer()", outer=INNER["outer"])
    with pytest.warns(UserWarning, match="too few") as caught:
        users["run"]()
    assert (caught[0].filename, caught[0].lineno) == (f"{name}.py", 4)


def test_scikit_learn_between_is_passed_over():
    pipeline = module("sklearn.pipeline", "def fit():\n    outer()", outer=INNER["outer"])
    users = module("mine", "def run():\n    fit()", fit=pipeline["fit"])
    with pytest.warns(UserWarning, match="too few") as caught:
        users["run"]()
    assert (caught[0].filename, caught[0].lineno) == ("mine.py", 2)


def test_a_thread_that_nobody_outside_began():
    done = threading.Event()
    thread = module(
        "arborank.thread", "def run():\n    outer()\n    end()", outer=INNER["outer"], end=done.set
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _thread.start_new_thread(thread["run"], ())
        assert done.wait(60)
    assert [str(one.message) for one in caught] == ["too few"]
