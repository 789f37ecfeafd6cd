"""Growth with the number of labels: synthetic product search logs, trained and ranked with like every other set.

Arborank trains in a directory (``fit(work_dir=...)``), which bounds its memory.
"""

from argparse import Namespace

import numpy as np
import product_log
from harness import Measurements

from .markdown import MIB, cells, number, spread, table
from .training import measure_set

SIDES = ("arborank", "libpecos")
MOST = {"libpecos": 100_000}  # labels


def measure(given: Namespace, found: Measurements) -> None:
    for n_labels in given.labels:
        directory = product_log.make(n_labels, given.cache)
        sides = [side for side in given.sides if side in SIDES and n_labels <= MOST.get(side, n_labels)]
        options = Namespace(**vars(given) | {"sides": sides, "rounds": 1})
        measure_set(options, found, directory, given.threads[0])


def render(found: Measurements) -> dict[str, str]:
    rows, curves = [], {}
    sizes = sorted(
        int(name[9:]) for name in found.distinct("set", table="train") if name.startswith("products-")
    )
    for size in sizes:
        for cell in cells(found, "train", SIDES, set=f"products-{size}"):
            of = {
                figure: found.median(figure, **cell)
                for figure in ("seconds", "cpu_seconds", "peak_bytes", "model_bytes")
            }
            curves.setdefault(cell["side"], []).append((size, of["cpu_seconds"], of["peak_bytes"]))
            load, batch, single = (cell | {"table": kind} for kind in ("load", "batch", "single"))
            rows.append(
                [
                    f"{size:,}, {cell['side']}",
                    number(of["seconds"]),
                    number(of["cpu_seconds"]),
                    number(of["cpu_seconds"], "{:,.0f}", 1e6 / size),
                    *[number(of[figure], "{:,.0f}", 1 / MIB) for figure in ("peak_bytes", "model_bytes")],
                    number(found.median("seconds", **load), "{:,.1f}", 1000),
                    *[number(found.median(p, **single)) for p in ("p50", "p99")],
                    number(found.median("microseconds", **batch)),
                    *[spread(found, figure, **cell) for figure in ("P@1", "R@10")],
                ]
            )
    header = [
        "all s",
        "CPU s",
        "CPU µs a label",
        "peak MiB",
        "model MiB",
        "opening ms",
        "one query p50 µs",
        "p99 µs",
    ]
    text = table(["labels, side", *header, "batch µs", "P@1", "R@10"], rows)
    for side, points in curves.items():
        if len(points) > 1 and all(all(point) for point in points):
            size, *curve = np.log(np.array(points)).T
            time, memory = (np.polyfit(size, values, 1)[0] for values in curve)
            text += (
                f"\n\n{side}: CPU time ∝ L^{time:.2f}, memory ∝ L^{memory:.2f} (least squares on logarithms)."
            )
    return {"scale": text} if rows else {}
