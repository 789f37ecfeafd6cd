"""libpecos from texts to labels, with its own TF-IDF, saved and loaded for prediction only."""

import tempfile

import numpy as np
from data import label_matrix
from pecos.xmc import LabelEmbeddingFactory
from pecos.xmc.xlinear.model import XLinearModel

from .measure import size_on_disk
from .pecos import LAYOUTS, grow_tree, learn_tfidf
from .quality import top_ids
from .retrieval import DEPTH, Retriever
from .side import BEAM, THRESHOLD, serve


class Linear(Retriever):
    package = "libpecos"

    def fit(self, texts, labels, names, threads):
        self.threads = threads
        lower = [text.lower() for text in texts]
        self.features = learn_tfidf(lower, threads)
        X, Y = self.features.predict(lower).astype(np.float32), label_matrix(labels, len(names)).tocsc()
        chain = grow_tree(LabelEmbeddingFactory.create(Y, X, method="pifa", threads=threads), threads)
        model = XLinearModel.train(
            X, Y, C=chain, threshold=THRESHOLD, beam_size=BEAM, only_topk=DEPTH, threads=threads
        )
        with tempfile.TemporaryDirectory() as directory:
            model.save(directory)
            self.features.save(f"{directory}/features")
            self.bytes = size_on_disk(directory)
            self.model = XLinearModel.load(directory, is_predict_only=True, weight_matrix_type=LAYOUTS[0])

    def rank(self, texts):
        X = self.features.predict([text.lower() for text in texts])
        threads = self.threads if len(texts) > 1 else 1
        found = self.model.predict(X, only_topk=DEPTH, beam_size=BEAM, threads=threads)
        return top_ids(found, DEPTH)

    def size(self):
        return self.bytes


if __name__ == "__main__":
    serve({"retrieval": Linear})
