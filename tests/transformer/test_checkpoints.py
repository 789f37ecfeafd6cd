import logging
import os

import numpy as np
import pytest

from arborank.transformer.checkpoints import Checkpoint, Checkpoints


def files(directory):
    return sorted(name for name in os.listdir(directory) if name.startswith("checkpoint-"))


def test_the_latest_comes_back_and_the_one_before_it_is_kept(tmp_path):
    store = Checkpoints(tmp_path / "new", {"epochs": [1, 2.0], "seed": 0})
    assert store.latest() is None
    for stage, step in ((0, 500), (0, 1000), (1, 7)):
        arrays = {"a.b": np.arange(step, dtype=np.float32)}
        store.save(Checkpoint(stage, step, {"history": [{"loss": 0.5}]}, arrays))
    found = Checkpoints(tmp_path / "new", {"epochs": [1, 2.0], "seed": 0}).latest()
    assert (found.stage, found.step, found.notes) == (1, 7, {"history": [{"loss": 0.5}]})
    np.testing.assert_array_equal(found.arrays["a.b"], np.arange(7))
    assert [name[:24] for name in files(tmp_path / "new")] == [
        "checkpoint-000-000001000",
        "checkpoint-001-000000007",
    ]
    assert (tmp_path / "new" / "training.json").exists()


@pytest.mark.parametrize("damage", ["cut", "empty", "bit"])
def test_a_damaged_checkpoint_is_passed_over(tmp_path, caplog, damage):
    store = Checkpoints(tmp_path, {})
    for step in (1, 2):
        store.save(Checkpoint(0, step, {}, {"a": np.full(100, step)}))
    spoil(tmp_path / files(tmp_path)[1], damage)
    with caplog.at_level(logging.WARNING):
        found = Checkpoints(tmp_path, {}).latest()
    assert found.step == 1
    np.testing.assert_array_equal(found.arrays["a"], np.ones(100))
    assert "continues from the checkpoint before it" in caplog.text
    store.save(Checkpoint(0, 2, {}, {"a": np.full(100, 2)}))  # as the training would
    assert Checkpoints(tmp_path, {}).latest().step == 2
    kept = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}
    for name in files(tmp_path):
        spoil(tmp_path / name, damage)
    with pytest.raises(ValueError, match=r"no checkpoint in checkpoint_dir .* is whole: .* Restore one, or"):
        Checkpoints(tmp_path, {}).latest()
    assert set(os.listdir(tmp_path)) == set(kept)


def spoil(path, damage):
    content = bytearray(path.read_bytes())
    content[-8] ^= 1
    path.write_bytes({"cut": content[:-40], "empty": b"", "bit": content}[damage])


def test_what_a_killed_process_left_is_removed(tmp_path):
    store = Checkpoints(tmp_path, {})
    (tmp_path / "checkpoint-01234567.tmp").write_bytes(b"half")
    store.save(Checkpoint(0, 1, {}, {}))
    assert not (tmp_path / "checkpoint-01234567.tmp").exists()


def test_another_configuration_is_refused_and_nothing_is_touched(tmp_path):
    Checkpoints(tmp_path, {"seed": 0, "loss": "hinge"}).save(Checkpoint(0, 1, {}, {}))
    before = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}
    with pytest.raises(ValueError, match="is of another training: seed is 0 there and 1 here"):
        Checkpoints(tmp_path, {"seed": 1, "loss": "hinge"})
    assert {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == before


def test_data_are_told_by_their_numbers(tmp_path):
    texts = {"number": 5, "digest": "ab", "tokens": 9}
    Checkpoints(tmp_path, {"texts": texts})
    with pytest.raises(ValueError, match=r"training: texts differ \(number 5 there and 6 here\)\. Give"):
        Checkpoints(tmp_path, {"texts": texts | {"number": 6, "digest": "cd"}})
    with pytest.raises(ValueError, match=r"training: texts differ\. Give"):
        Checkpoints(tmp_path, {"texts": texts | {"digest": "cd"}})


def test_a_directory_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(FileExistsError, match=r"holds no checkpoint \(it holds 'thesis.tex'\)"):
        Checkpoints(tmp_path, {})
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_a_damaged_configuration_is_refused(tmp_path):
    (tmp_path / "training.json").write_text("{")
    with pytest.raises(FileExistsError, match="is damaged"):
        Checkpoints(tmp_path, {})


def test_a_failed_save_leaves_the_one_before(tmp_path):
    store = Checkpoints(tmp_path, {})
    store.save(Checkpoint(0, 1, {}, {"a": np.zeros(3)}))
    with pytest.raises(TypeError):
        store.save(Checkpoint(0, 2, {}, {"a": np.array(["text"])}))
    assert store.latest().step == 1
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]
