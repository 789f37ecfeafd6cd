"""Two processes that train together end with the same encoder."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from arborank.transformer.encoders.device import choose_device  # noqa: E402
from arborank.transformer.tuning.team import Team, gathered_team  # noqa: E402

PROGRAM = """
import json, sys
import numpy as np, torch
from arborank import NgramTfidf
from arborank.transformer import XRTransformer

folder, data, out = sys.argv[1:4]
texts, Y = json.load(open(data))
model = XRTransformer(
    folder, features=NgramTfidf(), max_leaf_size=4, branching=4, n_jobs=1, precision="float32", epochs=2.0,
    batch_size=15, validation=0.1, evaluate_every=5, checkpoint_dir=out + "/run", checkpoint_every=4,
    learning_rate=2e-3, head_learning_rate=2e-2,
).fit(texts, Y)
import os
np.save(f"{out}/{os.environ['RANK']}.npy", model.encode(texts))
ids, _ = model.predict_topk(texts, 1)
np.save(f"{out}/ids{os.environ['RANK']}.npy", ids)
"""


@pytest.mark.subprocess
def test_two_processes_end_with_the_same_model(folder, data, tmp_path):
    import json

    texts, Y = data[0][:151], data[1][:151]
    (tmp_path / "data.json").write_text(json.dumps([texts, Y]))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    arguments = [sys.executable, "-c", PROGRAM, folder, str(tmp_path / "data.json"), str(tmp_path)]
    processes = [subprocess.Popen(arguments, env={**common, "RANK": str(rank)}) for rank in (0, 1)]
    assert [process.wait(timeout=600) for process in processes] == [0, 0]
    one, other = (np.load(tmp_path / f"{rank}.npy") for rank in (0, 1))
    np.testing.assert_allclose(one, other, atol=1e-4)
    ids = np.load(tmp_path / "ids0.npy")
    assert np.mean([row[0] in labels for row, labels in zip(ids, Y, strict=True)]) > 0.9


def test_a_process_group_of_the_program_is_used_and_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")  # of another launcher: the group counts
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1)
    try:
        with gathered_team(choose_device("cpu", "float32")) as team:
            assert (team.rank, team.size) == (0, 1)
        assert torch.distributed.is_initialized()
    finally:
        torch.distributed.destroy_process_group()


def test_without_other_processes_there_is_no_group(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with gathered_team(choose_device("cpu", "float32")) as team:
        assert (team.rank, team.size) == (0, 1)
        assert not torch.distributed.is_initialized()


def test_a_team_of_one_has_all_the_work():
    rows, array = np.arange(5), np.ones((5, 2))
    team = Team()
    assert team.first
    np.testing.assert_array_equal(team.share(rows), rows)
    team.exchange(rows, choose_device("cpu", "float32"), array)
    team.wait()
    parts = [(np.arange(2), torch.ones(2, 3))]
    assert team.gather(parts, 3, None, torch.device("cpu")) is parts


def test_work_is_divided_without_a_gap():
    parts = [Team(rank, 3).share(np.arange(8)) for rank in range(3)]
    assert sorted(np.concatenate(parts).tolist()) == list(range(8))
