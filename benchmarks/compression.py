"""Pruning, precision and beam: what they cost and give (the study of Chang et al., KDD 2021, section 4).

``python benchmarks/compression.py`` trains every set without pruning, tries settings on half of the test rows,
chooses the smallest model that loses at most 0.3 points of recall@10 there, and reports it on the other half. It writes
``COMPRESSION.md`` and one picture a set, and runs in an environment with arborank[plot].
"""

import argparse
import shutil
from itertools import product
from pathlib import Path

import data
from measurements import Measurements, machine
from tables import table

from arborank import XRLinear
from arborank.analysis.compression import Setting, choose, own_setting, sweep
from arborank.analysis.frontier import draw
from arborank.core.memory import format_bytes

HERE = Path(__file__).resolve().parent
THRESHOLDS = (0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3)
PRECISIONS = ("float32", "int8")
BEAMS = (10, 20)
MAX_LOSS = 0.003
TEXT = """\
# Smaller models

Measured {date} UTC on {machine}; `python benchmarks/compression.py` measures and writes this file. Models are trained
with the benchmark's features and tree, and not pruned at all (`threshold=0`, float32); {n} settings are tried on half
of the test rows. The smallest within 0.3 points of the whole model's recall@10 (beam 10) is chosen, and both are ranked
on the other half. Sizes are those of the trees and weights; *smaller* compares with the unpruned model; one query at a
time on one thread, features given.

A threshold of each ranker's own, a share of its largest weight, was tried as well: at equal size it lost three
points or more against one threshold for all (debian-depends), and it is no option.
"""


def study(given: argparse.Namespace, found: Measurements, name: str) -> None:
    """Train, try, choose and check one set."""
    X, Y = (data.load(given.cache, name, matrix) for matrix in ("X.trn", "Y.trn"))
    state = given.cache / name / "unpruned"  # mapped: all weights together take gigabytes
    model = XRLinear(threshold=0.0, n_jobs=given.threads).fit(X, Y, work_dir=state)
    X, Y = (data.load(given.cache, name, matrix) for matrix in ("X.tst", "Y.tst"))
    X, Y = X[: given.rows], Y[: given.rows]
    settings = [own_setting(model)]
    settings += [Setting(t, None, p, b) for t, p, b in product(THRESHOLDS, PRECISIONS, BEAMS)]
    trials = sweep(model, X[::2], Y[::2], settings)
    best = choose(trials, min_recall=trials[0].recall - MAX_LOSS)
    draw(trials, best, HERE / f"compression-{name}.svg", k=10)
    checked = sweep(model, X[1::2], Y[1::2], [trials[0].setting, best.setting])
    del model
    shutil.rmtree(state)
    rows = [trial.to_dict() for trial in trials]
    found.add(
        {"trials": rows, "checked": [trial.to_dict() for trial in checked]}, table="compression", set=name
    )


def line(trial: dict, whole: dict, name: str) -> list[str]:
    """One setting as a row of a table."""
    return [
        name,
        f"{trial['threshold']:g}",
        trial["precision"],
        str(trial["beam_size"]),
        format_bytes(trial["n_bytes"]),
        f"{whole['n_bytes'] / trial['n_bytes']:.1f}×",
        f"{100 * trial['recall']:.2f}",
        f"{100 * (trial['recall'] - whole['recall']):+.2f}",
        f"{trial['microseconds']:.1f}",
    ]


def report(found: Measurements) -> str:
    """The chosen models, and the frontier of every set."""
    header = ["", "threshold", "weights", "beam", "size", "smaller", "R@10", "points", "one query µs"]
    names = found.distinct("set", table="compression")
    date = max(one["date"] for one in found.all if one["key"]["table"] == "compression")
    last = {name: found.of(table="compression", set=name)[-1] for name in names}
    n = len(THRESHOLDS) * len(PRECISIONS) * len(BEAMS)
    parts = [
        TEXT.format(date=date[:10], machine=machine(), n=n),
        "\n## Chosen, on the other half of the rows\n",
    ]
    chosen = [line(trial, one["checked"][0], name) for name, one in last.items() for trial in one["checked"]]
    parts.append(table(header, chosen))
    for name, one in last.items():
        parts.append(f"\n## {name}: settings that no other beats in size, recall and time\n")
        parts.append(f"![recall against size](compression-{name}.svg)\n")
        best = sorted((t for t in one["trials"][1:] if t["efficient"]), key=lambda t: t["n_bytes"])
        parts.append(table(header, [line(trial, one["trials"][0], "") for trial in best]))
    return "\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data.add_arguments(parser)
    parser.add_argument("--sets", nargs="+", default=list(data.SETS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=12_000, help="most test rows")
    given = parser.parse_args()
    found = Measurements(given.cache)
    for name in given.sets:
        data.prepare(given.data, given.cache, name)
        if not found.done(1, table="compression", set=name):
            study(given, found, name)
    (HERE / "COMPRESSION.md").write_text(report(found))


if __name__ == "__main__":
    main()
