"""scikit-learn: one-versus-rest LinearSVC on a sample of the labels, and TfidfVectorizer.

One-versus-rest over all labels would take hours and tens of gigabytes: a sample of the labels that have
positives is trained, and time and size are scaled to all of them. It is not ranked with.
"""

import os

import numpy as np
from data import TFIDF
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

from .side import SEED, LinearSide, serve
from .text import Vectorizer

SAMPLE = 32


class OneVersusRest(LinearSide):
    package = "scikit-learn"

    def inputs(self, directory, threads):
        X, Y = super().inputs(directory, threads)
        self.n_labels = Y.shape[1]
        used = np.flatnonzero(np.bincount(Y.indices, minlength=Y.shape[1]))
        return X, Y[:, np.sort(np.random.default_rng(SEED).choice(used, SAMPLE, replace=False))]

    def fit(self, inputs, threads, model):
        svc = LinearSVC(C=1.0, tol=0.1, max_iter=100, random_state=SEED)
        self.model = OneVsRestClassifier(svc, n_jobs=threads).fit(*inputs)
        return {}

    def save(self, model):
        os.makedirs(model, exist_ok=True)
        weights = np.concatenate([one.coef_ for one in self.model.estimators_])
        np.save(os.path.join(model, "weights.npy"), weights)

    def train(self, directory, model, threads):
        answer = super().train(directory, model, threads)
        del answer["peak_bytes"]  # mostly X and Y again: nothing to scale
        scale = self.n_labels / SAMPLE
        scaled = {"seconds": answer["seconds"] * scale, "model_bytes": answer["model_bytes"] * scale}
        return answer | scaled | {"labels_trained": SAMPLE}

    def open(self, model, threads):
        raise NotImplementedError("a sample of the labels ranks nothing")

    def rank(self, queries):
        raise NotImplementedError("a sample of the labels ranks nothing")

    def ids(self, ranked):
        raise NotImplementedError("a sample of the labels ranks nothing")


class Texts(Vectorizer):
    note = "one thread always"

    def learn(self, texts, threads):
        return TfidfVectorizer(**TFIDF, dtype=np.float32).fit(texts)

    def rows(self, vectorizer, texts):
        return vectorizer.transform(texts)


if __name__ == "__main__":
    serve({"linear": OneVersusRest, "text": Texts})
