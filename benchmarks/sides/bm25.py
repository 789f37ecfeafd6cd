"""bm25s: words of the text against words of the label's name. It learns nothing from labelled texts."""

import bm25s
import numpy as np

from .base import DEPTH, Retriever, serve


class BM25(Retriever):
    package = "bm25s"

    def fit(self, texts, labels, names, threads):
        self.threads, self.depth = threads, min(DEPTH, len(names))
        self.index = bm25s.BM25()
        self.index.index(self.tokens(names), show_progress=False)

    def tokens(self, texts):
        return bm25s.tokenize(list(texts), stopwords="en", show_progress=False)

    def rank(self, texts):
        many = self.threads if len(texts) > 1 else 0
        found = self.index.retrieve(self.tokens(texts), k=self.depth, n_threads=many, show_progress=False)
        return np.where(found.scores > 0, found.documents, -1)

    def size(self):
        return sum(array.nbytes for array in self.index.scores.values() if hasattr(array, "nbytes"))


if __name__ == "__main__":
    serve({"retrieval": BM25})
