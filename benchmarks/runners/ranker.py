"""arborank from text to label names."""

from pathlib import Path

import numpy as np
from data import TFIDF, read_label_names, read_part

from arborank import NgramTfidf, TextRanker, XRLinear

from .measure import percentiles, seconds
from .side import SEED, K


class Ranker:
    """A `TextRanker` of the features and parameters of the other tables."""

    def train(self, data: str, name: str, threads: int) -> dict:
        texts, labels = read_part(Path(data), name, "train")
        self.texts, _ = read_part(Path(data), name, "test")
        names = [f"{label} [{i}]" for i, label in enumerate(read_label_names(Path(data), name))]  # unique
        features = NgramTfidf(**TFIDF)
        ranker = TextRanker(features, XRLinear(random_state=SEED), n_jobs=threads)
        taken, self.ranker = seconds(ranker.fit, texts, [[names[i] for i in row] for row in labels])
        return {"seconds": taken}

    def single(self, count: int) -> dict:
        """p50 and p99 in microseconds of ``rank`` of one text."""
        chosen = np.random.default_rng(SEED).integers(len(self.texts), size=count)
        return percentiles(lambda text: self.ranker.rank(text, k=K), [self.texts[i] for i in chosen])
