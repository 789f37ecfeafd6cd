"""libpecos: XR-Linear and its TF-IDF."""

from pathlib import Path
from time import perf_counter

import numpy as np
from data import TFIDF
from pecos.utils.featurization.text.vectorizers import Tfidf
from pecos.xmc import Indexer, LabelEmbeddingFactory
from pecos.xmc.xlinear.model import XLinearModel
from scipy.sparse import load_npz

from .base import (
    BEAM,
    PROBE,
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
    top_ids,
)

LAYOUTS = ("HASH_CHUNKED", "BINARY_SEARCH_CHUNKED")  # those made for ranking


class Model(Linear):
    package = "libpecos"

    def inputs(self, X, Y, directory, threads):
        return X.astype(np.float32), Y.tocsc()

    def fit(self, inputs, threads, model):
        X, Y = inputs
        start = perf_counter()
        Z = LabelEmbeddingFactory.create(Y, X, method="pifa", threads=threads)
        represented = perf_counter()
        tree = {"nr_splits": TREE["branching"], "max_leaf_size": TREE["max_leaf_size"], "seed": SEED}
        chain = Indexer.gen(Z, indexer_type="hierarchicalkmeans", threads=threads, **tree)
        indexed = perf_counter()
        self.model = XLinearModel.train(
            X, Y, C=chain, threshold=THRESHOLD, beam_size=BEAM, only_topk=self.k, threads=threads
        )
        return {
            "representation": represented - start,
            "index": indexed - represented,
            "train": perf_counter() - indexed,
        }

    def save(self, model):
        self.model.save(model)

    def open(self, model, threads):
        self.model, self.threads = model, threads
        self.first = XLinearModel.load(model, is_predict_only=True, weight_matrix_type=LAYOUTS[0])

    def choose(self):
        """Keep the quicker of the layouts made for ranking, for batches and for single queries."""
        other = XLinearModel.load(self.model, is_predict_only=True, weight_matrix_type=LAYOUTS[1])
        layouts = [self.first, other]
        rows = [self.X[i] for i in range(min(PROBE, self.X.shape[0]))]
        times = {"batch": [], "single": []}
        for layout in layouts:
            self.for_batch = self.for_one = layout
            self.rank(self.X[:100])
            times["batch"].append(seconds(self.rank, self.X[: 4 * PROBE])[0])
            times["single"].append(seconds(lambda: [self.rank_one(row) for row in rows])[0])
        self.for_batch, self.for_one = (layouts[int(np.argmin(taken))] for taken in times.values())

    def rank(self, queries):
        return self.for_batch.predict(queries, only_topk=self.k, beam_size=BEAM, threads=self.threads)

    def rank_one(self, query):
        """With one thread, which is quicker for one row than waking another."""
        return self.for_one.predict(query, only_topk=self.k, beam_size=BEAM, threads=1)

    def ids(self, ranked):
        return top_ids(ranked, self.k)


class Texts(Vectorizer):
    """Its own tokens: it splits at white space only."""

    def learn(self, texts, threads):
        options = {
            "ngram_range": TFIDF["ngram_range"],
            "sublinear_tf": TFIDF["sublinear_tf"],
            "min_df_cnt": TFIDF["min_df"],
            "max_feature": TFIDF["max_features"],
            "threads": threads,
        }
        return Tfidf.train([text.lower() for text in texts], options)

    def rows(self, vectorizer, texts):
        return vectorizer.predict([text.lower() for text in texts])


class Completion:
    """Its default tree and beam; of the labels it returns, those in the range of ids that begin with the prefix."""

    def run(self, directory: str, threads: int, count: int) -> dict:
        place = Path(directory)
        X, Y, tests = (load_npz(place / f"{name}.npz") for name in ("X.trn", "Y.trn", "X.tst"))
        ranges = np.load(place / "ranges.npy")
        found, _ = costs(self.fit, X, Y.tocsc(), threads)
        self.model.save(place / "pecos-model")
        model = XLinearModel.load(place / "pecos-model", is_predict_only=True, weight_matrix_type=LAYOUTS[0])
        sides = {
            "answers": 1000,
            "top 20": 20,
        }  # all labels that its beam holds; as many as it returns by default
        answers = {side: self.answers(model, tests, ranges, most, threads) for side, most in sides.items()}
        rows = [tests[i] for i in sample(range(tests.shape[0]), count)]
        alone = percentiles(lambda row: model.predict(row, beam_size=BEAM, only_topk=1000, threads=1), rows)
        return found | alone | answers

    def fit(self, X, Y, threads):
        chain = Indexer.gen(
            LabelEmbeddingFactory.create(Y, X, method="pifa", threads=threads), threads=threads
        )
        self.model = XLinearModel.train(X, Y, C=chain, threads=threads)

    @staticmethod
    def answers(model, tests, ranges, most: int, threads: int) -> list[list[int]]:
        ranked = top_ids(model.predict(tests, beam_size=BEAM, only_topk=most, threads=threads), most)
        kept = (ranked >= ranges[:, :1]) & (ranked < ranges[:, 1:])
        return [row[keep][:K].tolist() for row, keep in zip(ranked, kept, strict=True)]


if __name__ == "__main__":
    kinds = {"linear": Model, "text": Texts, "completion": Completion}
    serve(kinds | {"retrieval": lambda: FromTexts(Texts(), Model())})
