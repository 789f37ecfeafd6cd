"""Trains on, loads or ranks with one catalogue in a process of its own; prints one JSON line.

``python -m runners.scale`` with ``train SET WORK MODEL [THREADS]``, ``load MODEL``, ``rank SET MODEL`` or
``hold SET MODEL``.
"""

import json
import sys
import threading
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from scipy.sparse import load_npz

from .measure import seconds, size_on_disk, status_bytes
from .quality import quality

STAGES = ("representation", "index", "train")


class Clock:
    """Processor seconds of this process, all threads, at any moment since construction."""

    def __init__(self):
        self.wall, self.spent, self.ended = [perf_counter()], [process_time()], threading.Event()
        self.thread = threading.Thread(target=self.sample, daemon=True)
        self.thread.start()

    def sample(self):
        while not self.ended.wait(0.05):
            self.wall.append(perf_counter())
            self.spent.append(process_time())

    def at(self, moment: float) -> float:
        return float(np.interp(moment, self.wall, self.spent)) - self.spent[0]


def train(directory: str, work: str, model: str, threads: str = "2") -> dict:
    import arborank

    X, Y = (load_npz(Path(directory) / f"{matrix}.trn.npz") for matrix in "XY")
    loaded, clock = status_bytes("VmHWM"), Clock()
    fitted = arborank.XRLinear(n_jobs=int(threads)).fit(X, Y, work_dir=work)
    end = perf_counter()
    clock.ended.set()
    clock.thread.join()
    answer = {
        "labels": Y.shape[1],
        "positives": Y.nnz,
        "seconds": end - clock.wall[0],
        "cpu_seconds": clock.at(end),
    }
    for stage in reversed(STAGES):  # they end the fit, one after the other
        begin = end - fitted.fit_times_[stage]
        answer[f"{stage}_cpu"] = clock.at(end) - clock.at(begin)
        end = begin
    answer |= {"peak_bytes": status_bytes("VmHWM"), "loaded_bytes": loaded}
    answer["save_seconds"], _ = seconds(fitted.save, model)
    answer |= {"peak_with_save_bytes": status_bytes("VmHWM"), "model_bytes": size_on_disk(model)}
    return answer


def load(model: str) -> dict:
    import arborank

    times = [seconds(lambda: arborank.load(model))[0] for _ in range(5)]
    return {"load_seconds": times[0], "load_again_seconds": float(np.median(times[1:]))}


def rank(directory: str, model: str) -> dict:
    import arborank

    X, truth, clicks = (load_npz(Path(directory) / f"{name}.npz") for name in ("X.tst", "Y.tst", "Y.trn"))
    model = arborank.load(model).set_params(n_jobs=1)
    spent = process_time()
    ids, _ = model.predict_topk(X, 10)
    batch = (process_time() - spent) / X.shape[0] * 1e6
    rows = [X[i] for i in np.random.default_rng(0).integers(X.shape[0], size=2000)]
    times = np.array([seconds(model.predict_topk, row, 10)[0] for row in rows[:200] + rows])[200:] * 1e6
    found = {
        "batch_cpu_microseconds": batch,
        "p50": float(np.median(times)),
        "p99": float(np.percentile(times, 99)),
    }
    return found | quality(ids, truth, clicks)


def hold(directory: str, model: str) -> dict:
    """Rank, say so, and keep the model open until standard input ends."""
    import arborank

    opened = arborank.load(model)
    opened.predict_topk(load_npz(Path(directory) / "X.tst.npz"), 10)
    print("ready", flush=True)
    sys.stdin.read()
    return {}


if __name__ == "__main__":
    print(json.dumps({"train": train, "load": load, "rank": rank, "hold": hold}[sys.argv[1]](*sys.argv[2:])))
