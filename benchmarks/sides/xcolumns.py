"""xCOLUMNs: answers of its weighted rules to probabilities in a folder; called by ``benchmarks/decisions.py``.

    python -m sides.xcolumns FOLDER K

The folder holds ``tuning.npz`` and ``asked.npz``, probabilities, and ``truth.npz``, the labels of the former. The
chosen labels are written beside them, a file for every rule, and a line of JSON says how long each took.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from xcolumns.block_coordinate import (
    predict_optimizing_coverage_using_bc,
    predict_optimizing_macro_f1_score_using_bc,
)
from xcolumns.frank_wolfe import find_classifier_using_fw
from xcolumns.metrics import macro_f1_score_on_conf_matrix
from xcolumns.weighted_prediction import predict_optimizing_macro_recall


def main(folder: Path, k: int) -> None:
    tuning, asked, truth = (
        sp.csr_matrix(sp.load_npz(folder / f"{name}.npz")) for name in ("tuning", "asked", "truth")
    )
    priors = np.load(folder / "priors.npy")

    def learned():
        found, _ = find_classifier_using_fw(
            truth,
            tuning,
            macro_f1_score_on_conf_matrix,
            k,
            max_iters=15,
            init_classifier="top",
            alpha_uniform_search_step=0.05,
            return_meta=True,
            seed=0,
        )
        return found.predict(asked, seed=0)

    rules = {
        "macro-recall": lambda: predict_optimizing_macro_recall(asked, k, priors=priors),
        "coverage": lambda: predict_optimizing_coverage_using_bc(asked, k, init_y_pred="top", seed=0),
        "macro-f1": lambda: predict_optimizing_macro_f1_score_using_bc(asked, k, init_y_pred="top", seed=0),
        "macro-f1-by-row": learned,
    }
    for name, rule in rules.items():
        rule()  # compiles
        start = time.perf_counter()
        chosen = sp.csr_array(rule())
        seconds = time.perf_counter() - start
        sp.save_npz(folder / f"{name}.npz", chosen)
        print(json.dumps({"rule": name, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
