"""omikuji and napkinXC from texts to labels: scikit-learn's TF-IDF, one tree of the shared parameters.

Neither package reads texts; what their users put in front of them is scikit-learn's vectoriser.
"""

import pickle
import tempfile
from pathlib import Path

import numpy as np
from data import TFIDF, label_matrix, write_libsvm
from sklearn.feature_extraction.text import TfidfVectorizer

from .measure import seconds, size_on_disk
from .retrieval import DEPTH, Retriever
from .side import LinearSide


class Peer(Retriever):
    """A peer's side of the linear benchmark, with texts in front."""

    def __init__(self, side: LinearSide):
        self.side, self.package = side, side.package
        side.k = DEPTH

    def fit(self, texts, labels, names, threads):
        self.features = TfidfVectorizer(**TFIDF, dtype=np.float32)
        X, Y = self.features.fit_transform(texts), label_matrix(labels, len(names))
        with tempfile.TemporaryDirectory() as directory:
            model = f"{directory}/model"
            aside, inputs = seconds(self.read, X, Y, Path(directory), threads)
            self.side.fit(inputs, threads, model)
            self.side.save(model)
            self.bytes = size_on_disk(model) + len(pickle.dumps(self.features))
            aside += seconds(self.side.open, model, threads)[0]
        return aside

    def read(self, X, Y, directory, threads):
        """X and Y in the form the package trains from."""
        return X, Y

    def rank(self, texts):
        X = self.features.transform(texts)
        if len(texts) == 1:
            return self.side.ids(self.side.rank_one(self.side.query(X)))
        return self.side.ids(self.side.rank(self.side.queries(X)))

    def size(self):
        return self.bytes


class FromFile(Peer):
    """A peer that trains from a text file; writing and reading it is not counted."""

    def read(self, X, Y, directory, threads):
        write_libsvm(X, Y, directory / "trn.libsvm")
        return self.side.inputs(directory, threads)
