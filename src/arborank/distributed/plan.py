"""What a training will take, before anything runs: from the files' sizes, and a small training on their first rows."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ..core.estimator import clone, pass_on
from ..core.types import FilePath, Json
from ..datasets import Layout
from ..datasets.containers import TextRow
from ..datasets.lines import suffix
from ..datasets.read import iter_texts
from ..features import TextFeatures
from ..features.base import fit_rows
from ..linear import XRLinear
from ..linear.defaults import chosen
from ..text import TextRanker
from .settings import settings_of
from .shards import find_shards, local_copy
from .training import BYTES_PER_VALUE

__all__ = ["Plan", "plan"]

_ROWS, _LABELLED, _SHARDS = 10_000, 20_000, 8  # to train with; to count the labels of; that they are from
_GROWTH = 1.16  # of the time, by measurement
_PER_LABEL, _PER_VECTOR = 350, 6  # bytes of a model, and of a value of a label vector
_BASE = 200 << 20  # of a process with its libraries


@dataclass(frozen=True)
class Plan:
    """What a training will take, about.

    Attributes
    ----------
    shards : int
    rows : int
        Exact for Parquet, by size otherwise.
    labels : int
        Roughly, as only the first rows are looked at.
    values_per_row : float
        Features of a text.
    bytes_written : int
        In the work directory.
    task_memory : int
        Bytes of the largest task.
    seconds : float
        Of one processor.
    """

    shards: int
    rows: int
    labels: int
    values_per_row: float
    bytes_written: int
    task_memory: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.rows:,} rows in {self.shards} shards, about {self.labels:,} labels\n"
            f"{self.values_per_row:.0f} features of a text\n"
            f"about {_size(self.bytes_written)} to be written\n"
            f"about {_size(self.task_memory)} of memory for the largest task\n"
            f"about {_time(self.seconds)} of one processor"
        )


def plan(
    shards: FilePath | Sequence[FilePath],
    *,
    ranker: TextRanker | None = None,
    layout: Layout | None = None,
    memory: int = 1 << 30,
) -> Plan:
    """Estimate what `fit` will take, from the first rows of some shards; the parameters are those of `fit`.

    Raises
    ------
    FileNotFoundError
        If there is no shard.
    ValueError
        If the first rows cannot be read, or the ranker is none that `fit` can train.
    """
    ranker = TextRanker() if ranker is None else ranker
    settings = settings_of(ranker)
    found = find_shards(shards)
    rows, sample = _look(found, layout or Layout())
    texts, labels = [row.text for row in sample], [row.labels for row in sample]
    if not texts:
        raise ValueError(f"{found[0]['shard']} holds no row")
    n_labels = _growing(labels, rows)
    step = max(len(texts) // _ROWS, 1)
    texts, labels = texts[::step], labels[::step]
    features = TextFeatures() if ranker.features is None else clone(ranker.features)
    model = XRLinear() if ranker.model is None else clone(ranker.model)
    pass_on(model, verbose=0)
    if any(labels):  # automatic parameters take their time once, whatever the number of rows
        tried = TextRanker(clone(features), model, label_names=False, n_jobs=1).fit(texts, labels).model_
        if isinstance(tried, XRLinear):
            model = clone(tried).set_params(**chosen(tried))
    start = time.process_time()  # of one thread, whatever else the machine does
    values = fit_rows(features, texts).nnz / len(texts)
    if any(labels):
        TextRanker(clone(features), model, label_names=False, n_jobs=1).fit(texts, labels)
    seconds = (time.process_time() - start) * (rows / len(texts)) ** _GROWTH
    positives = sum(map(len, labels)) / len(labels)
    text = sum(map(len, texts)) / len(texts)
    written = rows * (text + 16 + 8 * values + 8 + 8 * positives) + n_labels * (
        _PER_VECTOR * values * 2 + 2 * _PER_LABEL
    )
    most = settings["model"]["max_rows"]
    at_root = min(rows, rows if most is None else most) * values * BYTES_PER_VALUE
    largest = _BASE + max(min(memory, rows * values * BYTES_PER_VALUE), at_root)
    return Plan(len(found), rows, n_labels, values, round(written), round(largest), seconds)


def _look(shards: list[Json], layout: Layout) -> tuple[int, list[TextRow]]:
    """Return how many rows there are, and the first ones of some shards, which need not be alike."""
    some = shards[:: -(-len(shards) // _SHARDS)]
    sample: list[TextRow] = []
    n_read = n_bytes = 0
    known = [_parquet_rows(shard["shard"]) for shard in shards]
    for shard in some:
        with local_copy(shard["shard"]) as path:
            rows = iter_texts(path, layout)
            first = list(islice(rows, _LABELLED // len(some)))
            sample += first
            if None in known and not n_bytes:
                n_read, n_bytes = _parquet_rows(path) or len(first) + sum(1 for _ in rows), shard["bytes"]
    if None not in known:
        return sum(filter(None, known)), sample
    return round(n_read * sum(shard["bytes"] for shard in shards) / max(n_bytes, 1)), sample


def _parquet_rows(path: str) -> int | None:
    """Return the rows of a Parquet file of this machine, and None of others."""
    if "://" in path or suffix(path) != ".parquet":
        return None
    import pyarrow.parquet as pq

    return int(pq.ParquetFile(path).metadata.num_rows)


def _growing(labels: list[list[str]], rows: int) -> int:
    """Return about how many labels there are.

    They are too many if they go on to grow with the rows as in the second half of the sample, and too few if those not
    seen are as few as those seen once and twice tell (Chao 1984); the truth is between.
    """
    half, every = (Counter(label for row in some for label in row) for some in (labels[::2], labels))
    if len(every) == len(half):
        return len(every)
    growing = len(every) * (rows / len(labels)) ** float(np.log2(len(every) / max(len(half), 1)))
    times = Counter(every.values())
    unseen = times[1] ** 2 / (2 * max(times[2], 1))
    bounded = len(every) + unseen * (1 - np.exp((1 - rows / len(labels)) * times[1] / max(unseen, 1e-9)))
    return round(float(np.sqrt(growing * bounded)))


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
