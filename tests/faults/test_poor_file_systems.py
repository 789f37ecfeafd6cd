"""Where a directory cannot be synced or a file not mapped, models are saved and opened; other errors name the file."""

import errno
import json
import mmap
import os
import stat
from contextlib import contextmanager

import numpy as np
import pytest
from click.testing import CliRunner

import arborank
from arborank import TextRanker, XRLinear
from arborank.cli import main
from arborank.core.strings import StringTable
from arborank.storage import append, disk, save, tensorfile
from arborank.storage.append import GrowingArrays, map_arrays
from arborank.storage.runs import Run
from arborank.storage.snapshots import Snapshot, Snapshots
from arborank.transformer.encoders.tokens import TokenCache

TEXTS = ["red apple", "fast car", "green pear", "slow car"] * 5
LABELS = [["fruit"], ["vehicle"], ["fruit"], ["vehicle"]] * 5
NO_SYNC = ["EINVAL", "EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EBADF"]
NO_MAPS = ["ENODEV", "EINVAL", "EACCES", "EPERM", "ENOSYS", "EOPNOTSUPP"]


def training(directory, **subject):
    return Run(directory, subject, argument="work_dir")


def without_directory_sync(monkeypatch, name):
    """Let directories refuse to be synced; return how often one was asked."""
    asked, real = [], os.fsync

    def fsync(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            asked.append(descriptor)
            raise OSError(getattr(errno, name), os.strerror(getattr(errno, name)))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return asked


def without_maps(monkeypatch, name="ENODEV"):
    """Let files refuse to be mapped; return how often one was asked."""
    asked = []

    def refuse(*arguments, **options):
        asked.append(arguments)
        raise OSError(getattr(errno, name), os.strerror(getattr(errno, name)))

    monkeypatch.setattr(mmap, "mmap", refuse)
    monkeypatch.setattr(disk, "map_pages", refuse)
    return asked


@pytest.mark.parametrize("name", NO_SYNC)
def test_a_model_is_saved_without_directory_sync(tmp_path, monkeypatch, name):
    asked = without_directory_sync(monkeypatch, name)
    for words in (["old"], ["new", "er"]):
        save(StringTable(words), tmp_path / "a" / "model")
        assert list(arborank.load(tmp_path / "a" / "model")) == words
    assert asked
    assert len(os.listdir(tmp_path / "a" / "model")) == 3


@pytest.mark.parametrize("name", NO_SYNC)
def test_trainings_go_on_without_directory_sync(topics, tmp_path, monkeypatch, name):
    asked = without_directory_sync(monkeypatch, name)
    expected = XRLinear(max_leaf_size=4).fit(*topics).predict_topk(topics[0], 3)[0]
    for _ in range(2):
        model = XRLinear(max_leaf_size=4).fit(*topics, work_dir=tmp_path / "work")
        assert np.array_equal(model.predict_topk(topics[0], 3)[0], expected)
    with training(tmp_path / "run") as held:
        Snapshots(held).save(Snapshot({"step": 1}, {"a": np.arange(3)}))
    with training(tmp_path / "run") as held:
        assert Snapshots(held).latest().notes == {"step": 1}
    assert len(asked) > 5


def test_a_file_that_cannot_be_synced_at_all(tmp_path, monkeypatch):
    def fsync(descriptor):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", fsync)
    save(StringTable(["word"]), tmp_path)
    assert list(arborank.load(tmp_path)) == ["word"]


def test_a_directory_that_may_not_be_listed(tmp_path, monkeypatch):
    real = os.open

    def refuse(path, *arguments, **options):
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    disk.write_text(tmp_path / "new", "text")
    disk.put_in_place(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_text() == "text"


@pytest.mark.parametrize("name", NO_MAPS)
def test_a_model_is_opened_without_maps(tmp_path, monkeypatch, name):
    TextRanker().fit(TEXTS, LABELS).save(tmp_path)
    expected = arborank.load(tmp_path).rank_batch(TEXTS)
    asked = without_maps(monkeypatch, name)
    for verify in (False, True):
        model = arborank.load(tmp_path, verify=verify)
        assert model.rank_batch(TEXTS) == expected
    assert asked
    units = model.model_.layers_[0].arrays["units"]
    assert not units.flags.writeable


def test_a_model_without_maps_is_updated_and_saved_again(tmp_path, monkeypatch):
    def updated():
        model = arborank.load(tmp_path / "model")
        texts = ["a slow boat", "a fast ship", "a fast car"]
        model.add_labels(["boat", "ship"], texts, [["boat"], ["ship"], ["vehicle"]])
        return model.rank_batch(["boat", "red apple", "ship"])

    TextRanker().fit(TEXTS, LABELS).save(tmp_path / "model")
    expected = updated()
    without_maps(monkeypatch)
    assert updated() == expected
    model = arborank.load(tmp_path / "model")
    model.save(tmp_path / "model")
    model.quantize("int8").save(tmp_path / "small")
    assert arborank.load(tmp_path / "model").rank_batch(TEXTS) == model.rank_batch(TEXTS)
    assert [row[0][0] for row in arborank.load(tmp_path / "small").rank_batch(TEXTS[:2])] == [
        "fruit",
        "vehicle",
    ]


def test_altered_and_truncated_files_are_found_without_maps(tmp_path, monkeypatch):
    save(StringTable(["word", "words"]), tmp_path)
    path = next(tmp_path.glob("*.safetensors"))
    whole = path.read_bytes()
    without_maps(monkeypatch)
    path.write_bytes(whole[:-1] + b"X")
    with pytest.raises(ValueError, match="is altered"):
        arborank.load(tmp_path)
    path.write_bytes(whole[:-1])
    with pytest.raises(ValueError, match="is truncated"):
        arborank.load(tmp_path)


def test_a_file_that_shrinks_while_it_is_read(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"1234")
    without_maps(monkeypatch)
    with (tmp_path / "file").open("rb") as file, pytest.raises(ValueError, match="truncated: 4 bytes"):
        disk.map_file(file, 5)


def test_a_training_goes_on_without_maps(topics, tmp_path, monkeypatch):
    expected = XRLinear(max_leaf_size=4).fit(*topics).predict_topk(topics[0], 3)
    asked = without_maps(monkeypatch)
    for _ in range(2):
        model = XRLinear(max_leaf_size=4).fit(*topics, work_dir=tmp_path / "work")
        for found, right in zip(model.predict_topk(topics[0], 3), expected, strict=True):
            assert np.array_equal(found, right)
    with training(tmp_path / "run") as held:
        Snapshots(held).save(Snapshot({}, {"a": np.arange(3)}))
        assert Snapshots(held).latest().arrays["a"].tolist() == [0, 1, 2]
    assert len(asked) > 4


def test_tokens_and_passing_arrays_without_maps(tmp_path, monkeypatch):
    without_maps(monkeypatch)
    cache = TokenCache.build(
        ["ab", "c"], lambda some: ([[ord(letter) for letter in text] for text in some], 0), vocabulary=200,
        path=tmp_path / "tokens",
    )  # fmt: skip
    assert cache.batch(np.array([0, 1]), 0)[0].tolist() == [[97, 98], [99, 0]]
    array = disk.scratch_array(tmp_path / "vectors", (3, 2), np.float32)
    array[1] = 5.0
    assert array.tolist() == [[0, 0], [5, 5], [0, 0]]


def test_a_passing_array_lies_in_its_file(tmp_path):
    array = disk.scratch_array(tmp_path / "vectors", (3, 500_000), np.float32)
    assert array.shape == (3, 500_000)
    assert not array.any()
    array[2, -1] = 1.0
    assert np.fromfile(tmp_path / "vectors", np.float32)[-1] == 1.0
    assert (
        tmp_path / "vectors"
    ).stat().st_blocks * 512 >= array.nbytes  # room is kept: a full disk is told now
    assert disk.scratch_array(tmp_path / "none", (0, 4), np.float32).shape == (0, 4)


# ------------------------------------------------------------------ what cannot be forgiven names the file


@contextmanager
def files_of_at_most(n_bytes):
    """Let files be no longer than this; the system says EFBIG, as it says ENOSPC on a disk that is full."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def saving(path):
    save(StringTable([str(i) for i in range(5000)]), path / "model")


def growing(path):
    with GrowingArrays(path / "layer0", {}) as files:
        files.append({"units": np.zeros(5000)})
        files.sync()


def checkpointing(path):
    with training(path / "run") as held:
        Snapshots(held).save(Snapshot({}, {"a": np.zeros(5000)}))


def configuring(path):
    with training(path / "run", what="x" * 5000):
        pass


def tokenising(path):
    TokenCache.build(
        ["text"] * 5000, lambda some: ([[1] for _ in some], 0), vocabulary=9, path=path / "tokens"
    )


def passing(path):
    disk.scratch_array(path / "vectors", (5000,), np.float32)


@pytest.mark.parametrize("work", [saving, growing, checkpointing, configuring, tokenising, passing])
def test_a_full_disk_names_the_file(tmp_path, work):
    with files_of_at_most(2000), pytest.raises(OSError, match="File too large") as caught:
        work(tmp_path)
    assert caught.value.errno == errno.EFBIG
    assert caught.value.filename.startswith(str(tmp_path))
    assert str(tmp_path) in str(caught.value)
    if work in (saving, checkpointing, configuring):  # what was half written is not in the way
        work(tmp_path)


@pytest.mark.parametrize("name", ["ENOSPC", "EDQUOT", "EROFS", "EIO"])
@pytest.mark.parametrize("what", ["file", "directory"])
@pytest.mark.parametrize("work", [saving, checkpointing])
def test_a_sync_that_fails_names_the_file(tmp_path, monkeypatch, name, what, work):
    real = os.fsync

    def fsync(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode) == (what == "directory"):
            raise OSError(getattr(errno, name), os.strerror(getattr(errno, name)))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match=str(tmp_path)) as caught:
        work(tmp_path)
    assert caught.value.errno == getattr(errno, name)
    assert caught.value.filename.startswith(str(tmp_path))


@pytest.mark.parametrize("name", ["ENOMEM", "EAGAIN", "EIO", "EMFILE"])
def test_a_map_that_fails_otherwise_names_the_file(tmp_path, monkeypatch, name):
    save(StringTable(["word"]), tmp_path / "model")
    with GrowingArrays(tmp_path / "layer", {}) as files:
        files.append({"a": np.arange(3)})
        described = files.sync()
    without_maps(monkeypatch, name)
    for opening in (
        lambda: arborank.load(tmp_path / "model"),
        lambda: map_arrays(tmp_path / "layer", described),
        lambda: disk.scratch_array(tmp_path / "vectors", (3,), np.float32),
    ):
        with pytest.raises(OSError, match=str(tmp_path)) as caught:
            opening()
        assert caught.value.errno == getattr(errno, name)


@pytest.mark.parametrize("name", ["EACCES", "EROFS", "EIO", "EMFILE"])
@pytest.mark.parametrize("module", [append, tensorfile])
def test_what_cannot_be_opened_is_not_called_damaged(topics, tmp_path, monkeypatch, module, name):
    """To remove a directory is no advice for what its owner may be able to mend."""
    XRLinear(max_leaf_size=4).fit(*topics, work_dir=tmp_path)
    state = json.loads((tmp_path / "training.json").read_text())
    real = os.open

    def refuse(path, flags, *arguments, **options):
        if not flags & (os.O_WRONLY | os.O_RDWR | os.O_DIRECTORY) and os.path.isfile(path):
            raise OSError(getattr(errno, name), os.strerror(getattr(errno, name)), str(path))
        return real(path, flags, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(OSError, match=os.strerror(getattr(errno, name))) as caught:
        XRLinear(max_leaf_size=4).fit(*topics, work_dir=tmp_path)
    assert str(tmp_path) in caught.value.filename
    monkeypatch.undo()
    assert json.loads((tmp_path / "training.json").read_text()) == state


def test_an_error_that_has_no_number_stays_as_it_is():
    with pytest.raises(OSError, match=r"^standard output is closed$"), disk.naming("file"):
        raise OSError("standard output is closed")
    with pytest.raises(FileNotFoundError) as caught, disk.naming("outer"):
        raise FileNotFoundError(2, "No such file", "inner")
    assert caught.value.filename == "inner"


def test_an_interruption_right_after_the_switch_leaves_the_new_model(tmp_path, monkeypatch):
    save(StringTable(["old"]), tmp_path)
    real = os.replace

    def replace(source, target):
        real(source, target)
        if os.path.basename(target) == "config.json":
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        save(StringTable(["new"]), tmp_path)
    monkeypatch.undo()
    assert list(arborank.load(tmp_path, verify=True)) == ["new"]
    save(StringTable(["newer"]), tmp_path)
    assert len(os.listdir(tmp_path)) == 3


# ------------------------------------------------------------------ the command line


def lines(path):
    path.write_text("".join(f"{labels[0]}\t{text}\n" for text, labels in zip(TEXTS, LABELS, strict=True)))
    return str(path)


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_command_line_on_a_poor_file_system(tmp_path, monkeypatch):
    data = lines(tmp_path / "train.txt")
    without_directory_sync(monkeypatch, "EINVAL")
    without_maps(monkeypatch)
    assert run("train", data, "-m", tmp_path / "model", "--work-dir", tmp_path / "work").exit_code == 0
    for name in ("answers.jsonl", "answers.jsonl.gz", "answers.jsonl.xz"):
        done = run("predict", tmp_path / "model", data, "-o", tmp_path / name)
        assert done.exit_code == 0, done.output
        assert (tmp_path / name).stat().st_size > 50
    assert {path.name for path in tmp_path.iterdir()} == {
        "train.txt", "model", "work", "answers.jsonl", "answers.jsonl.gz", "answers.jsonl.xz",
    }  # fmt: skip


def test_answers_are_on_the_disk_before_they_have_their_name(tmp_path, monkeypatch):
    data = lines(tmp_path / "train.txt")
    run("train", data, "-m", tmp_path / "model")
    events, fsync, replace = [], os.fsync, os.replace

    def synced(descriptor):
        events.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def replaced(source, target):
        events.append((os.stat(source).st_ino, os.path.basename(target)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    assert run("predict", tmp_path / "model", data, "-o", tmp_path / "answers.jsonl").exit_code == 0
    switch = events.index(((tmp_path / "answers.jsonl").stat().st_ino, "answers.jsonl"))
    assert (tmp_path / "answers.jsonl").stat().st_ino in events[:switch]
    assert events[-1] == tmp_path.stat().st_ino


@pytest.mark.parametrize("ending", ["", ".gz", ".xz"])
def test_answers_on_a_full_disk(tmp_path, ending):
    data = lines(tmp_path / "train.txt")
    run("train", data, "-m", tmp_path / "model")
    with files_of_at_most(40):
        done = run("predict", tmp_path / "model", data, "-o", tmp_path / f"answers.jsonl{ending}")
    assert done.exit_code == 1
    assert f"answers.jsonl{ending}: File too large" in done.output
    assert not list(tmp_path.glob("*answers*"))
