"""What a side of the benchmark does, and the loop that lets another process ask for it.

A request is a JSON line ``{"do": method, **arguments}`` on standard input, the answer a JSON line on
standard output; whatever a library prints goes to standard error.
"""

import importlib.metadata
import json
import os
import shutil
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, load_npz

from .measure import PeakMemory, percentiles, seconds, size_on_disk
from .quality import quality

K = 10
BEAM = 10
TREE = {"branching": 16, "max_leaf_size": 100}
THRESHOLD = 0.1
SEED = int(os.environ.get("BENCHMARK_SEED", "0"))
PROBE = 100


class LinearSide(ABC):
    """One library: trains a linear tree model on a set's matrices, loads it, ranks with it."""

    package: str
    k = K  # labels of an answer

    def version(self) -> str:
        return f"{self.package} {importlib.metadata.version(self.package)}"

    # What a side says about itself.

    def inputs(self, directory: Path, threads: int):
        """X and Y of the training part, in the form this library wants them; not timed."""
        return load_npz(directory / "X.trn.npz"), load_npz(directory / "Y.trn.npz")

    @abstractmethod
    def fit(self, inputs, threads: int, model: str) -> dict:
        """Train; seconds by stage (``representation``, ``index``, ``train``) where they can be told apart."""

    @abstractmethod
    def save(self, model: str) -> None:
        """Write the model that was trained; not timed."""

    @abstractmethod
    def open(self, model: str, threads: int) -> None:
        """Load a saved model for ranking; not timed."""

    def queries(self, X: csr_matrix):
        """Rows of X in the form this library ranks as a batch; not timed."""
        return X

    def query(self, row: csr_matrix):
        """One row in the form this library ranks alone; not timed."""
        return row

    @abstractmethod
    def rank(self, queries):
        """The first `k` labels of every query."""

    def rank_one(self, query):
        """The first `k` labels of one query, a batch of one."""
        return self.rank(query)

    @abstractmethod
    def ids(self, ranked) -> np.ndarray:
        """What `rank` returned, as N x k label ids padded with -1; not timed."""

    # What the other process asks for.

    def train(self, directory: str, model: str, threads: int) -> dict:
        shutil.rmtree(model, ignore_errors=True)  # some libraries add to what is there
        inputs = self.inputs(Path(directory), threads)
        memory = PeakMemory()
        before = time.process_time()
        total, stages = seconds(self.fit, inputs, threads, model)
        spent = time.process_time() - before
        peak = memory.beyond()
        self.save(model)
        return {
            "seconds": total,
            "cpu_seconds": spent,
            "peak_bytes": peak,
            "model_bytes": size_on_disk(model),
            "version": self.version(),
            **stages,
        }

    def load(self, directory: str, model: str, threads: int) -> dict:
        self.directory = Path(directory)
        X = load_npz(self.directory / "X.tst.npz")
        self.order = np.random.default_rng(SEED).permutation(X.shape[0])
        self.X = X[self.order]
        taken, _ = seconds(self.open, model, threads)
        return {"seconds": taken, "version": self.version()}

    def batch(self, patience: float, with_quality: bool = False) -> dict:
        """Microseconds a query over all test rows, or as many as fit in about `patience` seconds."""
        probe, _ = seconds(self.rank, self.queries(self.X[:PROBE]))
        rows = max(PROBE, min(self.X.shape[0], int(PROBE * patience / probe)))
        queries = self.queries(self.X[:rows])
        taken, ranked = seconds(self.rank, queries)
        answer = {"microseconds": taken / rows * 1e6, "rows": rows, "all_rows": self.X.shape[0]}
        if with_quality:
            truth, train = (load_npz(self.directory / f"Y.{part}.npz") for part in ("tst", "trn"))
            answer |= quality(self.ids(ranked), truth[self.order], train)
        return answer

    def single(self, count: int) -> dict:
        """p50 and p99 in microseconds of queries given one at a time."""
        chosen = np.random.default_rng(SEED).integers(self.X.shape[0], size=count)
        return percentiles(self.rank_one, [self.query(self.X[i]) for i in chosen])


def serve(kinds: dict[str, type]) -> None:
    """Answer requests with the kind of side that the command line names, until standard input ends."""
    side = kinds[sys.argv[1]]()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        answer = getattr(side, request.pop("do"))(**request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
