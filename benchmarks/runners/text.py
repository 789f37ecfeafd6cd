"""What a side does with texts: learn a vocabulary, turn texts into rows."""

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
from data import read_part

from .measure import percentiles, seconds
from .side import SEED


class Vectorizer(ABC):
    """One library's TF-IDF with the options of ``data.TFIDF``, or as near to them as it comes."""

    note = ""

    @abstractmethod
    def learn(self, texts: list[str], threads: int):
        """Learn the vocabulary; the vectoriser."""

    @abstractmethod
    def rows(self, vectorizer, texts: list[str]):
        """TF-IDF rows of texts."""

    def read(self, data: str, name: str) -> dict:
        """Read a set's texts."""
        self.train_texts, _ = read_part(Path(data), name, "train")
        self.test_texts, _ = read_part(Path(data), name, "test")
        return {"texts": len(self.train_texts)}

    def fit(self, threads: int) -> dict:
        """Seconds of learning the vocabulary and then of turning the training texts into rows."""
        fitted, self.vectorizer = seconds(self.learn, self.train_texts, threads)
        transformed, X = seconds(self.rows, self.vectorizer, self.train_texts)
        return {
            "fit": fitted,
            "transform": transformed,
            "features": int(X.shape[1]),
            "nnz": int(X.nnz),
            "note": self.note,
        }

    def one_text(self, count: int) -> dict:
        """Microseconds of one text given alone."""
        chosen = np.random.default_rng(SEED).integers(len(self.test_texts), size=count)
        texts = [[self.test_texts[i]] for i in chosen]
        return percentiles(lambda text: self.rows(self.vectorizer, text), texts)
