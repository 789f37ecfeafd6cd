"""Opening a saved model of two gigabytes: how long it takes, and what two processes share.

``python benchmarks/loading.py`` makes a model of a million labels with random weights in the cache, measures, and
writes LOADING.md. Times are those of processes of their own, files in the page cache; *shared* is what the system tells
in ``/proc/PID/smaps`` of the model's files, while two processes have answered the same queries.
"""

import argparse
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import data
import numpy as np
import scipy.sparse as sp
from measurements import Measurements, machine
from tables import table

from arborank import XRLinear
from arborank.core.memory import format_bytes
from arborank.indexing import LabelTree
from arborank.ranking import LayerWeights
from arborank.ranking.chunks import gather_chunks

HERE = Path(__file__).resolve().parent
N_LABELS, LEAF, N_FEATURES, WEIGHTS, KINDS = 1_000_000, 100, 200_000, 190, 50
REPEATS = 7
CLOCK = """
import sys, time
from arborank import XRLinear, load
start = time.perf_counter()
model = load(sys.argv[1], verify=sys.argv[2] == "verify")
loaded = time.perf_counter()
import scipy.sparse as sp
query = sp.csr_array(([0.5] * 4, ([0] * 4, [5, 500, 5000, 50000])), shape=(1, model.n_features_in_))
first = time.perf_counter()
model.predict_topk(query)
print(loaded - start, time.perf_counter() - first)
"""
SERVE = """
import sys
import numpy as np, scipy.sparse as sp
from arborank import load
model = load(sys.argv[1])
n = model.n_features_in_
X = sp.random_array((20000, n), density=5 / n, rng=np.random.default_rng(0), format="csr")
model.set_params(n_jobs=1).predict_topk(X.astype(np.float32))
print("ready", flush=True)
sys.stdin.read()
"""


def make(directory: Path) -> None:
    """Save a model whose leaves take turns in having one of a few sets of random weights."""
    if (directory / "config.json").exists():
        return
    rng = np.random.default_rng(0)
    tree = LabelTree.from_clusters(np.repeat(np.arange(N_LABELS // LEAF), LEAF), branching=16)
    ranks = rng.permutation(N_FEATURES).astype(np.int32)
    layers = []
    for branch in tree.branches[:-1]:
        W = sp.random_array(
            (N_FEATURES, int(branch[-1])), density=0.002, rng=rng, dtype=np.float32, format="csc"
        )
        layers.append(LayerWeights.from_matrix(W, np.zeros(W.shape[1]), branch, ranks=ranks))
    n = KINDS * LEAF
    features = (N_FEATURES * rng.random((n, WEIGHTS)) ** 2).astype(np.int64)
    W = sp.csc_array(
        (rng.normal(size=n * WEIGHTS), features.ravel(), np.arange(n + 1) * WEIGHTS), shape=(N_FEATURES, n)
    )
    W.sum_duplicates()
    kinds = LayerWeights.from_matrix(W, np.zeros(n), np.arange(KINDS + 1) * LEAF, ranks=ranks)
    parents = np.arange(N_LABELS // LEAF) % KINDS
    layers.append(gather_chunks([kinds], np.zeros_like(parents), parents))
    model = XRLinear()
    model.n_features_in_, model.classes_ = N_FEATURES, None
    model._set_fitted(tree, layers, 1.0)
    model.save(directory)


def times(directory: Path, how: str) -> tuple[float, float]:
    """Seconds of opening and of the first query, in a fresh process."""
    command = [sys.executable, "-c", CLOCK, directory, how]
    loaded, first = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(loaded), float(first)


def mapped(process: int, directory: Path) -> dict[str, int]:
    """Bytes of the model's files in a process: in memory, and its share where others have the same pages."""
    sizes = {"Rss": 0, "Pss": 0}
    inside = False
    for line in Path(f"/proc/{process}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-", line):
            inside = str(directory.resolve()) in line
        elif inside and (found := re.match(r"(Rss|Pss): +(\d+) kB", line)):
            sizes[found[1]] += int(found[2]) * 1024
    return sizes


def sharing(directory: Path) -> list[dict[str, int]]:
    """The sizes of two processes that serve the model at the same time."""
    servers = [
        subprocess.Popen(
            [sys.executable, "-c", SERVE, directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for server in servers:
        server.stdout.readline()
    time.sleep(0.5)
    found = [mapped(server.pid, directory) for server in servers]
    for server in servers:
        server.communicate()
    return found


TEXT = """\
# Opening a model

Measured {date} UTC on {machine}; `python benchmarks/loading.py` measures and writes this file. The model has {labels:,}
labels and {size} in {files} files; its weights are random. Times are medians of {repeats} processes of their own, once
`XRLinear` is imported, with the files in the page cache.

{times}

Two processes opened the model and answered the same 20,000 queries of five words. Of its files each had in memory, and
each one's share of it where pages that both have count half:

{sharing}
"""


def report(found: Measurements) -> str:
    """The tables."""
    one = found.of(table="loading")[-1]
    date = max(each["date"] for each in found.all if each["key"]["table"] == "loading")
    rows = [
        [how, f"{1e3 * one[key][0]:.1f}", f"{1e3 * one[key][1]:.2f}"]
        for how, key in (("`load(model)`", "open"), ("`load(model, verify=True)`", "verify"))
    ]
    shares = [
        [f"process {number}", format_bytes(sizes["Rss"]), format_bytes(sizes["Pss"])]
        for number, sizes in enumerate(one["sharing"], 1)
    ]
    return TEXT.format(
        date=date[:10],
        machine=machine(),
        labels=N_LABELS,
        size=format_bytes(one["n_bytes"]),
        files=one["n_files"],
        repeats=REPEATS,
        times=table(["", "opening, ms", "first query, ms"], rows),
        sharing=table(["", "in memory", "share"], shares),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data.add_arguments(parser)
    given = parser.parse_args()
    found = Measurements(given.cache)
    directory = given.cache / "loading-model"
    make(directory)
    files = [path for path in directory.iterdir() if path.suffix == ".safetensors"]
    values = {"n_bytes": sum(path.stat().st_size for path in files), "n_files": len(files)}
    for how in ("open", "verify"):
        pairs = [times(directory, how) for _ in range(REPEATS if how == "open" else 3)]
        values[how] = [statistics.median(column) for column in zip(*pairs, strict=True)]
    found.add(values | {"sharing": sharing(directory)}, table="loading")
    (HERE / "LOADING.md").write_text(report(found))


if __name__ == "__main__":
    main()
