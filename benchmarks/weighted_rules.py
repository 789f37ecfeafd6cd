"""Measures the weighted rules of `arborank.decisions` beside those of xCOLUMNs, on the same probabilities.

    python benchmarks/environments.py xcolumns
    python benchmarks/weighted_rules.py --data DIR --regimes debian-depends-short

A calibrated tree ranks the test rows of each regime (see ``data.py``), the rules choose five labels of its best 30, and
a Markdown table says what the answers are worth. Rules over several rows, ``coverage`` and ``macro-f1``, know the
probabilities only; ``macro-f1-by-row`` is learned from the rows that were held out for the calibration.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from data import REGIMES, prepare_regime
from environments import HERE, PLACE, python

from arborank import XRLinear
from arborank.decisions import BatchTopK, FixedK, WeightedTopK, candidates
from arborank.decisions.deciding import tuned_rule
from arborank.metrics import set_values

K = 5
RULES = {
    "top-k": FixedK(K),
    "macro-recall": WeightedTopK("macro-recall", k=K),
    "coverage": BatchTopK("coverage", k=K, weight=1.0),
    "macro-f1": BatchTopK("macro-f1", k=K, weight=1.0),
    "macro-f1-by-row": WeightedTopK("macro-f1", k=K),
}


def theirs(place: Path, folder: Path) -> dict[str, float]:
    """Let xCOLUMNs answer; the seconds of every rule."""
    side = [python("xcolumns", place.absolute()), "-m", "sides.xcolumns", folder, str(K)]
    answer = subprocess.run(side, cwd=HERE, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {one["rule"]: one["seconds"] for one in map(json.loads, answer.splitlines())}


def compare(name: str, given: argparse.Namespace) -> None:
    """Print the table of a regime."""
    directory = prepare_regime(given.data, given.cache, name)
    X, X_test, Y, Y_test = (
        sp.load_npz(directory / f"{part}.npz") for part in ("X.trn", "X.tst", "Y.trn", "Y.tst")
    )
    model = XRLinear(calibrate=True, n_jobs=1).fit(X, Y)
    asked = candidates(model, X_test)
    tuning = model.calibration_.answers
    kept = tuning.ids >= 0
    rows = np.repeat(np.arange(len(kept)), kept.sum(axis=1))
    shape = (len(kept), Y.shape[1])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        sp.save_npz(folder / "asked.npz", asked)
        sp.save_npz(
            folder / "tuning.npz", sp.csr_array((tuning.chances[kept], (rows, tuning.ids[kept])), shape)
        )
        hits = tuning.hits[kept]
        truth = sp.csr_array((np.ones(hits.sum(), np.float32), (rows[hits], tuning.ids[kept][hits])), shape)
        sp.save_npz(folder / "truth.npz", truth)
        np.save(folder / "priors.npy", (model.label_counts_ + 1) / (model.n_instances_ + 2))
        seconds = theirs(given.environments, folder)
        print(f"\n{name}: {len(Y_test.indptr) - 1:,} rows, {Y.shape[1]:,} labels\n")
        print("| rule | side | P@5 | macro-F1 | macro-recall | coverage | seconds |")
        print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
        for rule, ours in RULES.items():
            tuned = tuned_rule(model, ours)
            start = time.perf_counter()
            answers = {"Arborank": tuned.decide(asked)}
            times = {"Arborank": time.perf_counter() - start, "xCOLUMNs": seconds.get(rule, 0.0)}
            if rule in seconds:
                answers["xCOLUMNs"] = sp.csr_array(sp.load_npz(folder / f"{rule}.npz"))
            for side, chosen in answers.items():
                found = set_values(Y_test, chosen)
                hits = np.asarray((chosen != 0).multiply(Y_test != 0).sum(axis=0)).ravel()
                true = np.asarray((Y_test != 0).sum(axis=0)).ravel()
                recall = np.mean(hits[true > 0] / true[true > 0])
                values = (found["precision"], found["macro_f1"], recall, found["coverage"])
                cells = " | ".join(f"{100 * value:.2f}" for value in values)
                print(f"| {rule} | {side} | {cells} | {times[side]:.2f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = os.environ.get("ARBORANK_DATA")
    parser.add_argument("--data", type=Path, default=data, required=not data)
    parser.add_argument("--cache", type=Path, default=HERE / "cache")
    parser.add_argument("--environments", type=Path, default=PLACE)
    parser.add_argument("--regimes", nargs="+", choices=list(REGIMES), default=["debian-depends-short"])
    arguments = parser.parse_args()
    for regime in arguments.regimes:
        compare(regime, arguments)
