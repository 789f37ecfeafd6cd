"""Whatever ends a training, the same call goes on, and makes the same model."""

import os
import signal
import subprocess
import sys

import pytest

from arborank.distributed import LocalExecutor, SerialExecutor, StageError, fit
from arborank.distributed.stages import STAGES
from support.shards import made_up, ranker, state_of, write_shards

pytest.importorskip("pyarrow")


class Stopping:
    """Runs one task of a stage, then is interrupted."""

    def __init__(self):
        self.ran = []

    def run(self, work, tasks, finished):
        SerialExecutor(1).run(work, tasks[:1], finished)
        self.ran += [task.name for task in tasks[:1]]
        if len(tasks) > 1 or len(self.ran) % 2:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def small():
    return made_up(500, 150)


def few(**changes):
    return ranker(max_sample=60, max_rows=200, combine="l3-hinge", **changes)


def options(tmp_path, **changes):
    return {"work_dir": tmp_path / "work", "ranker": few(), "memory": 1 << 20} | changes


def test_every_stage_can_be_interrupted(tmp_path, small):
    shards = write_shards(tmp_path / "shards", *small, 2)
    executor, model = Stopping(), None
    while model is None:
        try:
            model = fit(shards, tmp_path / "model", **options(tmp_path, executor=executor))
        except KeyboardInterrupt:
            assert not (tmp_path / "model").exists()
    assert state_of(model) == state_of(few().fit(*small))
    assert len(executor.ran) == len(set(executor.ran))  # nothing was done twice
    assert {name.partition("/")[0] for name in executor.ran} == set(STAGES) - {
        "documents",
        "answers",
        "score",
        "pairs",
        "queries",
    }


class Killing:
    """Kills its processes when the first task of each of some stages has ended."""

    def __init__(self, executor, stages):
        self.executor, self.stages = executor, set(stages)

    def run(self, work, tasks, finished):
        def and_kill(task):
            finished(task)
            if task.stage in self.stages:
                self.stages.remove(task.stage)
                for pid in self.executor.pids():
                    os.kill(pid, signal.SIGKILL)

        self.executor.run(work, tasks, and_kill)


def test_processes_that_are_killed_are_replaced(tmp_path, small):
    shards = write_shards(tmp_path / "shards", *small, 4)
    with LocalExecutor(2) as processes:
        executor = Killing(processes, ["read", "rows", "subtrees", "layers"])
        model = fit(shards, tmp_path / "model", **options(tmp_path, executor=executor))
    assert executor.stages == set()
    assert state_of(model) == state_of(few().fit(*small))


def test_changed_settings_keep_what_they_do_not_change(tmp_path, small):
    shards = write_shards(tmp_path / "shards", *small, 2)
    fit(shards, tmp_path / "model", **options(tmp_path, executor=SerialExecutor(1)))

    class Counting(SerialExecutor):
        def run(self, work, tasks, finished):
            self.stages = {*getattr(self, "stages", ()), *(task.stage for task in tasks)}
            super().run(work, tasks, finished)

    executor, other = Counting(1), few(Cn=0.3)
    found = fit(shards, tmp_path / "other", **options(tmp_path, executor=executor, ranker=other))
    assert state_of(found) == state_of(few(Cn=0.3).fit(*small))
    assert {"read", "count", "rows"}.isdisjoint(executor.stages)
    assert "layers" in executor.stages


def test_damage_is_found_when_a_training_goes_on(tmp_path, small):
    shards = write_shards(tmp_path / "shards", *small, 2)
    given = options(tmp_path, executor=SerialExecutor(1))
    fit(shards, tmp_path / "model", **given)
    damaged = next((tmp_path / "work" / "rows").glob("*.safetensors"))
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(ValueError, match=f"{damaged} is altered.*remove the directory"):
        fit(shards, tmp_path / "model", **given)
    damaged.unlink()
    with pytest.raises(ValueError, match=f"{damaged} is missing"):
        fit(shards, tmp_path / "model", **given)


@pytest.mark.subprocess
def test_a_driver_that_is_killed_and_a_second_one(tmp_path, small):
    shards = write_shards(tmp_path / "shards", *small, 2)
    script = """
import sys, time
from arborank import TextRanker
from arborank.distributed import SerialExecutor, fit
class Waiting(SerialExecutor):
    def run(self, work, tasks, finished):
        if tasks[0].stage == sys.argv[4]:
            super().run(work, tasks[:1], finished)
            print("here", flush=True)
            time.sleep(600)
        super().run(work, tasks, finished)
from support.shards import ranker
model = ranker(max_sample=60, max_rows=200, combine="l3-hinge")
fit(sys.argv[1], sys.argv[2], work_dir=sys.argv[3], ranker=model, executor=Waiting(1), memory=1 << 20)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    for stage in ("rows", "layers"):
        command = [
            sys.executable,
            "-c",
            script,
            shards,
            str(tmp_path / "model"),
            str(tmp_path / "work"),
            stage,
        ]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as driver:
            assert driver.stdout.readline() == "here\n"
            with pytest.raises(BlockingIOError, match="in use by another process"):
                fit(shards, tmp_path / "model", **options(tmp_path, executor=SerialExecutor(1)))
            driver.kill()
    model = fit(shards, tmp_path / "model", **options(tmp_path, executor=SerialExecutor(1)))
    assert state_of(model) == state_of(few().fit(*small))


def test_a_task_whose_process_always_ends_is_an_error(tmp_path, small, monkeypatch):
    shards = write_shards(tmp_path / "shards", *small, 1)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(
        StageError, match=r"stage 'read': the process of read/\w+ ended 3 times .* a smaller memory"
    ):
        fit(shards, tmp_path / "model", **options(tmp_path, workers=1))


def test_a_full_disk_leaves_nothing_half_written(tmp_path, small):
    resource = pytest.importorskip("resource")
    shards = write_shards(tmp_path / "shards", *small, 2)
    given = options(tmp_path, executor=SerialExecutor(1))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (20_000, before[1])
    )  # as if the disk had no more room for a file
    try:
        with pytest.raises(StageError, match=r"OSError: .*File too large: .*safetensors"):
            fit(shards, tmp_path / "model", **given)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list((tmp_path / "work").rglob("*.tmp"))
    assert state_of(fit(shards, tmp_path / "model", **given)) == state_of(few().fit(*small))


def test_one_part_of_the_tree_has_most_rows(tmp_path, monkeypatch):
    texts, labels = made_up(900, 120, seed=2)
    often = [
        ["label 0"] if i % 2 else row for i, row in enumerate(labels)
    ]  # a label that half of the rows have
    shards = write_shards(tmp_path / "shards", texts, often, 2)
    monkeypatch.setattr("arborank.distributed.training._FEW", 60)  # rows of a task
    layers = []

    class Watching(SerialExecutor):
        def run(self, work, tasks, finished):
            layers.extend(task for task in tasks if task.stage == "layers")
            super().run(work, tasks, finished)

    model = ranker(max_sample=60, max_rows=None, combine="l3-hinge", branching=2)
    given = options(tmp_path, executor=Watching(1), ranker=model)
    found = fit(shards, tmp_path / "model", **given)
    assert state_of(found) == state_of(model.fit(texts, often))
    weights = [task.weight for task in layers]
    assert weights == sorted(weights, reverse=True)  # the longest first
    mean = sum(weights) / len(weights)
    stragglers = [task.arguments for task in layers if task.weight > 2 * mean]
    assert len(layers) > 20
    assert stragglers
    for one in stragglers:  # a single node, without what is below it: nothing is left to cut
        (first, last), (begin, end) = one["levels"], one["nodes"]
        assert (last - first, end - begin) == (1, 1)
