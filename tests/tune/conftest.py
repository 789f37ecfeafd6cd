"""Data of a few words, on which a training takes a moment."""

import pytest

from support.tuning import made_up

pytest.importorskip("optuna")


@pytest.fixture(scope="session")
def data():
    """Rows to learn from, and rows to compare settings on."""
    return made_up(240, 1), made_up(80, 2)
