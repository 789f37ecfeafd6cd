"""A directory belongs to one process at a time, where the system has locks."""

import errno
import fcntl
import os
import sys
import threading

import pytest

from arborank.storage import save
from arborank.storage.lock import exclusive
from support.toy import Toy


def test_one_holder_at_a_time(tmp_path):
    with exclusive(tmp_path) as held:
        assert held
        with pytest.raises(BlockingIOError, match=f"{tmp_path} is in use"), exclusive(tmp_path):
            pass
    with exclusive(tmp_path) as held:
        assert held


def test_the_next_one_waits(tmp_path):
    order = []

    def second():
        with exclusive(tmp_path, wait=True) as held:
            order.append(("second", held))

    with exclusive(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.1)
        order.append("first")
    thread.join(60)
    assert order == ["first", ("second", True)]


def without_locks(monkeypatch, system):
    def refuse(descriptor, how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    if system == "windows":
        monkeypatch.setattr(sys, "platform", "win32")
        monkeypatch.setitem(sys.modules, "fcntl", None)
    else:
        monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.parametrize("system", ["windows", "network"])
def test_without_locks(tmp_path, monkeypatch, system):
    with exclusive(tmp_path):
        without_locks(monkeypatch, system)
        for wait in (False, True):
            with exclusive(tmp_path, wait=wait) as held:
                assert not held


@pytest.mark.parametrize("system", ["windows", "network"])
def test_a_save_without_locks_leaves_what_another_may_be_writing(tmp_path, monkeypatch, system):
    save(Toy({"a": 1}), tmp_path / "model")
    before = set(os.listdir(tmp_path / "model"))
    other = tmp_path / "model" / "config.json-01234567.tmp"
    other.write_text("{}")
    with monkeypatch.context() as patch:
        without_locks(patch, system)
        save(Toy({"a": 2}), tmp_path / "model")
    assert set(os.listdir(tmp_path / "model")) == {*before, other.name}
    save(Toy({"a": 3}), tmp_path / "model")
    assert set(os.listdir(tmp_path / "model")) == before


def test_descriptors_are_closed(tmp_path, monkeypatch):
    opened, real = [], os.open
    monkeypatch.setattr(os, "open", lambda *given: opened.append(real(*given)) or opened[-1])
    with exclusive(tmp_path):
        pass
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[-1])
