"""Arborank. The side ``arborank-int8`` ranks with the same model, its weights of 8 bits.

Of the table defaults: `AS_THEY_COME`, ``arborank-text``, a `TextRanker` as it comes, and ``one-versus-rest``, one layer
of all labels.
"""

import json
from pathlib import Path

from data import TFIDF, read_names, read_part, regime

from arborank import Autocompleter, HybridRanker, NgramTfidf, TextRanker, XRLinear, __version__, load

from .base import (
    BEAM,
    NAME,
    SEED,
    THRESHOLD,
    TREE,
    FromTexts,
    K,
    Linear,
    Vectorizer,
    costs,
    percentiles,
    sample,
    seconds,
    serve,
    size_on_disk,
)

MODEL = {**TREE, "beam_size": BEAM, "threshold": THRESHOLD, "random_state": SEED}
AS_THEY_COME = {
    "arborank-features": XRLinear(),
    "arborank-trees": XRLinear(n_trees=3),
    "arborank-hybrid": HybridRanker(),
}


class Model(Linear):
    package, version = "arborank", __version__

    def inputs(self, X, Y, directory, threads):
        self.work = directory / "work" if directory.name.startswith("products-") else None
        return X, Y

    def fit(self, inputs, threads, model):
        if NAME in AS_THEY_COME:
            self.model = AS_THEY_COME[NAME].set_params(n_jobs=threads).fit(*inputs)
            return {}
        ranker = XRLinear.preset("pecos", **MODEL, n_jobs=threads)
        if NAME == "one-versus-rest":
            ranker.set_params(max_leaf_size=inputs[1].shape[1], threshold=0.01)
        self.model = ranker.fit(*inputs, work_dir=self.work)
        return self.model.fit_times_

    def save(self, model):
        self.quantized(self.model).save(model)

    def open(self, model, threads):
        self.model = self.quantized(load(model).set_params(n_jobs=threads))

    @staticmethod
    def quantized(model):
        return model.quantize("int8") if NAME == "arborank-int8" else model

    def rank(self, queries):
        return self.model.predict_topk(queries, k=self.k)

    def ids(self, ranked):
        return ranked[0]


class Texts(Vectorizer):
    def learn(self, texts, threads):
        return NgramTfidf(**TFIDF, n_jobs=threads).fit(texts)

    def rows(self, vectorizer, texts):
        return vectorizer.transform(texts)


class Ranker:
    """From text to label names: a `TextRanker` with the features and parameters of the other tables."""

    def train(self, data: str, name: str, rows: int | None, threads: int, model: str) -> dict:
        texts, labels = read_part(Path(data), name, "train", rows)
        names = [f"{label} [{i}]" for i, label in enumerate(read_names(Path(data), name))]  # no two alike
        ranker = TextRanker(NgramTfidf(**TFIDF), XRLinear.preset("pecos", **MODEL), n_jobs=threads)
        found, _ = costs(ranker.fit, texts, [[names[i] for i in row] for row in labels])
        ranker.save(model)
        return found | {"model_bytes": size_on_disk(model)}

    def open(self, model: str, verify: bool, text: str) -> dict:
        """Seconds of opening a model in this new process, and of its first answer."""
        taken, self.ranker = seconds(lambda: load(model, verify=verify))
        return {"open": taken, "first": seconds(lambda: self.ranker.rank(text, k=K))[0]}

    def single(self, data: str, name: str, rows: int | None, count: int) -> dict:
        texts, _ = read_part(Path(data), name, "test", rows)
        return percentiles(lambda text: self.ranker.rank(text, k=K), sample(texts, count))


class Defaults:
    """From text to label names: a `TextRanker` as it comes."""

    def train(self, data: str, name: str, rows: int | None, threads: int, model: str) -> dict:
        """Costs of training on the texts of a regime, and the labels of its test texts."""
        (texts, labels), (tests, _), names = regime(Path(data), name, rows)
        ranker = TextRanker(n_jobs=threads)
        found, _ = costs(ranker.fit, texts, [[names[i] for i in row] for row in labels])
        ranker.save(model)
        ranker = load(model).set_params(n_jobs=threads)
        spent, ranked = costs(ranker.rank_batch, tests, K)
        place = {label: i for i, label in enumerate(names)}
        ids = [[place[label] for label, _ in row] + [-1] * (K - len(row)) for row in ranked]
        return found | {
            "model_bytes": size_on_disk(model),
            "version": f"arborank {__version__}",
            "query_cpu_microseconds": 1e6 * spent["cpu_seconds"] / len(tests),
            "ids": ids,
        }


class Completion:
    """Queries for a prefix and the query before it."""

    def run(self, directory: str, threads: int, count: int) -> dict:
        """Fit on the pairs, answer the test prefixes with the query before and without it, time keystrokes."""
        data = json.loads((Path(directory) / "pairs.json").read_text())
        completer = Autocompleter(random_state=SEED, n_jobs=threads)
        found, _ = costs(completer.fit_pairs, *data["train"])
        previous, prefixes = data["previous"], data["prefixes"]
        answers = {
            "answers": completer.complete_batch(prefixes, previous, K),
            "most frequent": completer.complete_batch(prefixes, [()] * len(prefixes), K),
        }
        place = str(Path(directory) / "completer")
        completer.save(place)
        completer = load(place).set_params(n_jobs=1)
        alone = percentiles(
            lambda one: completer.complete(*one, K), sample(list(zip(prefixes, previous, strict=True)), count)
        )
        return (
            found
            | alone
            | {side: [[query for query, _ in row] for row in rows] for side, rows in answers.items()}
        )


if __name__ == "__main__":
    kinds = {"linear": Model, "text": Texts, "ranker": Ranker, "completion": Completion, "defaults": Defaults}
    serve(kinds | {"retrieval": lambda: FromTexts(Texts(), Model())})
