"""The kernels of both libraries, timed by kernel.cpp on single queries: no Python between one query and the next."""

import ctypes
import os
from pathlib import Path

import numpy as np
from scipy.sparse import load_npz

from .quality import quality
from .side import BEAM, SEED, K, serve

ARRAYS = ("branches", "ranks", "extents", "index", "starts", "bases", "keys", "units", "bias", "scales")
SIZES = ("precision", "n_parents", "n_children", "n_features", "n_units")


class LayerPointers(ctypes.Structure):
    """One layer, as kernel.cpp takes it."""

    _fields_ = [(name, ctypes.c_void_p) for name in ARRAYS] + [(name, ctypes.c_int64) for name in SIZES]


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


class Arborank:
    """Our model, its arrays opened by the package and searched by the package's headers."""

    layouts = ("float32", "int8")

    def open(self, library, model: str, layout: str):
        from arborank import load
        from arborank.ranking.weights import PRECISIONS

        self.model = load(model)
        if layout != "float32":
            self.model = self.model.quantize(layout)
        layers = [
            LayerPointers(
                *[getattr(layer, name).ctypes.data for name in ARRAYS],
                PRECISIONS.index(layer.precision),
                len(layer.branches) - 1,
                len(layer.bias),
                layer.n_features,
                len(layer.units),
            )
            for layer in self.model.layers_
        ]
        labels = self.model.tree_.labels
        library.open_model.restype = ctypes.c_void_p
        self.opened = library.open_model(
            (LayerPointers * len(layers))(*layers),
            ctypes.c_int64(len(layers)),
            pointer(labels),
            ctypes.c_int64(len(labels)),
            ctypes.c_int64(self.model.n_labels_),
        )

    def time(self, library, *arguments):
        library.time_model(ctypes.c_void_p(self.opened), *arguments)


class Pecos:
    """Its model, opened and searched through its C functions."""

    layouts = ("HASH_CHUNKED", "BINARY_SEARCH_CHUNKED")

    def open(self, library, model: str, layout: str):
        from pecos.core import clib

        self.predict = ctypes.cast(clib.clib_float32.c_xlinear_predict_csr_f32, ctypes.c_void_p)
        self.opened = clib.xlinear_load_predict_only(str(Path(model) / "ranker"), layout)

    def time(self, library, *arguments):
        library.time_peer(self.predict, ctypes.c_void_p(self.opened), *arguments)


class Kernel:
    """One of the two, every layout of it."""

    def load(self, library: str, directory: str, model: str, count: int) -> dict:
        directory = Path(directory)
        X, truth, self.train = (load_npz(directory / f"{name}.npz") for name in ("X.tst", "Y.tst", "Y.trn"))
        chosen = np.random.default_rng(SEED).integers(X.shape[0], size=count)
        self.X, self.truth = X[chosen].tocsr(), truth[chosen]
        self.X.sort_indices()
        self.library, self.sides = ctypes.CDLL(library), {}
        kind = {"arborank": Arborank, "libpecos": Pecos}[os.environ["BENCHMARK_SIDE"]]
        for layout in kind.layouts:
            self.sides[layout] = kind()
            self.sides[layout].open(self.library, model, layout)
        return {"layouts": list(kind.layouts), "features": self.X.nnz / count}

    def single(self, layout: str, with_quality: bool) -> dict:
        """Microseconds of one query; a tenth of them are run once before as warm-up."""
        n_queries, n_features = self.X.shape
        indptr = self.X.indptr.astype(np.int64)
        ids = np.empty((n_queries, K), np.int64)
        seconds = np.empty(n_queries)
        for count in (n_queries // 10, n_queries):
            self.sides[layout].time(
                self.library,
                pointer(indptr),
                pointer(self.X.indices),
                pointer(self.X.data),
                *[ctypes.c_int64(n) for n in (count, n_features, K, BEAM)],
                pointer(ids),
                pointer(seconds),
            )
        answer = {f"p{share}": float(np.percentile(seconds, share) * 1e6) for share in (50, 99)}
        answer["mean"] = float(seconds.mean() * 1e6)
        return answer | (quality(ids, self.truth, self.train) if with_quality else {})


if __name__ == "__main__":
    serve({"kernel": Kernel})
