"""What a retriever of labels does in the benchmark: trained on texts with labels, asked with texts."""

import importlib.metadata
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from data import read_label_names, read_part

from .measure import PeakMemory, percentiles, seconds
from .side import SEED

DEPTH = 100


def recall(ids: np.ndarray, truth: list[list[int]], k: int) -> float:
    """Mean share in per cent of a row's true labels among its first k."""
    shares = [
        len({*row[:k].tolist()} & {*labels}) / len(labels) for row, labels in zip(ids, truth, strict=True)
    ]
    return 100 * float(np.mean(shares))


class Retriever(ABC):
    """One way from a text to labels."""

    package: str

    @abstractmethod
    def fit(self, texts: list[str], labels: list[list[int]], names: list[str], threads: int) -> float | None:
        """Learn; ``names`` is the text of every label. Returns seconds spent on files, which do not count."""

    @abstractmethod
    def rank(self, texts: Sequence[str]) -> np.ndarray:
        """Ids of the first `DEPTH` labels of every text, padded with -1."""

    @abstractmethod
    def size(self) -> int:
        """Bytes of all that is needed to answer."""

    def train(self, data: str, name: str, threads: int, rows: int | None = None) -> dict:
        """Learn from a set, or a random part of it of so many rows."""
        place = Path(data)
        texts, labels = read_part(place, name, "train")
        if rows is not None and rows < len(texts):
            chosen = np.random.default_rng(SEED).permutation(len(texts))[:rows]
            texts, labels = [texts[i] for i in chosen], [labels[i] for i in chosen]
        names = read_label_names(place, name)
        self.texts, self.truth = read_part(place, name, "test")
        order = np.random.default_rng(SEED).permutation(len(self.texts))
        self.texts, self.truth = [self.texts[i] for i in order], [self.truth[i] for i in order]
        memory = PeakMemory()
        before = time.process_time()
        taken, aside = seconds(self.fit, texts, labels, names, threads)
        return {
            "seconds": taken - (aside or 0),
            "cpu_seconds": time.process_time() - before,
            "peak_bytes": memory.beyond(),
            "rows": len(texts),
            "bytes_per_label": self.size() / len(names),
            "version": f"{self.package} {importlib.metadata.version(self.package)}",
        }

    def batch(self, patience: float, most: int) -> dict:
        """Microseconds a query and recall over the test rows, or as many as fit in `patience` seconds."""
        probe, _ = seconds(self.rank, self.texts[:100])
        rows = max(100, min(len(self.texts), most, int(100 * patience / probe)))
        taken, ids = seconds(self.rank, self.texts[:rows])
        truth = self.truth[:rows]
        return {
            "microseconds": taken / rows * 1e6,
            "rows": rows,
            **{f"R@{k}": recall(ids, truth, k) for k in (10, DEPTH)},
            "P@1": 100 * float(np.mean([row[0] in labels for row, labels in zip(ids, truth, strict=True)])),
        }

    def single(self, count: int) -> dict:
        """p50 and p99 in microseconds of one text at a time, for a hundred labels."""
        chosen = np.random.default_rng(SEED).integers(len(self.texts), size=count)
        return percentiles(lambda text: self.rank([text]), [self.texts[i] for i in chosen])
