"""One training in many ways: are the bytes of every stage the same, and what does each way take?

``python benchmarks/many_ways.py FOLDER --data DIR --set yso-en`` cuts the training rows of a set into shards in FOLDER,
unless there are some, such as those of ``many_rows.py``; then a process of its own trains in each way. Time is that of
all processes of a way while it trains, when a cluster is up, and of Ray's own; they are looked at ten times a second.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from data import read_names, read_part

from arborank import NgramTfidf, TextFeatures, TextRanker, XRLinear
from arborank.datasets import read_texts
from arborank.datasets.read import iter_texts
from arborank.distributed import LocalExecutor, RayExecutor, fit
from arborank.distributed.work import Work

WAYS = {
    "memory": "`ranker.fit`",
    "local": "processes of this machine",
    "ray-1": "Ray, one node",
    "ray-3": "Ray, three nodes",
    "other-shards": "five times as many shards, a quarter of the memory",
    "killed": "killed in two stages",
}
STAGES = ("read", "labels", "rows", "columns", "vectors", "top", "subtrees", "tree")
OF_SHARD = (
    "label_indptr",
    "label_ids",
    "name_bytes",
    "name_offsets",
    "counts",
)  # numbers that other files change
DEATHS = ("rows", "layers")


def write_shards(folder, rows, n_rows, n_shards):
    """Write rows to Parquet files, as even as they come."""
    folder.mkdir(parents=True)
    for number, some in enumerate(np.array_split(np.arange(n_rows), n_shards)):
        records = [{"text": row.text, "labels": list(row.labels)} for row in islice(rows, some.size)]
        pq.write_table(pa.Table.from_pylist(records), folder / f"part-{number:03}.parquet")


def write_set(folder, data, name, n_shards):
    """Write the training rows of a set."""
    from arborank.datasets import TextRow

    names = [f"{label} [{i}]" for i, label in enumerate(read_names(data, name))]
    texts, labels = read_part(data, name, "train")
    rows = (TextRow(text, [names[i] for i in ids]) for text, ids in zip(texts, labels, strict=True))
    write_shards(folder, rows, len(texts), n_shards)


def shards_of(given):
    """The pattern of the shards of a way, which are written unless they are there."""
    folder = given.folder / "shards"
    if not folder.exists():
        write_set(folder, given.data, given.set, given.shards)
    if given.way == "other-shards":
        first, folder = folder, given.folder / "other-shards"
        if not folder.exists():
            files = sorted(first.glob("*.parquet"))
            n_rows = sum(pq.ParquetFile(file).metadata.num_rows for file in files)
            write_shards(folder, iter_texts(first), n_rows, 5 * len(files))
    return f"{folder}/*.parquet"


# ------------------------------------------------------------------ one way


class Dying(LocalExecutor):
    """Kills this process when the first task of a stage has ended."""

    stage = None

    def run(self, work, tasks, finished):
        def and_die(task):
            finished(task)
            if task.stage == self.stage:
                os.kill(os.getpid(), signal.SIGKILL)

        super().run(work, tasks, and_die)


@contextmanager
def executor_of(given):
    """Who works; a cluster is up before the clock starts."""
    if not given.way.startswith("ray"):
        with Dying(given.workers) as executor:
            executor.stage = given.die
            yield executor
        return
    import ray
    from ray.cluster_utils import Cluster

    os.environ.update(RAY_worker_niceness="0")  # tasks are as urgent as local ones
    n_nodes = int(given.way[-1])
    small = {"num_cpus": given.workers if n_nodes == 1 else 1, "object_store_memory": 80 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={**small, "include_dashboard": False})
    for _ in range(n_nodes - 1):
        cluster.add_node(**small)
    ray.init(address=cluster.address, log_to_driver=False)
    yield RayExecutor()
    size, free = ray.cluster_resources(), ray.available_resources()
    name = "object_store_memory"
    print(f"{(size[name] - free.get(name, 0)) / 2**20:.1f} MiB in the object store", file=sys.stderr)
    ray.shutdown()
    cluster.shutdown()


def clock(given, what):
    """Tell the watching process that the clock starts, or ends; return its time."""
    now = time.perf_counter()
    (given.folder / what).touch()
    time.sleep(0.3)
    return now


def train(given):
    """Train in one way; print what was made, as hashes."""
    features = NgramTfidf() if given.ngrams else TextFeatures()
    model = XRLinear(max_sample=given.max_sample, max_rows=given.max_rows)
    ranker = TextRanker(features, model, n_jobs=1)
    shards, work = shards_of(given), given.folder / f"work-{given.way}"
    memory = given.memory << (18 if given.way == "other-shards" else 20)
    if given.way == "memory":
        start = clock(given, "started")
        data = read_texts(shards)
        ranker.set_params(n_jobs=given.workers).fit(data.texts, data.labels).set_params(n_jobs=1)
        wall = clock(given, "ended") - start
    else:
        with executor_of(given) as executor:
            start = clock(given, "started")
            model = given.folder / f"model-{given.way}"
            ranker = fit(shards, model, work_dir=work, ranker=ranker, executor=executor, memory=memory)
            wall = clock(given, "ended") - start
    told = {"wall": round(wall, 1), **of_model(ranker), **of_stages(work)}
    print(json.dumps(told))


def of_model(fitted, name="model"):
    """A hash of everything of a saved model, by part."""
    state = fitted.to_state()
    digest = hashlib.sha256(json.dumps(dict(state.config), sort_keys=True, default=str).encode())
    for key in sorted(state.arrays):
        array = state.arrays[key]
        digest.update(f"{key} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array))
    found = {name: digest.hexdigest()}
    for key, part in state.parts.items():
        found |= of_model(part, f"{name}.{key}")
    return found


def of_stages(directory):
    """A hash of what the tasks of each stage wrote, as if it were in one file."""
    found, work = {}, Work(directory)
    for stage in STAGES:
        for manifest in (directory / stage).glob("manifest-*.json"):
            files = [name for record, _ in json.loads(manifest.read_text()) for name in record]
            own = {}
            for arrays in map(work.arrays, files):
                for name, array in arrays.items():
                    if name in OF_SHARD and stage in ("read", "rows"):
                        continue
                    is_offset = name.endswith(("indptr", "offsets"))
                    content = np.ascontiguousarray(np.diff(array) if is_offset else array)
                    own.setdefault(name, hashlib.sha256()).update(content)
            digests = {name: digest.hexdigest() for name, digest in sorted(own.items())}
            found[stage] = hashlib.sha256(json.dumps(digests).encode()).hexdigest()
    return found


# ------------------------------------------------------------------ all ways


class Watch:
    """Processor time, and the memory of the largest, of a process and all that come from it."""

    def __init__(self, pid):
        self.seconds, self.peak, self._pids = {}, {}, {pid}

    @property
    def total(self):
        """Seconds of all."""
        return sum(self.seconds.values())

    def look(self):
        """Look at all of them once."""
        parents = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                told = (path / "stat").read_text().rpartition(")")[2].split()
                status = (path / "status").read_text()
            except OSError:  # it has ended
                continue
            parents[int(path.name)] = int(told[1]), (int(told[11]) + int(told[12])), status
        grown = True
        while grown:
            new = {pid for pid, (parent, _, _) in parents.items() if parent in self._pids} - self._pids
            self._pids |= new
            grown = bool(new)
        for pid in self._pids & parents.keys():
            _, ticks, status = parents[pid]
            self.seconds[pid] = ticks / os.sysconf("SC_CLK_TCK")
            peak = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")), "0")
            self.peak[pid] = max(self.peak.get(pid, 0), int(peak) >> 10)


def run(given, way, die=None):
    """Train in one way in a process of its own; what it told, and what it took."""
    command = [sys.executable, __file__, *sys.argv[1:], "--way", way, *(["--die", die] if die else [])]
    marks = {given.folder / what: 0.0 for what in ("started", "ended")}
    for mark in marks:
        mark.unlink(missing_ok=True)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        watch = Watch(process.pid)
        while process.poll() is None:
            watch.look()
            marks = {mark: at if at or not mark.exists() else watch.total for mark, at in marks.items()}
            time.sleep(0.1)
        told = process.stdout.read().strip()
    if process.returncode and not die:
        raise SystemExit(f"{way} ended with {process.returncode}")
    started, ended = marks.values()
    took = {"processor": (ended or watch.total) - started, "peak": max(watch.peak.values())}
    return json.loads(told.splitlines()[-1]) if told else {}, took


def main(given):
    """Run the ways, and print the table."""
    given.way = "memory"
    shards_of(given)
    rows, known = [], {}
    for way in given.ways:
        shutil.rmtree(given.folder / f"work-{way}", ignore_errors=True)
        spent, peak = 0.0, 0
        for die in (*(DEATHS if way == "killed" else ()), None):
            told, took = run(given, way, die)
            spent, peak = spent + took["processor"], max(peak, took["peak"])
        wall = told.pop("wall")
        differ = [name for name, digest in told.items() if known.setdefault(name, digest) != digest]
        rows.append((WAYS[way], spent, wall, peak, len(told), ", ".join(differ) or "none"))
        print(
            json.dumps({"way": way, "processor": spent, "wall": wall, "peak": peak, "hashes": told}),
            flush=True,
        )
    print(
        "| way | processor s | wall s | largest process MiB | hashes | that differ |\n|---|---:|---:|---:|---:|---|"
    )
    for way, spent, wall, peak, n, differ in rows:
        print(f"| {way} | {spent:.1f} | {wall:.1f} | {peak} | {n} | {differ} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--set", default="yso-en")
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", type=int, default=512, help="MiB that the rows of a task may take")
    parser.add_argument("--max-sample", type=int)
    parser.add_argument("--max-rows", type=int)
    parser.add_argument("--ngrams", action="store_true", help="words and pairs of words, as they are")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--die", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        train(given)
    else:
        main(given)
