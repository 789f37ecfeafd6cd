import pytest

from arborank.persistence.kinds import KINDS


@pytest.fixture(autouse=True)
def toys(monkeypatch):
    monkeypatch.setitem(KINDS, "Toy", "toy")
