"""Resumable work: what was done comes back, a damaged snapshot is passed over, nothing of other work is touched."""

import json
import logging
import os

import numpy as np
import pytest

from arborank.storage.manifest import checksum
from arborank.storage.runs import Run, fingerprint
from arborank.storage.snapshots import Snapshot, Snapshots


def run(directory, subject=None, **options):
    return Run(directory, {} if subject is None else subject, argument="work_dir", **options)


def save(directory, *steps, subject=None, size=100):
    with run(directory, subject) as held:
        for step in steps:
            Snapshots(held).save(Snapshot({"step": step}, {"a.b": np.full(size, step)}))


def latest(directory, subject=None):
    with run(directory, subject) as held:
        return Snapshots(held).latest()


def content(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def snapshots(directory):
    return sorted(directory.glob("checkpoint-*"))


def test_progress_comes_back(tmp_path):
    subject = {"epochs": [1, 2.0], "seed": np.int64(0)}
    with run(tmp_path / "new" / "run", subject) as held:
        assert held.progress == {}
        held.commit({"done": 3})
        assert held.progress == {"done": 3}
    before = content(tmp_path / "new" / "run")
    with run(tmp_path / "new" / "run", subject) as held:
        assert held.progress == {"done": 3}
    assert content(tmp_path / "new" / "run") == before
    assert list(before) == ["training.json"]


def test_one_process_at_a_time(tmp_path):
    with run(tmp_path) as held:
        held.commit({"done": 1})
        with pytest.raises(
            BlockingIOError, match=f"{tmp_path} is in use by another process; wait for it, or"
        ):
            run(tmp_path).__enter__()
        with run(tmp_path, reads=True) as beside:
            assert beside.progress == {"done": 1}
    with run(tmp_path):
        pass


def test_the_latest_comes_back_and_the_one_before_it_is_kept(tmp_path):
    assert latest(tmp_path) is None
    save(tmp_path, 5, 6, 7)
    found = latest(tmp_path)
    assert found.notes == {"step": 7}
    np.testing.assert_array_equal(found.arrays["a.b"], np.full(100, 7))
    assert [path.name for path in snapshots(tmp_path)] == [
        "checkpoint-000002.safetensors",
        "checkpoint-000003.safetensors",
    ]


@pytest.mark.parametrize("damage", ["cut", "empty", "bit", "gone"])
def test_a_damaged_snapshot_is_passed_over(tmp_path, caplog, damage):
    save(tmp_path, 1, 2)
    spoil(snapshots(tmp_path)[1], damage)
    with run(tmp_path) as held:
        store = Snapshots(held)
        with caplog.at_level(logging.WARNING):
            found = store.latest()
        assert found.notes == {"step": 1}
        np.testing.assert_array_equal(found.arrays["a.b"], np.ones(100))
        assert "continues from the checkpoint before it" in caplog.text
        store.save(Snapshot({"step": 2}, {"a.b": np.full(100, 2)}))  # as the training would
    assert latest(tmp_path).notes == {"step": 2}
    assert len(snapshots(tmp_path)) == 2  # of which neither is the damaged one
    for path in snapshots(tmp_path):
        spoil(path, damage)
    kept = content(tmp_path)
    with pytest.raises(ValueError, match=r"work_dir .* is damaged: .* checkpoints .*; remove"):
        latest(tmp_path)
    assert content(tmp_path) == kept


def test_notes_are_those_of_the_moment(tmp_path):
    with run(tmp_path) as held:
        store, history = Snapshots(held), []
        for step in (1, 2):
            history.append(step)
            store.save(Snapshot({"history": history}, {}))
    spoil(snapshots(tmp_path)[1], "gone")
    assert latest(tmp_path).notes == {"history": [1]}


def spoil(path, damage):
    if damage == "gone":
        path.unlink()
        return
    found = bytearray(path.read_bytes())
    found[-8] ^= 1
    path.write_bytes({"cut": found[:-40], "empty": b"", "bit": found}[damage])


def test_what_a_killed_process_left_is_removed(tmp_path):
    save(tmp_path, 1)
    (tmp_path / "training.json.tmp").write_bytes(b"half")
    (tmp_path / "checkpoint-000002.safetensors").write_bytes(b"half")
    save(tmp_path, 2)
    assert latest(tmp_path).notes == {"step": 2}
    assert sorted(content(tmp_path)) == [*(path.name for path in snapshots(tmp_path)), "training.json"]


def test_another_subject_is_refused_and_nothing_is_touched(tmp_path):
    save(tmp_path, 1, subject={"seed": 0, "loss": "hinge", "solver": {"Cp": 1.0}})
    before = content(tmp_path)
    different = r"what differs: loss \('hinge' there, 'l2' here\), Cp \(1.0 there, None here\)\. Give"
    with pytest.raises(ValueError, match=f"holds another training; {different}"):
        latest(tmp_path, {"seed": 0, "loss": "l2", "solver": {}})
    assert content(tmp_path) == before


def test_data_are_told_by_what_is_known_of_them(tmp_path):
    texts = ["one", "two"]
    save(tmp_path, 1, subject={"texts": fingerprint(*texts, number=2), "X": None})
    for other, message in (
        (
            {"texts": fingerprint("one", number=1), "X": None},
            r"what differs: texts \(number 2 there, 1 here\)\. Give",
        ),
        ({"texts": fingerprint("one", "three", number=2), "X": None}, r"what differs: texts\. Give"),
        ({"texts": fingerprint(*texts, number=2), "X": fingerprint(np.eye(2))}, r"what differs: X\. Give"),
    ):
        with pytest.raises(ValueError, match=message):
            latest(tmp_path, other)


def test_fingerprints_differ_by_content_shape_and_kind():
    values = [
        (np.zeros(4, np.int32),),
        (np.zeros(4, np.int64),),
        (np.zeros((2, 2), np.int32),),
        (np.zeros(2, np.int32), np.zeros(2, np.int32)),
        (np.ones(4, np.int32),),
        ("ab", "c"),
        ("a", "bc"),
        ("abc",),
        ("\ud800",),
    ]
    assert len({fingerprint(*some)["sha256"] for some in values}) == len(values)
    strided = np.arange(12.0).reshape(3, 4).T
    assert fingerprint(strided) == fingerprint(strided.copy())


def test_a_directory_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(FileExistsError, match=r"work_dir .* holds no training \(it holds 'thesis.tex'\)"):
        latest(tmp_path)
    assert os.listdir(tmp_path) == ["thesis.tex"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": "arborank-training", "format_version": 3}', "{"]
)
def test_a_damaged_record_is_refused(tmp_path, text):
    (tmp_path / "training.json").write_text(text)
    with pytest.raises(ValueError, match=r"training\.json cannot be taken up .* remove it to begin again"):
        latest(tmp_path)
    assert (tmp_path / "training.json").read_text() == text


def test_an_altered_record_is_refused(tmp_path):
    save(tmp_path, 1)
    state = json.loads((tmp_path / "training.json").read_text())
    state["progress"]["snapshots"][0]["notes"]["step"] = 2
    assert state["checksum"] != checksum(state)
    (tmp_path / "training.json").write_text(json.dumps(state))
    with pytest.raises(ValueError, match="checksum does not fit"):
        latest(tmp_path)


def test_a_failed_save_leaves_the_one_before(tmp_path):
    save(tmp_path, 1)
    with run(tmp_path) as held, pytest.raises(TypeError):
        Snapshots(held).save(Snapshot({}, {"a": np.array(["text"])}))
    assert latest(tmp_path).notes == {"step": 1}
    assert len(content(tmp_path)) == 2
