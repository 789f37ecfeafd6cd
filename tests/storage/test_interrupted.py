"""A save that is killed, or fails, at any step leaves the old model or the new one."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from arborank.core.strings import StringTable
from arborank.storage import load, save
from support.toy import toy

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

PRELUDE = """
import os, random, shutil, signal, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from support.toy import toy
from arborank.storage import load, save
from arborank.storage.kinds import KINDS
KINDS["Toy"] = "support.toy"
directory = Path(sys.argv[2])

def check():
    model = load(directory)
    assert model == old or model == new
    return model == new
"""

EVERY_LINE = """
os.fsync = lambda descriptor: None  # a killed process needs none
old, new = toy(1), toy(2)
first = sys.argv[3] == "first"
if not first:
    save(old, directory)
outcomes = []
for step in range(100_000):
    child = os.fork()
    if child == 0:
        executed = 0
        def trace(frame, event, argument):
            global executed
            if not frame.f_code.co_filename.endswith(("store.py", "tensorfile.py", "disk.py")):
                return None
            if event == "line":
                if executed == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                executed += 1
            return trace
        sys.settrace(trace)
        save(new, directory)
        sys.settrace(None)
        os._exit(0)
    killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
    outcomes.append(check() if not first or (directory / "config.json").exists() else False)
    if not killed:
        break
    if first:
        shutil.rmtree(directory, ignore_errors=True)
    elif outcomes[-1]:
        save(old, directory)
assert outcomes == sorted(outcomes), "once the new model is in place, it stays"
assert outcomes.count(False) > 50 and outcomes.count(True) > 5, (outcomes.count(False), outcomes.count(True))
assert len(list(directory.iterdir())) == 4, list(directory.iterdir())
"""

RANDOM_MOMENTS = """
old, new = toy(1, 200_000), toy(2, 200_000)
save(old, directory)
start = time.perf_counter()
save(new, directory)
duration = time.perf_counter() - start
killed = 0
for number in range(25):
    child = os.fork()
    if child == 0:
        while True:
            save(new, directory)
            save(old, directory)
    time.sleep(random.uniform(0, 2 * duration))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    check()
save(new, directory)
assert len(list(directory.iterdir())) == 4
"""


def run(script, *arguments):
    source = Path(sys.modules["arborank"].__file__).parent.parent
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(source), os.environ.get("PYTHONPATH", "")]),
    }
    command = [sys.executable, "-c", PRELUDE + script, str(Path(__file__).parents[1]), *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("target", ["first", "again"])
def test_killed_at_every_line(tmp_path, target):
    run(EVERY_LINE, tmp_path / "model", target)


def test_killed_at_random_moments(tmp_path):
    run(RANDOM_MOMENTS, tmp_path / "model")


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_disk_full_at_every_step(tmp_path, monkeypatch, function):
    save(toy(1), tmp_path)
    before = sorted(os.listdir(tmp_path))
    real = getattr(os, function)
    for step in range(100):
        calls = iter(range(100))

        def fail(*arguments, calls=calls, step=step):
            if next(calls) == step:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*arguments)

        monkeypatch.setattr(os, function, fail)
        try:
            save(toy(2), tmp_path)
        except OSError:
            monkeypatch.setattr(os, function, real)
            if load(tmp_path) == toy(1):
                assert sorted(os.listdir(tmp_path)) == before
            else:
                assert load(tmp_path) == toy(2)
                break
        else:
            break
    assert step >= 1
    monkeypatch.setattr(os, function, real)
    save(toy(3), tmp_path)
    assert load(tmp_path) == toy(3)
    assert len(os.listdir(tmp_path)) == 4


def test_everything_is_on_the_disk_before_the_switch(tmp_path, monkeypatch):
    events = []
    real_sync, real_replace = os.fsync, os.replace

    def sync(descriptor):
        events.append(os.fstat(descriptor).st_ino)
        real_sync(descriptor)

    def replace(source, target):
        events.append((os.stat(source).st_ino, Path(target).name))
        real_replace(source, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", replace)
    save(toy(1), tmp_path)
    switch = next(
        i for i, event in enumerate(events) if isinstance(event, tuple) and event[1] == "config.json"
    )
    config, _ = events[switch]
    synced = [event for event in events[:switch] if not isinstance(event, tuple)]
    renamed = [i for i, event in enumerate(events[:switch]) if isinstance(event, tuple)]
    assert events.index(tmp_path.stat().st_ino, renamed[-1]) < switch
    written = {path.stat().st_ino for path in tmp_path.iterdir()}
    assert written | {config} <= set(synced)
    assert synced[-1] == tmp_path.stat().st_ino


PEAK = """
import resource
import numpy as np
from support.toy import Toy
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
"""

SAVE_64_MB = """
model = Toy(arrays={"a": np.ones(8 << 20, np.float32), "b": np.ones((2 << 20, 2), np.int64)})
start = peak()
save(model, directory)
assert peak() - start < 16 << 20, peak() - start
"""

LOAD_64_MB = """
start = peak()
model = load(directory, verify=False)
assert model.arrays["a"].nbytes + model.arrays["b"].nbytes == 64 << 20
assert peak() - start < 16 << 20, peak() - start
"""


def test_memory_of_saving_and_loading(tmp_path):
    pytest.importorskip("resource")
    run(PEAK + SAVE_64_MB, tmp_path / "model")
    run(PEAK + LOAD_64_MB, tmp_path / "model")


def test_interrupted_by_the_user(tmp_path, monkeypatch):
    save(StringTable(["old"]), tmp_path)
    before = sorted(os.listdir(tmp_path))

    def interrupt(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(StringTable(["new"]), tmp_path)
    assert sorted(os.listdir(tmp_path)) == before
    assert list(load(tmp_path)) == ["old"]
