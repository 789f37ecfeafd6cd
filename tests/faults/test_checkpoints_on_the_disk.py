"""Both kinds of training: what a record counts is on the disk before the record is, whenever the process is killed."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from arborank import XRLinear
from arborank.linear import checkpoint
from arborank.storage.runs import Run
from arborank.storage.snapshots import Snapshot, Snapshots


def training(directory):
    return Run(directory, {"seed": 0}, argument="checkpoint_dir")


def save(store, step):
    store.save(Snapshot({"step": step}, {"a": np.full(100, step)}))


class Disk:
    """What a power cut would leave: content that was synced, under names whose directory was synced since."""

    def __init__(self, monkeypatch, root):
        self.content, self.names, self.violations, self.switches = {}, {}, [], []
        self._root, self._fsync, self._replace = Path(root), os.fsync, os.replace
        monkeypatch.setattr(os, "fsync", self.fsync)
        monkeypatch.setattr(os, "replace", self.replace)

    def fsync(self, descriptor):
        self._fsync(descriptor)
        place = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        inode = os.fstat(descriptor).st_ino
        if place.is_dir():
            self.names[place] = {name: (place / name).stat().st_ino for name in os.listdir(place)}
        else:
            self.content[inode] = place.read_bytes()

    def replace(self, source, target):
        source, target = Path(source), Path(target)
        new = source.stat().st_ino
        if self.content.get(new) != source.read_bytes():
            self.violations.append(f"{target.name} is announced before its content is on the disk")
        for name in os.listdir(target.parent):
            other = target.parent / name
            if other in (source, target) or other.is_dir():
                continue
            inode = other.stat().st_ino
            if self.names.get(target.parent, {}).get(name) != inode:
                self.violations.append(f"{target.name} is announced before the name {name} is on the disk")
            if self.content.get(inode) != other.read_bytes():
                self.violations.append(f"{target.name} is announced before {name} is on the disk")
        self._replace(source, target)
        self.switches.append((target, new))

    def durable(self):
        """Whether every file that was put in place, and is still there, is so on the disk; with its directories."""
        for target, inode in dict(self.switches).items():
            if target.exists() and self.names.get(target.parent, {}).get(target.name) != inode:
                return False
            place = target.parent
            while place != self._root:
                if place.name not in self.names.get(place.parent, {}):
                    return False
                place = place.parent
        return True


needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")


@needs_proc
def test_transformer_checkpoints(tmp_path, monkeypatch):
    disk = Disk(monkeypatch, tmp_path)
    with training(tmp_path / "runs" / "one") as held:
        assert [target.name for target, _ in disk.switches] == ["training.json"]
        assert disk.durable()
        store = Snapshots(held)
        for step in range(1, 5):
            save(store, step)
            assert disk.durable()
    assert disk.violations == []
    assert len(disk.switches) == 5
    assert sorted(name[:17] for name in os.listdir(held.directory)) == [
        "checkpoint-000003",
        "checkpoint-000004",
        "training.json",
    ]


@needs_proc
def test_an_old_checkpoint_goes_only_after_the_new_one_is_there(tmp_path, monkeypatch):
    disk = Disk(monkeypatch, tmp_path)
    unlink = Path.unlink

    def checked(path, missing_ok=False):
        if path.suffix == ".safetensors":
            assert disk.durable()
            assert len(disk.names[tmp_path]) == 4  # three checkpoints and training.json
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", checked)
    with training(tmp_path) as held:
        store = Snapshots(held)
        for step in range(1, 5):
            save(store, step)
        assert store.latest().notes == {"step": 4}


@needs_proc
def test_linear_training(topics, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "_PIECE", 1 << 9)
    disk = Disk(monkeypatch, tmp_path)
    XRLinear(n_jobs=1, branching=3, max_leaf_size=4).fit(*topics, work_dir=tmp_path / "deep" / "work")
    assert disk.violations == []
    assert disk.durable()
    assert sum(target.name == "training.json" for target, _ in disk.switches) > 5


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
import numpy as np
from arborank.storage.runs import Run
from arborank.storage.snapshots import Snapshot, Snapshots

os.fsync = lambda descriptor: None  # a killed process needs none
place, start = Path(sys.argv[1], "run"), Path(sys.argv[1], "start")

def train(directory, last):
    with Run(directory, {"seed": 0}, argument="checkpoint_dir") as held:
        store = Snapshots(held)
        found = store.latest()
        for step in range(1 if found is None else found.notes["step"] + 1, last + 1):
            store.save(Snapshot({"step": step, "loss": [0.5] * step}, {"a": np.full(100, step)}))

def step_of(directory):
    with Run(directory, {"seed": 0}, argument="checkpoint_dir") as held:
        found = Snapshots(held).latest()
    if found is None:
        return 0
    step = found.notes["step"]
    assert found.notes["loss"] == [0.5] * step and (found.arrays["a"] == step).all()
    return step

first = int(sys.argv[2])
if first:
    train(start, first)
seen = []
for line in range(0, 100_000, 2):
    shutil.rmtree(place, ignore_errors=True)
    if first:
        shutil.copytree(start, place)
    child = os.fork()
    if child == 0:
        executed = 0
        def trace(frame, event, argument):
            global executed
            if not frame.f_code.co_filename.endswith(("runs.py", "snapshots.py", "tensorfile.py", "disk.py")):
                return None
            if event == "line":
                if executed == line:
                    os.kill(os.getpid(), signal.SIGKILL)
                executed += 1
            return trace
        sys.settrace(trace)
        train(place, first + 1)
        sys.settrace(None)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    found = step_of(place)
    seen.append(found)
    assert first <= found <= first + 1, (line, found)
    train(place, first + 2)  # goes on, whatever was left
    assert step_of(place) == first + 2
    left = sorted(os.listdir(place))
    assert left[-1] == "training.json" and len(left) == min(first + 2, 2) + 1, left
    if not os.WIFSIGNALED(status):
        break
assert os.waitstatus_to_exitcode(status) == 0
assert seen == sorted(seen), "once the new checkpoint is in place, it stays"
assert seen.count(first) > 20 and seen.count(first + 1) > 5, (seen.count(first), seen.count(first + 1))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.subprocess
@pytest.mark.parametrize("first", [0, 2])
def test_killed_at_every_other_line(tmp_path, first):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(first)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
