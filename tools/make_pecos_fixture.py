"""Make tests/support/pecos-model: small PECOS models, queries, and the scores that libpecos gives them.

Run in an environment of its own, since libpecos pins old versions of its dependencies::

    python3.11 -m venv pecos-env
    pecos-env/bin/pip install libpecos==1.2.8
    pecos-env/bin/python tools/make_pecos_fixture.py tests/support/pecos-model

``kmeans`` is trained with libpecos' own tree (3 layers, labels not in tree order, bias); ``shuffled`` has
clusters and inner nodes in random order and no bias; ``overlap`` has random weights and labels below several
clusters; ``flat`` is one-vs-all.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from pecos.core import XLINEAR_INFERENCE_MODEL_TYPES
from pecos.utils.cluster_util import ClusterChain
from pecos.xmc import Indexer, LabelEmbeddingFactory
from pecos.xmc.base import HierarchicalMLModel, MLModel
from pecos.xmc.xlinear.model import XLinearModel

N_INSTANCES, N_QUERIES, N_FEATURES, N_LABELS = 400, 12, 50, 60
BEAM, TOPK = 3, 8
COMBINATIONS = ["noop", "sigmoid", "log-sigmoid"] + [
    f"{log}l{p}-hinge" for log in ("", "log-") for p in (1, 2, 3, 4)
]


def make_data(rng: np.random.Generator) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Return instances and labels that share a few features with their instances."""
    prototypes = rng.random((N_LABELS, N_FEATURES)) * (rng.random((N_LABELS, N_FEATURES)) < 0.15)
    Y = sp.csr_matrix((rng.random((N_INSTANCES + N_QUERIES, N_LABELS)) < 0.04).astype(np.float32))
    noise = sp.random(*(Y.shape[0], N_FEATURES), density=0.05, random_state=rng, dtype=np.float32)
    X = sp.csr_matrix(Y @ prototypes + noise, dtype=np.float32)
    X.sort_indices()
    return X, Y


def make_models(rng: np.random.Generator, X: sp.csr_matrix, Y: sp.csr_matrix) -> dict[str, XLinearModel]:
    """Return the models by name."""
    representation = LabelEmbeddingFactory.create(Y.tocsc(), X, method="pifa")
    chain = Indexer.gen(representation, indexer_type="hierarchicalkmeans", nr_splits=4, max_leaf_size=5)
    shuffled, parents = [], np.arange(1)
    for C in chain:
        children = rng.permutation(C.shape[0]) if C.shape[0] < N_LABELS else np.arange(N_LABELS)
        shuffled.append(sp.csr_matrix(C)[children][:, parents].tocsc())
        parents = children

    def weights(n_columns: int) -> sp.csc_matrix:
        W = rng.normal(size=(N_FEATURES + 1, n_columns)) * (rng.random((N_FEATURES + 1, n_columns)) < 0.4)
        return sp.csc_matrix(W, dtype=np.float32)

    membership = np.eye(6, dtype=np.float32)[rng.integers(0, 6, 20)]
    membership[:6] = np.eye(6)
    membership[[3, 8, 8, 15], [1, 0, 4, 2]] = 1
    overlap = HierarchicalMLModel(
        [
            MLModel(W=weights(6), C=sp.csc_matrix(np.ones((6, 1), np.float32)), bias=0.5),
            MLModel(W=weights(20), C=sp.csc_matrix(membership), bias=2.0),
        ]
    )
    Y = Y.tocsc()
    return {
        "kmeans": XLinearModel.train(X, Y, C=chain, Cp=4.0, threads=1),
        "shuffled": XLinearModel.train(X, Y, C=ClusterChain(shuffled), Cp=4.0, bias=-1.0, threads=1),
        "overlap": XLinearModel(overlap),
        "flat": XLinearModel.train(X, Y, C=None, Cp=4.0, threads=1),
    }


def expected(model: XLinearModel, X: sp.csr_matrix, combination: str) -> tuple[np.ndarray, np.ndarray]:
    """Return libpecos' labels (-1 for none) and scores, best first."""
    Y = model.predict(X, beam_size=BEAM, only_topk=TOPK, post_processor=combination, threads=1)
    ids = np.full((X.shape[0], TOPK), -1, np.int64)
    scores = np.full((X.shape[0], TOPK), -np.inf, np.float32)
    for row in range(X.shape[0]):
        found = slice(Y.indptr[row], Y.indptr[row + 1])
        ids[row, : found.stop - found.start] = Y.indices[found]
        scores[row, : found.stop - found.start] = Y.data[found]
    return ids, scores


def main() -> None:
    """Write the fixture."""
    folder = Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    X, Y = make_data(rng)
    queries = X[N_INSTANCES:]
    sp.save_npz(folder / "queries.npz", queries)
    for name, model in make_models(rng, X[:N_INSTANCES], Y[:N_INSTANCES]).items():
        model.save(str(folder / name))
        results = {}
        for combination in COMBINATIONS:
            results[f"{combination} ids"], results[f"{combination} scores"] = expected(
                model, queries, combination
            )
        np.savez_compressed(folder / f"{name}-expected.npz", **results)
        if name != "overlap":  # which kills the native loader
            for layout in XLINEAR_INFERENCE_MODEL_TYPES:
                native = XLinearModel.load(
                    str(folder / name), is_predict_only=True, weight_matrix_type=layout
                )
                for combination in COMBINATIONS:
                    scores = expected(native, queries, combination)[1]
                    np.testing.assert_allclose(scores, results[f"{combination} scores"], rtol=1e-5, atol=1e-6)
        shapes = [layer.C.shape for layer in model.model.model_chain]
        print(name, json.dumps(shapes), [layer.W.nnz for layer in model.model.model_chain])


if __name__ == "__main__":
    main()
