"""arborank: XRLinear, with its own score or (`arborank-l2-l3`) with another score, and NgramTfidf.

`arborank-float16` and `arborank-int8` rank with shorter weights.
"""

import os

from data import TFIDF

from arborank import NgramTfidf, XRLinear, __version__, load

from .ranker import Ranker
from .side import BEAM, SEED, THRESHOLD, TREE, LinearSide, serve
from .text import Vectorizer


class Arborank(LinearSide):
    package = "arborank"

    def version(self):
        return f"arborank {__version__}"

    def fit(self, inputs, threads, model):
        X, Y = inputs
        score = {} if os.environ["BENCHMARK_SIDE"] == "arborank" else {"combine": "l2-l3-hinge"}
        self.model = XRLinear(
            **TREE, **score, beam_size=BEAM, threshold=THRESHOLD, random_state=SEED, n_jobs=threads
        ).fit(X, Y)
        return self.model.fit_times_

    def save(self, model):
        self.model.save(model)

    def open(self, model, threads):
        self.model = load(model).set_params(n_jobs=threads)
        precision = os.environ["BENCHMARK_SIDE"].removeprefix("arborank").removeprefix("-")
        if precision in ("float16", "int8"):
            self.model = self.model.quantize(precision)

    def rank(self, queries):
        return self.model.predict_topk(queries, k=self.k)

    def ids(self, ranked):
        return ranked[0]


class Texts(Vectorizer):
    def learn(self, texts, threads):
        return NgramTfidf(**TFIDF, n_jobs=threads).fit(texts)

    def rows(self, vectorizer, texts):
        return vectorizer.transform(texts)


if __name__ == "__main__":
    serve({"linear": Arborank, "text": Texts, "ranker": Ranker})
