"""One query, kernel against kernel: what both libraries take for it with no Python in between.

``python benchmarks/kernel.py`` measures what is missing in the cache and writes KERNEL.md. kernel.cpp, built by the
system's C++ compiler with the flags of the package, calls each library's search on one prepared row after another, on
one thread; the two sides, each in a process and an environment of its own, take turns. Models are those of linear.py,
trained when they are not there. The same rows are also given one after another from Python.
"""

import argparse
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

import child
import data
import product_log
from measurements import Measurements, machine
from tables import table

from arborank._native import LEVEL
from linear import model

HERE = Path(__file__).resolve().parent
SETS = (*data.SETS, "catalogue-1000000")
PAIR = ("arborank", "libpecos")
AIM, AIM_FROM_PYTHON = 3, 5


def build(place: Path) -> Path:
    """The timing library, with the flags that CMakeLists.txt gives the kernels."""
    library = place / "kernel.so"
    flags = [
        "-std=c++20",
        "-O3",
        "-fno-math-errno",
        "-fno-trapping-math",
        "-Wno-psabi",
        "-fPIC",
        "-shared",
        "-pthread",
    ]
    if LEVEL != "base":
        flags.append(f"-march=x86-64-{LEVEL}")
    if LEVEL == "v4":
        flags.append("-mprefer-vector-width=512")
    source = ["-I", str(HERE.parent / "native"), str(HERE / "kernel.cpp")]
    subprocess.run(["c++", *flags, *source, "-o", str(library)], check=True)
    return library


def prepare(given: argparse.Namespace, name: str) -> None:
    """A set's matrices and both models."""
    if name.startswith("catalogue-"):
        product_log.make(int(name.split("-")[1]), given.cache / name)
    else:
        data.prepare(given.data, given.cache, name)
    for side in PAIR:
        if not Path(model(given, name, side)).exists():
            with child.Child(side, "linear", given.threads, given) as process:
                directory = str((given.cache / name).resolve())
                answer = process.ask(
                    "train", directory=directory, model=model(given, name, side), threads=given.threads
                )
            if "final" in answer:
                raise RuntimeError(f"{side} did not train on {name}: {answer}")


def measure(given: argparse.Namespace, found: Measurements, library: Path, name: str) -> None:
    """Rounds of single queries, the sides and their layouts in turn."""
    layouts = [found.distinct("layout", table="kernel", set=name, side=side) for side in PAIR]
    if all(layouts) and all(
        found.done(given.rounds, table="kernel", set=name, side=side, layout=layout)
        for side, known in zip(PAIR, layouts, strict=True)
        for layout in known
    ):
        return
    with ExitStack() as stack:
        processes = {}
        for side in PAIR:
            process = stack.enter_context(child.Child(side, "kernel", 1, given))
            answer = process.ask(
                "load",
                library=str(library),
                directory=str((given.cache / name).resolve()),
                model=model(given, name, side),
                count=given.singles,
            )
            if "final" in answer:
                raise RuntimeError(f"{side} did not open its model of {name}: {answer}")
            processes[side] = (process, answer)
        for turn in range(1, given.rounds + 1):
            for side, (process, loaded) in processes.items():
                for layout in loaded["layouts"]:
                    cell = {"table": "kernel", "set": name, "side": side, "layout": layout}
                    if not found.done(turn, **cell):
                        answer = process.ask("single", layout=layout, with_quality=turn == 1)
                        found.add(answer | {"features": loaded["features"]}, **cell)


def measure_from_python(given: argparse.Namespace, found: Measurements, name: str) -> None:
    """Rounds of single queries through the packages, the sides in turn."""
    cells = {side: {"table": "from python", "set": name, "side": side} for side in PAIR}
    if all(found.done(given.rounds, **cell) for cell in cells.values()):
        return
    with ExitStack() as stack:
        processes = {}
        for side in PAIR:
            processes[side] = stack.enter_context(child.Child(side, "linear", 1, given))
            directory = str((given.cache / name).resolve())
            processes[side].ask("load", directory=directory, model=model(given, name, side), threads=1)
        for turn in range(1, given.rounds + 1):
            for side, cell in cells.items():
                if not found.done(turn, **cell):
                    found.add(processes[side].ask("single", count=given.singles), **cell)


TEXT = """\
# Kernel against kernel: one query with no Python

Measured {date} UTC on {machine}, one thread; `python benchmarks/kernel.py` measures and writes this file.
{singles:,} test rows (seed 0) one after another, on models of the same parameters (`benchmarks/linear.py`), beam 10,
ten labels; medians over {rounds} rounds in which the sides took turns, each in a process of its own.
[kernel.cpp](kernel.cpp) calls `arborank::search`, as the package does, and `c_xlinear_predict_csr_f32`, as libpecos'
package does, with rows that lie ready and memory for the answer at hand, and reads the clock before and after. Of
libpecos both layouts that are made for ranking; *×* is how many times the time of the quicker one is ours with weights
in float32, of which the aim is {aim}.

"""
FROM_PYTHON = """
## From Python

The same through `predict_topk` and `predict`, a matrix of one row each; the aim is {aim}.

"""


def report(found: Measurements, given: argparse.Namespace) -> str:
    """The table: every set, every layout."""
    date = max(one["date"] for one in found.all if one["key"]["table"] == "kernel")
    parts = [
        TEXT.format(date=date[:10], machine=machine(), singles=given.singles, rounds=given.rounds, aim=AIM)
    ]
    figures = ("p50", "p99", "mean")
    rows, summary = [], []
    for name in found.distinct("set", table="kernel"):
        ours = {"table": "kernel", "set": name, "side": "arborank", "layout": "float32"}
        times = {}
        for side in PAIR:
            for layout in found.distinct("layout", table="kernel", set=name, side=side):
                cell = ours | {"side": side, "layout": layout}
                times[side, layout] = [found.median(figure, **cell) for figure in figures]
                rows.append(
                    [
                        f"{name}, {side} {layout}",
                        f"{found.median('features', **cell):.1f}",
                        *[f"{one:,.1f}" for one in times[side, layout]],
                        *[f"{found.median(figure, **cell):.2f}" for figure in ("P@1", "R@10")],
                    ]
                )
        peer = min((one for key, one in times.items() if key[0] == "libpecos"), key=lambda one: one[0])
        summary.append(
            [name, *[f"{a / b:.1f}×" for a, b in zip(peer, times["arborank", "float32"], strict=True)]]
        )
    parts.append(table(["libpecos ÷ arborank", *figures], summary))
    parts.append("\n" + table(["", "features", "p50 µs", "p99 µs", "mean µs", "P@1", "R@10"], rows))
    parts += [FROM_PYTHON.format(aim=AIM_FROM_PYTHON), from_python(found)]
    return "\n".join(parts) + "\n"


def from_python(found: Measurements) -> str:
    """The same queries through both packages."""
    rows = []
    for name in found.distinct("set", table="from python"):
        times = [
            [found.median(figure, table="from python", set=name, side=side) for side in PAIR]
            for figure in ("p50", "p99")
        ]
        columns = [[f"{one:,.1f}" for one in both] + [f"{both[1] / both[0]:.1f}×"] for both in times]
        rows.append([name, *columns[0], *columns[1]])
    header = [f"{figure} µs, {side}" for figure in ("p50", "p99") for side in PAIR]
    return table(["", *header[:2], "×", *header[2:], "×"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data.add_arguments(parser)
    child.add_arguments(parser)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--singles", type=int, default=2000, help="queries a round")
    parser.add_argument("--threads", type=int, default=2, help="of the training, where a model is missing")
    given = parser.parse_args()
    found = Measurements(given.cache)
    with tempfile.TemporaryDirectory() as place:
        library = build(Path(place))
        for name in given.sets:
            prepare(given, name)
            measure(given, found, library, name)
            measure_from_python(given, found, name)
    (HERE / "KERNEL.md").write_text(report(found, given))


if __name__ == "__main__":
    main()
