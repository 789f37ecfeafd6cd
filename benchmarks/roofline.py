"""How near prediction is to what the memory of the machine gives: cache lines read, bandwidth, share of the limit.

``python benchmarks/roofline.py`` measures what is missing in the cache and writes ROOFLINE.md. Lines are counted by the
search itself (`BeamSearch.lines`); limits are measured with roofline.cpp, which the system's C++ compiler builds, in a
buffer as large as the model (what fits a cache is measured there). One thread.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter

import data
import numpy as np
import product_log
from measurements import Measurements, machine
from tables import table

from arborank import XRLinear, load
from arborank.analysis.compression import model_bytes
from arborank.core.memory import format_bytes
from arborank.core.sparse import as_csr

HERE = Path(__file__).resolve().parent
SETS = ("eurlex57k", "yso-en", "catalogue-1000000")
SINGLES, BATCH, ROUNDS = 1000, 8192, 5
LINE = 64


def limits(n_bytes: int) -> dict:
    """Limits of the machine's memory, or of the cache that a buffer of this size fits."""
    with tempfile.TemporaryDirectory() as place:
        program = Path(place) / "roofline"
        source = str(HERE / "roofline.cpp")
        subprocess.run(["c++", "-O3", "-march=native", "-std=c++20", "-o", program, source], check=True)
        size = str(max(round(n_bytes / 2**20), 1))
        return json.loads(subprocess.run([program, size], check=True, capture_output=True).stdout)


def model_of(given: argparse.Namespace, name: str) -> XRLinear:
    """The benchmark's model of a set, trained when first asked for."""
    place = given.cache / name / "roofline-model"
    if not place.exists():
        X, Y = (data.load(given.cache, name, matrix) for matrix in ("X.trn", "Y.trn"))
        XRLinear(n_jobs=given.threads).fit(X, Y).save(place)
    return load(place).set_params(n_jobs=1)


def study(given: argparse.Namespace, found: Measurements, name: str, precision: str) -> None:
    """Count and time one model, a query at a time and in a batch."""
    model = model_of(given, name)
    if precision != "float32":
        model = model.quantize(precision)
    X = data.load(given.cache, name, "X.tst")
    X = X[np.diff(X.indptr) > 0]
    rows = [as_csr(X[i : i + 1], "X") for i in range(min(SINGLES, X.shape[0]))]
    batch = as_csr(X[:BATCH], "X")
    for row in rows:
        model.predict_topk(row)
    times: list[list[float]] = []
    for _ in range(ROUNDS):
        clock = [perf_counter()]
        for row in rows:
            model._search.topk(row, 10, n_threads=1)
            clock.append(perf_counter())
        times.append(np.diff(clock).tolist())
    whole = []
    for _ in range(ROUNDS):
        start = perf_counter()
        model._search.topk(batch, 10, n_threads=1)
        whole.append((perf_counter() - start) / batch.shape[0])
    found.add(
        {
            "n_bytes": model_bytes(model),
            "n_labels": model.n_labels_,
            "features": X.nnz / X.shape[0],
            "single_seconds": float(np.mean(np.min(times, axis=0))),
            "batch_seconds": min(whole),
            "single_lines": {
                part: float(np.mean(counts))
                for part, counts in zip(
                    ("ranks", "index", "starts", "keys", "units", "bias"),
                    np.array([list(model._search.lines(row, 10).values()) for row in rows]).T,
                    strict=True,
                )
            },
            "batch_lines": {
                part: count / batch.shape[0] for part, count in model._search.lines(batch, 10).items()
            },
            "limits": limits(model_bytes(model)),
        },
        table="roofline",
        set=name,
        precision=precision,
    )


TEXT = """\
# Roofline: prediction against the memory of the machine

Measured {date} UTC on {machine}, one thread; `python benchmarks/roofline.py` measures and writes this file. Models are
those of `XRLinear()`; k and beam are 10. *Lines* are the distinct cache lines (64 bytes) of the model's arrays that the
search of a query reads, counted by the search itself ([meter.hpp](../native/search/meter.hpp)); in a batch, those
that {batch:,} queries read together, divided by their number. *Random* is what [roofline.cpp](roofline.cpp) reads in a
second from a buffer as large as the model, lines at random and independent of each other: the *limit*; *stream* is the
same in order; *chain* is the time of one line whose place is known only when the line before has come. Times are means
over the queries, of the best of {rounds} rounds for each, with the call from Python, which takes about 2 µs.

What limits a query depends on its length. A search goes level by level, and in a node from the index to where a row
starts and to the row, so a short query has few lines to ask for before it must know one of them: its *ns a line* are
near those of the *chain*, and it waits for memory although it moves little. A long query asks for many lines at once
and comes to half of the random limit with weights of 32 bits; with 8 bits, and in a batch, which reads few lines a
query, it is limited by instructions.

"""


def report(found: Measurements) -> str:
    """The tables."""
    every = [
        (name, precision, found.of(table="roofline", set=name, precision=precision)[-1])
        for name in found.distinct("set", table="roofline")
        for precision in found.distinct("precision", table="roofline", set=name)
    ]
    date = max(one["date"] for one in found.all if one["key"]["table"] == "roofline")
    parts = [TEXT.format(date=date[:10], machine=machine(), batch=BATCH, rounds=ROUNDS)]
    head = ["", "weights", "model", "random GB/s", "stream GB/s", "chain ns"]
    parts.append("## The machine\n")
    parts.append(
        table(
            head,
            [
                [
                    name,
                    precision,
                    format_bytes(one["n_bytes"]),
                    f"{one['limits']['random'] / 1e9:.2f}",
                    f"{one['limits']['stream'] / 1e9:.1f}",
                    f"{one['limits']['latency'] * 1e9:.0f}",
                ]
                for name, precision, one in every
            ],
        )
    )
    for how, title in (("single", "One query at a time"), ("batch", f"{BATCH:,} queries in a batch")):
        parts.append(f"\n## {title}\n")
        rows = []
        for name, precision, one in every:
            lines, seconds = one[f"{how}_lines"], one[f"{how}_seconds"]
            total = sum(lines.values())
            speed = total * LINE / seconds
            rows.append(
                [
                    name,
                    precision,
                    f"{one['features']:.1f}",
                    f"{total:,.1f}",
                    format_bytes(total * LINE),
                    ", ".join(f"{part} {count:.1f}" for part, count in lines.items()),
                    f"{seconds * 1e6:.1f}",
                    f"{seconds * 1e9 / total:.1f}",
                    f"{speed / 1e9:.2f}",
                    f"{100 * speed / one['limits']['random']:.0f} %",
                ]
            )
        parts.append(
            table(
                [
                    "",
                    "weights",
                    "features",
                    "lines",
                    "bytes",
                    "of these",
                    "µs",
                    "ns a line",
                    "GB/s",
                    "of the limit",
                ],
                rows,
            )
        )
    return "\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data.add_arguments(parser)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--weights", nargs="+", default=["float32", "int8"])
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    found = Measurements(given.cache)
    for name in given.sets:
        if name.startswith("catalogue-"):
            product_log.make(int(name.split("-")[1]), given.cache / name)
        else:
            data.prepare(given.data, given.cache, name)
        for precision in given.weights:
            if not found.done(1, table="roofline", set=name, precision=precision):
                study(given, found, name, precision)
    (HERE / "ROOFLINE.md").write_text(report(found))


if __name__ == "__main__":
    main()
