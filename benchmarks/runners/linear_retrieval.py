"""arborank from texts to labels: word and pair-of-word TF-IDF, one tree, float32 or (`arborank-int8`) 8-bit weights."""

import os

from data import TFIDF

from arborank import NgramTfidf, XRLinear
from arborank.analysis.compression import Setting, compress, model_bytes

from .retrieval import DEPTH, Retriever
from .side import BEAM, SEED, THRESHOLD, TREE, serve


class Linear(Retriever):
    package = "arborank"

    def fit(self, texts, labels, names, threads):
        self.features = NgramTfidf(**TFIDF, n_jobs=threads)
        model = XRLinear(**TREE, beam_size=BEAM, threshold=THRESHOLD, random_state=SEED, n_jobs=threads)
        self.model = model.fit(self.features.fit_transform(texts), labels)
        if os.environ["BENCHMARK_SIDE"] == "arborank-int8":
            self.model = compress(self.model, Setting(0.2, None, "int8", BEAM))

    def rank(self, texts):
        return self.model.predict_topk(self.features.transform(texts), DEPTH)[0]

    def size(self):
        return model_bytes(self.model) + model_bytes(self.features)


if __name__ == "__main__":
    serve({"retrieval": Linear})
