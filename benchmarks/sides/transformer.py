"""XR-Linear, X-Transformer and XR-Transformer on a part of a set; needs Arborank's extra ``transformers``."""

import time
from pathlib import Path

import numpy as np
from data import label_matrix, read_names, read_part

from arborank import TextFeatures, XRLinear, XRTransformer, XTransformer

from .base import SEED, sample, serve

THRESHOLD = 0.03
OPTIONS = {
    "max_length": 64,
    "batch_size": 32,
    "learning_rate": 5e-5,
    "head_learning_rate": 1e-3,
    "branching": 16,
}
TUNED = {  # epochs for each level; about as long as each other, since X-Transformer has one
    "encoder as it comes": (XRTransformer, 0.0),
    "X-Transformer": (XTransformer, 2.1),
    "XR-Transformer": (XRTransformer, 0.4),
}


class Documents:
    def run(self, data: str, name: str, rows: int, method: str, encoder: str, threads: int) -> dict:
        """Processor time of fitting on rows drawn from a set and of answers; five labels of every test text."""
        place = Path(data)
        texts, labels = read_part(place, name, "train")
        chosen = np.sort(np.random.default_rng(0).permutation(len(texts))[:rows])
        texts, labels = [texts[i] for i in chosen], [labels[i] for i in chosen]
        Y = label_matrix(labels, len(read_names(place, name)))
        tests, _ = read_part(place, name, "test", rows)
        ranker = XRLinear.preset("pecos", threshold=THRESHOLD, n_jobs=threads)
        start = time.process_time()
        if method == "XR-Linear":
            features = TextFeatures(n_jobs=threads).fit(texts)
            ranker.fit(features.transform(texts), Y)
            answer = lambda some: ranker.predict_topk(features.transform(some), 5)  # noqa: E731
        else:
            kind, epochs = TUNED[method]
            parameters = {
                "epochs": epochs,
                "ranker": ranker,
                "random_state": SEED,
                "n_jobs": threads,
                "max_leaf_size": 16,
            }
            model = kind(encoder, features=TextFeatures(), **OPTIONS, **parameters).fit(texts, Y)
            answer = lambda some: model.predict_topk(some, 5)  # noqa: E731
        fitted = time.process_time()
        ids = answer(tests)[0]
        answered = time.process_time()
        for text in sample(tests, 100):
            answer([text])
        return {
            "fit": fitted - start,
            "batch": 1e3 * (answered - fitted) / len(tests),
            "single": 10 * (time.process_time() - answered),
            "ids": ids.tolist(),
            "counts": np.bincount(Y.indices, minlength=Y.shape[1]).tolist(),
        }


if __name__ == "__main__":
    serve({"documents": Documents})
