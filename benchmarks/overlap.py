"""A label in one to six clusters: quality, retained positives, cost, libpecos; and whether joined labels are separated.

``python benchmarks/overlap.py`` measures what is missing in the cache and writes ``benchmarks/OVERLAP.md``. The recipe
is that of Liu et al. (NeurIPS 2021): 32 branches, at most 100 labels in a leaf before copying, beam 10. ``--only
report`` writes the page alone.
"""

import argparse
import copy
import os
import subprocess
import time
from pathlib import Path

import child
import data
import numpy as np
import overlap_joined
import overlap_report
from environments import HERE, python
from measurements import Measurements
from scipy.sparse import csr_matrix

from arborank import XRLinear
from arborank.core.sparse import as_csr
from arborank.linear.disentangle import retained_positives
from arborank.matching import BeamSearch
from arborank.metrics import precision_at_k, propensities, psp_at_k
from arborank.stages import KMeansIndexer

TREE = {"branching": 32, "max_leaf_size": 100}
CUTS = (1, 3, 5)
SUBSETS = {"yso-en-40000": ("yso-en", 40_000, 10_000)}  # rows drawn from a set, for training and for testing
PAGE = Path(__file__).resolve().parent / "OVERLAP.md"


def prepare(given: argparse.Namespace, name: str) -> None:
    """Write the matrices of a set or a subset, unless they are there; a subset keeps features and labels."""
    if name not in SUBSETS:
        data.prepare(given.data, given.cache, name)
        return
    whole, *sizes = SUBSETS[name]
    target = given.cache / name
    if all((target / f"{matrix}.npz").exists() for matrix in data.MATRICES):
        return
    data.prepare(given.data, given.cache, whole)
    target.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for part, size in zip(("trn", "tst"), sizes, strict=True):
        rows = np.sort(rng.permutation(data.load(given.cache, whole, f"Y.{part}").shape[0])[:size])
        for kind in "XY":
            matrix = f"{kind}.{part}"
            data.write(data.load(given.cache, whole, matrix)[rows], target / f"{matrix}.npz")


def cpu(call, *arguments, **options):
    """CPU seconds of all threads, which other work on the machine moves less than the time on the wall."""
    start = time.process_time()
    result = call(*arguments, **options)
    return time.process_time() - start, result


def quality(ids: np.ndarray, Y: csr_matrix, train: csr_matrix) -> dict[str, float]:
    shares = propensities(np.bincount(train.indices, minlength=train.shape[1]), train.shape[0])
    found = {f"P@{k}": 100 * precision_at_k(Y, ids, k) for k in CUTS}
    return found | {f"PSP@{k}": 100 * psp_at_k(Y, ids, k, shares) for k in CUTS}


def beams(model: XRLinear, X: csr_matrix) -> np.ndarray:
    """The leaves that the model's beam of ten holds."""
    top = model.tree_.above_labels()
    search = BeamSearch(top.branches, model.layers_[:-1], top.labels, top.n_labels)
    return search.nodes(as_csr(X), min(10, top.n_labels), n_threads=0)[0]


def measure_set(given: argparse.Namespace, found: Measurements, name: str) -> None:
    """Fit every overlap that is missing; rank with it in turn with the model without overlap."""
    wanted = [("needed", n) for n in given.overlaps] + [("all", n) for n in given.full_overlaps]
    cells = [
        {"table": "overlap", "set": name, "side": overlap_report.SIDES[copies], "overlap": overlap}
        for copies, overlap in wanted
    ]
    if all(found.done(1, **cell) for cell in cells):
        return
    X, Y, X_test, Y_test = (
        data.load(given.cache, name, matrix) for matrix in ("X.trn", "Y.trn", "X.tst", "Y.tst")
    )
    seconds, tree = cpu(KMeansIndexer(**TREE, random_state=given.seed).index, X, Y)
    options = {"tree": tree, "n_jobs": given.threads, "random_state": given.seed, **TREE}
    taken, plain = cpu(XRLinear(**options).fit, X, Y)
    for (copies, overlap), cell in zip(wanted, cells, strict=True):
        if found.done(1, **cell):
            continue
        if overlap == 1:
            own, model = taken, plain
        else:
            own, model = cpu(XRLinear(max_clusters=overlap, copies=copies, **options).fit, X, Y)
        values = quality(model.predict_topk(X_test, 10)[0], Y_test, Y)
        values |= {"retained": 100 * retained_positives(model.tree_, Y_test, beams(model, X_test))}
        values |= {"copies": model.tree_.labels.size / tree.labels.size, "fit": own + seconds}
        values |= {
            "fit ratio": (own + seconds) / (taken + seconds),
            "batch ratio": ratio(plain, model, X_test),
        }
        values |= {"fullest": int(np.diff(model.tree_.branches[-1]).max())}
        found.add(values, **cell)


def measure_pecos(given: argparse.Namespace, found: Measurements, name: str) -> None:
    """libpecos' example, in a process and an environment of its own."""
    cells = {
        how: {"table": "overlap", "set": name, "side": "libpecos", "merge": how}
        for how in ("plain", "mean", "max")
    }
    if all(found.done(1, **cell) for cell in cells.values()):
        return
    out = (given.cache / name / "pecos-overlap.npz").resolve()
    command = [python("libpecos", given.environments), "-m", "runners.pecos_overlap"]
    command += [(given.cache / name).resolve(), out, "--threads", str(given.threads)]
    if not out.exists():  # hours, where a popular cluster gets thousands of labels
        subprocess.run(command, cwd=HERE, check=True)
    answers = np.load(out)
    truth, train = (data.load(given.cache, name, matrix) for matrix in ("Y.tst", "Y.trn"))
    for how, cell in cells.items():
        once, twice = answers["seconds"].tolist()
        values = {"fit": once if how == "plain" else twice, "fit ratio": twice / once}
        values |= {"copies": 1.0 if how == "plain" else float(answers["copies"])}
        found.add(quality(answers[how], truth, train) | values, **cell)


def ratio(plain: XRLinear, model: XRLinear, X: csr_matrix, rounds: int = 7) -> float:
    """CPU time of ranking with ``model`` as a multiple of ``plain``'s: one thread, the median of alternate rounds."""
    rows = X[: min(X.shape[0], 10_000)]
    plain, model = (copy.copy(one).set_params(n_jobs=1) for one in (plain, model))
    plain.predict_topk(rows[:100])
    model.predict_topk(rows[:100])
    rounds_taken = [
        (cpu(plain.predict_topk, rows, 10)[0], cpu(model.predict_topk, rows, 10)[0]) for _ in range(rounds)
    ]
    return float(np.median([b / a for a, b in rounds_taken]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data.add_arguments(parser)
    parser.add_argument("--sets", nargs="+", default=data.SETS)
    parser.add_argument("--overlaps", nargs="*", type=int, default=[1, 2, 3, 4, 5, 6])
    parser.add_argument("--full-overlaps", nargs="*", type=int, default=[2, 4], help="with all labels copied")
    parser.add_argument("--only", choices=("quality", "libpecos", "joined", "report"))
    parser.add_argument(
        "--rounds", nargs="+", type=int, default=[1, 2], help="of the joined labels' disentangling"
    )
    child.add_arguments(parser)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    found = Measurements(given.cache)
    for name in given.sets if given.only != "report" else ():
        prepare(given, name)
        if given.only in (None, "quality"):
            measure_set(given, found, name)
        if given.only in (None, "libpecos"):
            measure_pecos(given, found, name)
        if given.only in (None, "joined"):
            overlap_joined.measure(given, found, name, TREE)
    PAGE.write_text(overlap_report.page(found, [*data.SETS, *SUBSETS]), encoding="utf-8")


if __name__ == "__main__":
    main()
