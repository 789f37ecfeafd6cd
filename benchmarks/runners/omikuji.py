"""omikuji: one tree of the shared parameters, or (`omikuji-default`) its three binary trees.

Its package trains from a text file and ranks one row a call; the file is read before the clock starts.
"""

import os

import numpy as np
import omikuji
from omikuji._libomikuji import lib

from .peer_retrieval import FromFile
from .side import BEAM, THRESHOLD, TREE, LinearSide, serve


class Omikuji(LinearSide):
    package = "omikuji"

    def inputs(self, directory, threads):
        pool = omikuji._ThreadPoolHandle(threads)
        return pool, lib.load_omikuji_data_set(str(directory / "trn.libsvm").encode(), pool.ptr)

    def parameters(self):
        parameters = omikuji.Model.default_hyper_param()
        if os.environ["BENCHMARK_SIDE"] == "omikuji":
            parameters.n_trees = 1
            parameters.cluster_k = TREE["branching"]
            parameters.min_branch_size = TREE["max_leaf_size"]
            parameters.linear_weight_threshold = THRESHOLD
            parameters.linear_max_iter = 100
        return parameters

    def fit(self, inputs, threads, model):
        pool, data = inputs
        self.model = omikuji.Model(lib.train_omikuji_model(data, self.parameters(), pool.ptr))
        return {}

    def save(self, model):
        os.makedirs(model, exist_ok=True)
        self.model.save(model)

    def open(self, model, threads):
        self.model = omikuji.Model.load(model)
        self.model.init_prediction_thread_pool(threads)
        self.model.densify_weights()

    def query(self, row):
        return list(zip(row.indices.tolist(), row.data.tolist(), strict=True))

    def queries(self, X):
        return [self.query(X[i]) for i in range(X.shape[0])]

    def rank(self, queries):
        return [self.model.predict(query, BEAM, self.k) for query in queries]

    def rank_one(self, query):
        return self.rank([query])

    def ids(self, ranked):
        ids = np.full((len(ranked), self.k), -1, np.int64)
        for row, labels in enumerate(ranked):
            ids[row, : len(labels)] = [label for label, _ in labels]
        return ids


if __name__ == "__main__":
    serve({"linear": Omikuji, "retrieval": lambda: FromFile(Omikuji())})
