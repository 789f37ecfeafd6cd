"""The same stages on a Ray cluster of three nodes, all on this machine."""

import os
import signal
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from arborank import load
from arborank.distributed import RayExecutor, StageError, fit, score, score_batch
from support.shards import made_up, ranker, state_of, write_shards

# else Ray Data reports on a thread that lives as long as this process, and prints its errors amid other tests;
# and a busy machine hardly ever runs Ray's processes
os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_worker_niceness="0")
ray = pytest.importorskip("ray")
pa = pytest.importorskip("pyarrow")
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.subprocess, pytest.mark.slow]

MIB = 1 << 20


@contextmanager
def cluster_of(n_nodes, **system):
    from ray.cluster_utils import Cluster

    small = {"num_cpus": 1, "object_store_memory": 80 * MIB}
    head = {**small, "include_dashboard": False, "_system_config": system}
    try:
        cluster = Cluster(initialize_head=True, head_node_args=head)
        cluster.more_nodes = [cluster.add_node(wait=False, **small) for _ in range(n_nodes - 1)]
        cluster.wait_for_nodes(60)
        ray.init(address=cluster.address, log_to_driver=False)
    except Exception as error:  # as where a machine is too busy
        pytest.skip(f"Ray cannot start a cluster here: {error}")
    try:
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def few():
    return ranker(max_sample=60, max_rows=200, combine="l3-hinge")


def trained(place, rows, executor="ray", n_shards=3):
    shards = write_shards(place / "shards", *rows, n_shards)
    options = {"work_dir": place / "work", "ranker": few(), "executor": executor, "memory": MIB}
    return state_of(fit(shards, place / "model", **options))


class Losing:
    """Loses what runs tasks, at once, when the first task of a stage has ended."""

    def __init__(self, lose, stage):
        self.executor, self.lose, self.stage = RayExecutor(), lose, stage

    def run(self, work, tasks, finished):
        done = {}

        def and_lose(task):
            finished(task)
            if task.stage == self.stage:
                self.stage = None
                self.lose()
                done.update({path: path.stat().st_mtime_ns for path in work.directory.glob("*/*.json")})

        self.executor.run(work, tasks, and_lose)
        assert all(path.stat().st_mtime_ns == before for path, before in done.items())  # what had ended stays


def remove_node(cluster):
    """Take a node away, as a power cut does."""
    cluster.remove_node(cluster.more_nodes.pop(), allow_graceful=False)


def kill_processes(cluster):
    """Kill what runs tasks on the first node."""
    raylet = cluster.head_node.all_processes["raylet"][0].process.pid
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            name, _, told = (path / "stat").read_text().partition("(")[2].rpartition(")")
            if int(told.split()[1]) == raylet and name in ("ray::_run", "ray::IDLE"):
                os.kill(int(path.name), signal.SIGKILL)


def check_many_tasks(place, rows):
    """Only some tasks are handed over at a time, so memory does not grow with their number."""
    import resource

    shards = write_shards(place / "shards", *rows, 1)

    class Counting(RayExecutor):
        def run(self, work, tasks, finished):
            super().run(work, tasks if tasks[0].stage != "read" else list(tasks) * 600, lambda task: None)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fit(shards, place / "model", work_dir=place / "work", ranker=few(), executor=Counting())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 64 << 10  # KiB


def test_three_nodes_of_which_two_are_lost(tmp_path):
    """One test, as a cluster takes longer to start than all this takes, and two at a time are too much."""
    rows = made_up(500, 150)
    model = few().fit(*rows)
    expected = state_of(model)
    with cluster_of(3) as cluster:
        assert trained(tmp_path / "three", rows, n_shards=4) == expected
        assert ray.is_initialized()  # the cluster was not this function's to leave
        store = "object_store_memory"
        assert ray.cluster_resources()[store] - ray.available_resources().get(store, 0) < 5 * MIB
        check_scores(tmp_path / "scores", rows, model)
        check_bad_shard(tmp_path / "bad", rows)
        check_many_tasks(tmp_path / "many", rows)
        for stage, lose in (("rows", kill_processes), ("subtrees", remove_node), ("layers", remove_node)):
            executor = Losing(partial(lose, cluster), stage)
            assert trained(tmp_path / stage, rows, executor, n_shards=5) == expected
            assert executor.stage is None
        assert cluster.more_nodes == []
        assert trained(tmp_path / "one", rows) == expected
    check_a_node_that_lacks_memory(tmp_path / "memory")


def check_a_node_that_lacks_memory(place):
    """Ray ends every task that runs longer than a moment, as if other programs had all memory."""
    message = r"process of read/\w+ ended 3 times .*memory.* fewer tasks at a time"
    with (
        cluster_of(1, memory_usage_threshold=0.0, memory_monitor_refresh_ms=20),
        pytest.raises(StageError, match=message),
    ):
        trained(place, made_up(100, 20))


def check_scores(place, rows, model):
    import pyarrow.parquet as pq
    from ray.data import ActorPoolStrategy, read_parquet

    shards = write_shards(place / "shards", *rows, 2, "parquet")
    model.save(place / "model")
    wanted = [[name for name, _ in row] for row in model.rank_batch(rows[0], k=3)]
    files = score(shards, place / "model", place / "answers", k=3, executor="ray")
    assert [row for file in files for row in pq.read_table(file)["labels"].to_pylist()] == wanted
    pq.write_table(pa.table({"id": list(range(len(rows[0]))), "text": rows[0]}), place / "texts.parquet")
    path = str(place / "model")

    class Ranked:
        def __init__(self):
            self.model = load(path)

        def __call__(self, table):
            return score_batch(table, self.model, k=3)

    data = read_parquet(str(place / "texts.parquet")).map_batches(
        Ranked, batch_format="pyarrow", batch_size=200, compute=ActorPoolStrategy(size=2)
    )
    assert [list(row["labels"]) for row in sorted(data.take_all(), key=lambda row: row["id"])] == wanted


def check_bad_shard(place, rows):
    shards = write_shards(place / "shards", *rows, 2)
    (place / "shards" / "part-900.jsonl").write_text('{"text": 1, "labels": []}\n')
    with pytest.raises(StageError, match=r'part-900.jsonl:1: "text" must be a string'):
        fit(shards, place / "model", work_dir=place / "work", executor="ray")
