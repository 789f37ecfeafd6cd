"""libpecos for autocompletion: its default tree and beam; of the labels it returns, those in a range of ids.

``python -m runners.pecos_completion FOLDER TOP THREADS`` reads X.trn, Y.trn, X.tst and runs.npy, trains unless FOLDER
holds a model, and writes ids.npy.
"""

import json
import sys
from pathlib import Path
from time import perf_counter, process_time, thread_time_ns

import numpy as np
from pecos.xmc import Indexer, LabelEmbeddingFactory
from pecos.xmc.xlinear.model import XLinearModel
from scipy.sparse import load_npz

from .measure import PeakMemory

BEAM, K, TIMED, STEP = 10, 10, 1000, 2000


def train(folder: Path, threads: int) -> dict:
    X, Y = (load_npz(folder / f"{name}.npz") for name in ("X.trn", "Y.trn"))
    memory, start, cpu = PeakMemory(), perf_counter(), process_time()
    chain = Indexer.gen(
        LabelEmbeddingFactory.create(Y.tocsc(), X, method="pifa", threads=threads), threads=threads
    )
    model = XLinearModel.train(X, Y.tocsc(), C=chain, threads=threads)
    figures = {"fit_seconds": perf_counter() - start, "fit_cpu_seconds": process_time() - cpu}
    figures["peak_bytes"] = memory.beyond()
    model.save(folder / "model")
    (folder / "fit.json").write_text(json.dumps(figures))
    return figures


def main(folder: Path, top: int, threads: int) -> None:
    known = folder / "fit.json"
    figures = json.loads(known.read_text()) if known.exists() else train(folder, threads)
    tests, runs = load_npz(folder / "X.tst.npz"), np.load(folder / "runs.npy")
    model = XLinearModel.load(folder / "model", is_predict_only=True, weight_matrix_type="HASH_CHUNKED")
    options = {"beam_size": BEAM, "only_topk": top}
    ids = np.full((tests.shape[0], K), -1)
    for begin in range(0, tests.shape[0], STEP):
        ranked = model.predict(tests[begin : begin + STEP], threads=threads, **options)
        for row, (first, end) in enumerate(runs[begin : begin + STEP].tolist()):
            part = slice(ranked.indptr[row], ranked.indptr[row + 1])
            order = np.argsort(-ranked.data[part], kind="stable")
            found = ranked.indices[part][order]
            found = found[(found >= first) & (found < end)][:K]
            ids[begin + row, : found.size] = found
    np.save(folder / "ids.npy", ids)
    taken = []
    for row in range(min(TIMED, tests.shape[0])):
        one = tests[row]
        start_ns = thread_time_ns()
        model.predict(one, threads=1, **options)
        taken.append(thread_time_ns() - start_ns)
    p50, p99 = np.percentile(taken, [50, 99]) / 1e3
    print(json.dumps(figures | {"cpu_p50_us": float(p50), "cpu_p99_us": float(p99)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
