import pytest

from arborank.storage.kinds import KINDS


@pytest.fixture(autouse=True)
def toys(monkeypatch):
    monkeypatch.setitem(KINDS, "Toy", "support.toy")
