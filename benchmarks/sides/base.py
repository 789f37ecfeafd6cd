"""What a side does for each table, and the loop in which another process asks for it.

A request is a JSON line ``{"do": method, **arguments}`` on standard input, the answer a JSON line on standard output;
whatever a library prints goes to standard error. Only calls of the library are timed: reading data, converting it and
saving models are not.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
from data import label_matrix, read_names, read_part
from scipy.sparse import csr_matrix, load_npz

K, DEPTH = 10, 100  # labels of an answer; of one in the retrieval table
BEAM = 10
TREE = {"branching": 16, "max_leaf_size": 100}
THRESHOLD = 0.1
NAME = os.environ.get("BENCHMARK_SIDE", "")
SEED = int(os.environ.get("BENCHMARK_SEED", "0"))
PROBE = 500
MOST = 6000  # test texts of the retrieval table


def status_bytes(field: str) -> int:
    """A memory figure of this process (``VmRSS`` now, ``VmHWM`` highest)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":"))


def seconds(call: Callable, *arguments) -> tuple[float, object]:
    """Wall time of one call, and its result."""
    start = time.perf_counter()
    result = call(*arguments)
    return time.perf_counter() - start, result


def costs(call: Callable, *arguments) -> tuple[dict, object]:
    """Wall time, processor time and peak memory (beyond what was resident before) of one call, and its result."""
    Path("/proc/self/clear_refs").write_text("5")  # forget the highest so far
    before, cpu = status_bytes("VmRSS"), time.process_time()
    taken, result = seconds(call, *arguments)
    spent = time.process_time() - cpu
    peak = max(0, status_bytes("VmHWM") - before)
    return {"seconds": taken, "cpu_seconds": spent, "peak_bytes": peak}, result


def percentiles(call: Callable, inputs: Sequence) -> dict[str, float]:
    """p50 and p99 in microseconds of one call an input, after a tenth of them as warm-up."""
    for one in inputs[: len(inputs) // 10]:
        call(one)
    times = np.array([seconds(call, one)[0] for one in inputs]) * 1e6
    return {"p50": float(np.percentile(times, 50)), "p99": float(np.percentile(times, 99))}


def sample(inputs, count: int) -> list:
    """So many inputs, drawn from seed 0 with replacement."""
    return [inputs[i] for i in np.random.default_rng(0).integers(len(inputs), size=count)]


def size_on_disk(path: str) -> int:
    """Bytes of all files below a path."""
    return sum(os.path.getsize(Path(root) / name) for root, _, names in os.walk(path) for name in names)


def top_ids(scores: csr_matrix, k: int) -> np.ndarray:
    """Column ids of the k highest values of every row, N x k, padded with -1."""
    rows = np.repeat(np.arange(scores.shape[0]), np.diff(scores.indptr))
    order = np.lexsort((-scores.data, rows))
    place = np.arange(scores.nnz) - scores.indptr[rows]
    kept = place < k
    ids = np.full((scores.shape[0], k), -1, np.int64)
    ids[rows[kept], place[kept]] = scores.indices[order][kept]
    return ids


class Linear(ABC):
    """A linear tree model: trained on a set's matrices, loaded, ranked with."""

    package: str
    version: str | None = None  # the installed one
    k = K  # labels of an answer

    def inputs(self, X, Y, directory: Path, threads: int):
        """X and Y of the training part, in the form this library wants them; not timed."""
        return X, Y

    @abstractmethod
    def fit(self, inputs, threads: int, model: str) -> dict:
        """Train; seconds by stage (``representation``, ``index``, ``train``) where they can be told apart."""

    @abstractmethod
    def save(self, model: str) -> None:
        """Write the model that was trained; not timed."""

    @abstractmethod
    def open(self, model: str, threads: int) -> None:
        """Load a saved model for ranking."""

    def choose(self) -> None:
        """Make a choice that suits the queries, ``self.X``; not timed."""
        return None

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
        """The first `k` labels of one query."""
        return self.rank(query)

    @abstractmethod
    def ids(self, ranked) -> np.ndarray:
        """What `rank` returned, as label ids padded with -1; not timed."""

    # What the other process asks for.

    def train(self, directory: str, model: str, threads: int) -> dict:
        """Costs of training, and the labels of the test rows."""
        shutil.rmtree(model, ignore_errors=True)  # some libraries add to what is there
        place = Path(directory)
        inputs = self.inputs(*(load_npz(place / f"{name}.trn.npz") for name in "XY"), place, threads)
        found, stages = costs(self.fit, inputs, threads, model)
        self.save(model)
        found |= {
            "model_bytes": size_on_disk(model),
            "version": f"{self.package} {self.version or version(self.package)}",
        }
        self.load(directory, model, threads)
        spent, ranked = costs(self.rank, self.queries(self.X))
        query = 1e6 * spent["cpu_seconds"] / self.X.shape[0]
        return found | stages | {"query_cpu_microseconds": query, "ids": self.ids(ranked).tolist()}

    def load(self, directory: str, model: str, threads: int) -> dict:
        """Seconds of opening the model."""
        self.X = load_npz(Path(directory) / "X.tst.npz")
        taken, _ = seconds(self.open, model, threads)
        self.choose()
        return {"seconds": taken}

    def batch(self, patience: float) -> dict:
        """Microseconds a query over all test rows, or as many as fit in about `patience` seconds."""
        probe, _ = seconds(self.rank, self.queries(self.X[:PROBE]))
        rows = min(self.X.shape[0], max(PROBE, int(PROBE * patience / probe)))
        taken, _ = seconds(self.rank, self.queries(self.X[:rows]))
        return {"microseconds": taken / rows * 1e6, "rows": rows}

    def single(self, count: int) -> dict:
        """p50 and p99 in microseconds of queries given one at a time."""
        chosen = sample(range(self.X.shape[0]), count)
        return percentiles(self.rank_one, [self.query(self.X[i]) for i in chosen])


class Vectorizer(ABC):
    """TF-IDF with the options of ``data.TFIDF``, or as near to them as a library comes."""

    @abstractmethod
    def learn(self, texts: list[str], threads: int):
        """Learn the vocabulary; the vectoriser."""

    @abstractmethod
    def rows(self, vectorizer, texts: list[str]):
        """TF-IDF rows of texts."""

    def measure(self, data: str, name: str, rows: int | None, threads: int, count: int) -> dict:
        """Seconds of learning the vocabulary and of turning the training texts into rows; one text alone."""
        texts, tests = (read_part(Path(data), name, part, rows)[0] for part in ("train", "test"))
        fit, vectorizer = seconds(self.learn, texts, threads)
        transform, X = seconds(self.rows, vectorizer, texts)
        alone = percentiles(lambda text: self.rows(vectorizer, [text]), sample(tests, count))
        return {"fit": fit, "transform": transform, "features": X.shape[1], **alone}


class Retriever(ABC):
    """A way from texts to labels."""

    package: str
    version: str | None = None

    @abstractmethod
    def fit(self, texts: list[str], labels: list[list[int]], names: list[str], threads: int) -> None:
        """Learn; ``names`` is the text of every label."""

    def ready(self, threads: int) -> None:
        """Make ready for ranking; not timed."""
        return None

    @abstractmethod
    def rank(self, texts: Sequence[str]) -> np.ndarray:
        """Ids of the first `DEPTH` labels of every text, padded with -1."""

    @abstractmethod
    def size(self) -> int:
        """Bytes of the model."""

    def train(self, data: str, name: str, rows: int | None, threads: int) -> dict:
        """Costs of learning from a set."""
        place = Path(data)
        names = read_names(place, name)
        self.tests, _ = read_part(place, name, "test", min(rows or MOST, MOST))
        found, _ = costs(self.fit, *read_part(place, name, "train", rows), names, threads)
        self.ready(threads)
        return found | {
            "bytes_per_label": self.size() / len(names),
            "version": f"{self.package} {self.version or version(self.package)}",
        }

    def batch(self, patience: float) -> dict:
        """Microseconds a text over the test texts, or as many as fit in `patience` seconds, and their labels."""
        probe, _ = seconds(self.rank, self.tests[:100])
        rows = min(len(self.tests), max(100, int(100 * patience / probe)))
        taken, ids = seconds(self.rank, self.tests[:rows])
        return {"microseconds": taken / rows * 1e6, "rows": rows, "ids": ids.tolist()}

    def single(self, count: int) -> dict:
        """p50 and p99 in microseconds of one text at a time."""
        return percentiles(lambda text: self.rank([text]), sample(self.tests, count))


class FromTexts(Retriever):
    """A vectoriser and a linear model."""

    def __init__(self, vectorizer: Vectorizer, linear: Linear):
        self.vectorizer, self.linear, self.package = vectorizer, linear, linear.package
        self.version = linear.version
        linear.k = DEPTH

    def fit(self, texts, labels, names, threads):
        self.features = self.vectorizer.learn(texts, threads)
        X, Y = self.vectorizer.rows(self.features, texts), label_matrix(labels, len(names))
        self.place = tempfile.TemporaryDirectory()  # mapped files must stay
        self.model, self.linear.X = f"{self.place.name}/model", X[: 4 * PROBE]
        self.linear.fit(self.linear.inputs(X, Y, Path(self.place.name), threads), threads, self.model)

    def ready(self, threads):
        self.linear.save(self.model)
        self.linear.open(self.model, threads)
        self.linear.choose()

    def rank(self, texts):
        X = self.vectorizer.rows(self.features, texts)
        if len(texts) == 1:
            return self.linear.ids(self.linear.rank_one(self.linear.query(X)))
        return self.linear.ids(self.linear.rank(self.linear.queries(X)))

    def size(self):
        return size_on_disk(self.model)


def serve(kinds: dict[str, Callable]) -> None:
    """Answer requests with the kind of side that the command line names, until standard input ends."""
    side = kinds[sys.argv[1]]()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        answer = getattr(side, request.pop("do"))(**request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
