"""libpecos: XR-Linear and its TF-IDF."""

from time import perf_counter

from data import TFIDF
from pecos.utils.featurization.text.vectorizers import Tfidf
from pecos.xmc import Indexer, LabelEmbeddingFactory
from pecos.xmc.xlinear.model import XLinearModel

from .measure import seconds
from .quality import top_ids
from .side import BEAM, SEED, THRESHOLD, TREE, LinearSide, serve
from .text import Vectorizer

LAYOUTS = ("HASH_CHUNKED", "BINARY_SEARCH_CHUNKED")
PROBES = 500


def learn_tfidf(texts, threads):
    """Its TF-IDF with the shared parameters, from texts in lower case."""
    options = {
        "ngram_range": TFIDF["ngram_range"],
        "sublinear_tf": TFIDF["sublinear_tf"],
        "min_df_cnt": TFIDF["min_df"],
        "max_feature": TFIDF["max_features"],
        "threads": threads,
    }
    return Tfidf.train(texts, options)


def grow_tree(Z, threads):
    """Its k-means over label vectors, with the shared parameters."""
    return Indexer.gen(
        Z,
        indexer_type="hierarchicalkmeans",
        nr_splits=TREE["branching"],
        max_leaf_size=TREE["max_leaf_size"],
        threads=threads,
        seed=SEED,
    )


class Pecos(LinearSide):
    package = "libpecos"

    def inputs(self, directory, threads):
        X, Y = super().inputs(directory, threads)
        return X, Y.tocsc()

    def fit(self, inputs, threads, model):
        X, Y = inputs
        start = perf_counter()
        Z = LabelEmbeddingFactory.create(Y, X, method="pifa", threads=threads)
        represented = perf_counter()
        chain = grow_tree(Z, threads)
        indexed = perf_counter()
        self.model = XLinearModel.train(
            X, Y, C=chain, threshold=THRESHOLD, beam_size=BEAM, only_topk=self.k, threads=threads
        )
        trained = perf_counter()
        return {
            "representation": represented - start,
            "index": indexed - represented,
            "train": trained - indexed,
        }

    def save(self, model):
        self.model.save(model)

    def open(self, model, threads):
        """Load the two layouts made for ranking, keep the quicker for batches and for single queries."""
        self.threads = threads
        layouts = [
            XLinearModel.load(model, is_predict_only=True, weight_matrix_type=name) for name in LAYOUTS
        ]
        rows = [self.X[i] for i in range(min(PROBES, self.X.shape[0]))]
        times = {"batch": [], "single": []}
        for layout in layouts:
            self.for_batch = self.for_one = layout
            self.rank(self.X[:PROBES])
            times["batch"].append(seconds(self.rank, self.X[: 4 * PROBES])[0])
            times["single"].append(seconds(lambda: [self.rank_one(row) for row in rows])[0])
        self.for_batch = layouts[times["batch"].index(min(times["batch"]))]
        self.for_one = layouts[times["single"].index(min(times["single"]))]

    def rank(self, queries):
        return self.for_batch.predict(queries, only_topk=self.k, beam_size=BEAM, threads=self.threads)

    def rank_one(self, query):
        """With one thread, which is quicker for one row than waking another."""
        return self.for_one.predict(query, only_topk=self.k, beam_size=BEAM, threads=1)

    def ids(self, ranked):
        return top_ids(ranked, self.k)

    def scores(self, count: int) -> dict:
        """Labels and scores of the first rows, for another library that opens the same model."""
        found = self.rank(self.X[:count]).tocsr()
        return {
            "indptr": found.indptr.tolist(),
            "ids": found.indices.tolist(),
            "scores": found.data.tolist(),
        }


class Texts(Vectorizer):
    note = "its own tokens: split at white space"

    def learn(self, texts, threads):
        return learn_tfidf([text.lower() for text in texts], threads)

    def rows(self, vectorizer, texts):
        return vectorizer.predict([text.lower() for text in texts])


if __name__ == "__main__":
    serve({"linear": Pecos, "text": Texts})
