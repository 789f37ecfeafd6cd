"""napkinXC: its probabilistic label tree with the shared parameters, its defaults, and the ensemble of its paper.

It writes its model while it trains.
"""

import numpy as np
from napkinxc.models import PLT

from .base import BEAM, NAME, SEED, THRESHOLD, TREE, Linear, serve

SETTINGS = {
    "napkinxc": {
        "arity": TREE["branching"],
        "max_leaves": TREE["max_leaf_size"],
        "loss": "l2",
        "liblinear_c": 1,
        "weights_threshold": THRESHOLD,
        "tree_search_type": "beam",
        "beam_search_width": BEAM,
    },
    "napkinxc-default": {},
    "napkinxc-ensemble": {
        "ensemble": 3,
        "arity": 16,
        "kmeans_balanced": False,
        "loss": "l2",
        "liblinear_c": 1,
    },
}


class Model(Linear):
    package = "napkinxc"

    def fit(self, inputs, threads, model):
        PLT(model, seed=SEED, threads=threads, **SETTINGS[NAME]).fit(*inputs)
        return {}

    def save(self, model):
        pass

    def open(self, model, threads):
        self.model = PLT(model, seed=SEED, threads=threads, **SETTINGS[NAME])
        self.model.load()

    def rank(self, queries):
        return self.model.predict(queries, top_k=self.k)

    def ids(self, ranked):
        ids = np.full((len(ranked), self.k), -1, np.int64)
        for row, labels in enumerate(ranked):
            ids[row, : min(self.k, len(labels))] = labels[: self.k]  # a beam hands over all it reached
        return ids


if __name__ == "__main__":
    serve({"linear": Model})
