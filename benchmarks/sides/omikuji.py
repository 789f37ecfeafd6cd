"""omikuji: one tree of the shared parameters, and three trees as its authors set them (defaults: Parabel).

The side ``bonsai-names`` is ``bonsai`` on matrices that have a row for every label name, too. The package trains from a
text file, read before the clock starts, and ranks one row a call.
"""

import os

import numpy as np
import omikuji
from omikuji._libomikuji import lib
from sklearn.datasets import dump_svmlight_file

from .base import BEAM, NAME, THRESHOLD, TREE, Linear, serve

BONSAI = {"cluster_k": 100, "cluster_balanced": False, "max_depth": 3}
SETTINGS = {
    "omikuji": {
        "n_trees": 1,
        "cluster_k": TREE["branching"],
        "min_branch_size": TREE["max_leaf_size"],
        "linear_weight_threshold": THRESHOLD,
        "linear_max_iter": 100,
    },
    "bonsai": BONSAI,
    "bonsai-names": BONSAI,
    "parabel": {},
    "attention-like": {"collapse_every_n_layers": 5},
}


class Model(Linear):
    package = "omikuji"

    def inputs(self, X, Y, directory, threads):
        path = directory / "trn.libsvm"
        if not path.exists():
            filled = np.diff(X.indptr) > 0  # it cannot take rows without features, one in 600 at most
            with path.open("wb") as file:
                file.write(f"{filled.sum()} {X.shape[1]} {Y.shape[1]}\n".encode())
                dump_svmlight_file(X[filled], Y[filled], file, zero_based=True, multilabel=True)
        pool = omikuji._ThreadPoolHandle(threads)
        return pool, lib.load_omikuji_data_set(str(path).encode(), pool.ptr)

    def fit(self, inputs, threads, model):
        pool, data = inputs
        parameters = omikuji.Model.default_hyper_param()
        for name, value in SETTINGS[NAME].items():
            setattr(parameters, name, value)
        self.model = omikuji.Model(lib.train_omikuji_model(data, parameters, pool.ptr))
        return {}

    def save(self, model):
        os.makedirs(model, exist_ok=True)
        self.model.save(model)

    def open(self, model, threads):
        self.model = omikuji.Model.load(model)
        self.model.init_prediction_thread_pool(threads)
        self.model.densify_weights()  # as its command line does

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
    serve({"linear": Model})
