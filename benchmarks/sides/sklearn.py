"""scikit-learn's vectoriser, which has one thread."""

import numpy as np
from data import TFIDF
from sklearn.feature_extraction.text import TfidfVectorizer

from .base import Vectorizer, serve


class Texts(Vectorizer):
    def learn(self, texts, threads):
        return TfidfVectorizer(**TFIDF, dtype=np.float32).fit(texts)

    def rows(self, vectorizer, texts):
        return vectorizer.transform(texts)


if __name__ == "__main__":
    serve({"text": Texts})
