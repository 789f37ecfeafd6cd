"""libpecos for autocompletion: its default tree and search; of what the beam holds, the labels in a range of ids.

``python -m runners.pecos_completion FOLDER THREADS`` reads X.trn, Y.trn, X.tst and runs.npy, and writes ids.npy.
"""

import json
import sys
from pathlib import Path
from time import perf_counter, thread_time_ns

import numpy as np
from pecos.xmc import Indexer, LabelEmbeddingFactory
from pecos.xmc.xlinear.model import XLinearModel
from scipy.sparse import load_npz

BEAM, LEAF, K, TIMED = 10, 100, 10, 1000


def main(folder: Path, threads: int) -> None:
    X, Y, tests = (load_npz(folder / f"{name}.npz") for name in ("X.trn", "Y.trn", "X.tst"))
    runs = np.load(folder / "runs.npy")
    start = perf_counter()
    chain = Indexer.gen(
        LabelEmbeddingFactory.create(Y.tocsc(), X, method="pifa", threads=threads), threads=threads
    )
    model = XLinearModel.train(X, Y.tocsc(), C=chain, threads=threads)
    seconds = perf_counter() - start
    model.save(folder / "model")
    model = XLinearModel.load(folder / "model", is_predict_only=True, weight_matrix_type="HASH_CHUNKED")
    options = {"beam_size": BEAM, "only_topk": BEAM * LEAF}
    ranked = model.predict(tests, threads=threads, **options)
    ids = np.full((tests.shape[0], K), -1)
    for row, (first, end) in enumerate(runs.tolist()):
        part = slice(ranked.indptr[row], ranked.indptr[row + 1])
        order = np.argsort(-ranked.data[part], kind="stable")
        found = ranked.indices[part][order]
        found = found[(found >= first) & (found < end)][:K]
        ids[row, : found.size] = found
    np.save(folder / "ids.npy", ids)
    taken = []
    for row in range(min(TIMED, tests.shape[0])):
        one = tests[row]
        start_ns = thread_time_ns()
        model.predict(one, threads=1, **options)
        taken.append(thread_time_ns() - start_ns)
    p50, p99 = np.percentile(taken, [50, 99]) / 1e3
    print(json.dumps({"fit_seconds": seconds, "cpu_p50_us": float(p50), "cpu_p99_us": float(p99)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
