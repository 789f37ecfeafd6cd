"""napkinXC's probabilistic label tree: the shared parameters, or (`napkinxc-default`) its own defaults."""

import os

import numpy as np
from napkinxc.models import PLT

from .peer_retrieval import Peer
from .side import BEAM, SEED, THRESHOLD, TREE, LinearSide, serve

SHARED = {
    "arity": TREE["branching"],
    "max_leaves": TREE["max_leaf_size"],
    "loss": "l2",
    "liblinear_c": 1,
    "weights_threshold": THRESHOLD,
    "tree_search_type": "beam",
    "beam_search_width": BEAM,
}


class NapkinXC(LinearSide):
    package = "napkinxc"

    def plt(self, model, threads):
        own = SHARED if os.environ["BENCHMARK_SIDE"] == "napkinxc" else {}
        return PLT(model, seed=SEED, threads=threads, **own)

    def fit(self, inputs, threads, model):
        self.plt(model, threads).fit(*inputs)  # writes the model while it trains
        return {}

    def save(self, model):
        pass

    def open(self, model, threads):
        self.model = self.plt(model, threads)
        self.model.load()

    def rank(self, queries):
        return self.model.predict(queries, top_k=self.k)

    def ids(self, ranked):
        ids = np.full((len(ranked), self.k), -1, np.int64)
        for row, labels in enumerate(ranked):
            ids[row, : min(self.k, len(labels))] = labels[: self.k]  # a beam hands over all it reached
        return ids


if __name__ == "__main__":
    serve({"linear": NapkinXC, "retrieval": lambda: Peer(NapkinXC())})
