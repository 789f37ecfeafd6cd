"""libpecos from texts to labels, with its own TF-IDF, saved and loaded for prediction only.

Both layouts made for ranking and its memory-mapped form are tried on training texts; the quickest answers, for batches
and for single queries.
"""

import tempfile

import numpy as np
from data import label_matrix
from pecos.xmc import LabelEmbeddingFactory
from pecos.xmc.xlinear.model import XLinearModel

from .measure import seconds, size_on_disk
from .pecos import LAYOUTS, PROBES, grow_tree, learn_tfidf
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
        self.place = tempfile.TemporaryDirectory()  # mapped files must stay
        directory = self.place.name
        model.save(f"{directory}/model")
        self.features.save(f"{directory}/features")
        self.bytes = size_on_disk(directory)
        aside, _ = seconds(self.choose, directory, X[: 4 * PROBES])
        return aside

    def choose(self, directory, X):
        """Open every form of the model and keep the quickest."""
        saved, mapped = f"{directory}/model", f"{directory}/mapped"
        XLinearModel.compile_mmap_model(saved, mapped)
        forms = [XLinearModel.load(saved, is_predict_only=True, weight_matrix_type=name) for name in LAYOUTS]
        forms.append(XLinearModel.load(mapped, is_predict_only=True))
        rows = [X[i] for i in range(min(PROBES, X.shape[0]))]
        times = {"batch": [], "single": []}
        for form in forms:
            self.predict(form, X[:PROBES], self.threads)
            times["batch"].append(seconds(self.predict, form, X, self.threads)[0])
            times["single"].append(sum(seconds(self.predict, form, row, 1)[0] for row in rows))
        self.for_batch, self.for_one = (
            forms[taken.index(min(taken))] for taken in (times["batch"], times["single"])
        )

    @staticmethod
    def predict(form, X, threads):
        return form.predict(X, only_topk=DEPTH, beam_size=BEAM, threads=threads)

    def rank(self, texts):
        X = self.features.predict([text.lower() for text in texts])
        if len(texts) == 1:
            return top_ids(self.predict(self.for_one, X, 1), DEPTH)
        return top_ids(self.predict(self.for_batch, X, self.threads), DEPTH)

    def size(self):
        return self.bytes


if __name__ == "__main__":
    serve({"retrieval": Linear})
