"""Training and ranking of linear tree models, every side on the same matrices.

Every round trains each side in a fresh process, the sides in turn, with the seed of the round; then all sides are
loaded at once and ranked with in turn.
"""

from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path

import data
import numpy as np
import query_log
from harness import Measurements, Side
from scipy.sparse import load_npz

from arborank.metrics import precision_at_k, propensities, psp_at_k, recall_at_k

from .markdown import MIB, OURS, REFERENCE, against, cells, number, ratio, spread, table

SIDES = ("arborank", "arborank-int8", "libpecos", "omikuji", "napkinxc")
RANK_ONLY = {"arborank-int8": "arborank"}  # with the model of another side
STAGES = ("representation", "index", "train", "seconds")
QUALITY = ("P@1", "P@3", "P@5", "R@10", "PSP@5")
SUMMARY = (
    ("k-means", OURS, "train", "index"),
    ("index + training", OURS, "train", "seconds"),
    ("peak memory of training beyond X and Y", OURS, "train", "peak_bytes"),
    ("batch of queries", OURS, "batch", "microseconds"),
    ("batch of queries, 8-bit weights", "arborank-int8", "batch", "microseconds"),
    ("one query, p50", OURS, "single", "p50"),
    ("one query, p99", OURS, "single", "p99"),
)


def quality(directory: Path, ids: list[list[int]]) -> dict[str, float]:
    """Metrics of the test rows in per cent; the propensities are those of the training part."""
    truth, train = (load_npz(directory / f"Y.{part}.npz") for part in ("tst", "trn"))
    p = propensities(np.bincount(train.indices, minlength=train.shape[1]), train.shape[0])
    answers = np.array(ids)
    found = {f"P@{k}": precision_at_k(truth, answers, k) for k in (1, 3, 5)}
    found |= {"R@10": recall_at_k(truth, answers, 10), "PSP@5": psp_at_k(truth, answers, 5, p)}
    return {name: 100 * float(value) for name, value in found.items()}


def measure(given: Namespace, found: Measurements) -> None:
    for directory in directories(given):
        for threads in given.threads:
            measure_set(given, found, directory, threads)


def directories(given: Namespace) -> list[Path]:
    """Matrices of the sets asked for; the query log is made, the others are read where there is data."""
    found = []
    if not given.rows and query_log.NAME in (given.sets or [query_log.NAME]):
        found.append(query_log.make(given.cache))
    if given.data:
        found += [
            data.prepare(given.data, given.cache, name, given.rows) for name in data.chosen(given, data.SETS)
        ]
    return found


def measure_set(given: Namespace, found: Measurements, directory: Path, threads: int) -> None:
    """All that is missing of one set at one number of threads."""
    sides = [side for side in given.sides if side in SIDES]
    request = {"directory": str(directory), "threads": threads}
    for turn in range(1, given.rounds + 1):
        for side in sides:
            key = {"table": "train", "set": directory.name, "threads": threads, "side": side}
            if side in RANK_ONLY or found.done(turn, **key):
                continue
            with Side(side, "linear", threads, given, seed=turn - 1) as process:
                answer = process.ask("train", **request, model=model(directory, side))
            ids = answer.pop("ids", None)
            found.add(answer | (quality(directory, ids) if ids else {}), **key)
    with ExitStack() as stack:
        processes = {}
        for side in sides:
            key = {"set": directory.name, "threads": threads, "side": side}
            if found.done(given.rounds, table="single", **key) or not Path(model(directory, side)).exists():
                continue
            processes[side] = stack.enter_context(Side(side, "linear", threads, given))
            found.add(
                processes[side].ask("load", **request, model=model(directory, side)), table="load", **key
            )
        for turn in range(1, given.rounds + 1):
            for side, process in processes.items():
                key = {"set": directory.name, "threads": threads, "side": side}
                if not found.done(turn, table="single", **key):
                    found.add(process.ask("batch", patience=given.patience), table="batch", **key)
                    found.add(process.ask("single", count=given.singles), table="single", **key)


def model(directory: Path, side: str) -> str:
    """Where the last model that a side trained on a set is kept."""
    (directory / "models").mkdir(exist_ok=True)
    return str(directory / "models" / RANK_ONLY.get(side, side))


def sets(found: Measurements) -> list[str]:
    """The sets measured, without the synthetic ones."""
    return [name for name in found.distinct("set", table="train") if not name.startswith("products-")]


def render(found: Measurements) -> dict[str, str]:
    names = sets(found)
    if not names:
        return {}
    threads = found.distinct("threads", table="train", set=names[0])
    texts = {
        "training": "\n\n".join(f"### {name}\n\n{training(found, name)}" for name in names),
        "ranking": "\n\n".join(f"### {name}\n\n{ranking(found, name)}" for name in names),
    }
    compared = [name for name in names if found.of(table="train", set=name, side=REFERENCE)]
    if compared:
        texts["speed"] = speed(found, compared, threads[:1])
        texts["summary"] = speed(found, compared, threads) + "\n\n" + difference(found, compared)
    return texts


def speed(found: Measurements, names: list[str], threads: list[int]) -> str:
    """How many times libpecos' figure is ours."""
    rows = []
    for what, ours, kind, figure in SUMMARY:
        for count in threads:
            key = {"table": kind, "threads": count}
            sides = (REFERENCE, ours)
            pairs = [[found.median(figure, set=name, side=side, **key) for side in sides] for name in names]
            rows.append([what, str(count), *[ratio(*pair) for pair in pairs]])
    return table(["libpecos ÷ arborank", "threads", *names], rows)


def difference(found: Measurements, names: list[str]) -> str:
    """Our quality less libpecos', means over the rounds."""
    rows = []
    for figure in QUALITY:
        means = [
            [np.mean([one[figure] for one in found.of(table="train", set=name, side=side)]) for name in names]
            for side in (OURS, REFERENCE)
        ]
        rows.append([figure, *[f"{ours - theirs:+.2f}" for ours, theirs in zip(*means, strict=True)]])
    return table(["arborank − libpecos, points", *names], rows)


def training(found: Measurements, name: str) -> str:
    """Seconds by stage, memory, model size and quality."""
    rows = []
    for cell in cells(found, "train", SIDES, set=name):
        stages = [number(found.median(stage, **cell), "{:,.2f}") for stage in STAGES]
        peak, size = (
            number(found.median(figure, **cell), "{:,.0f}", 1 / MIB)
            for figure in ("peak_bytes", "model_bytes")
        )
        ratios = [against(found, figure, cell) for figure in ("seconds", "peak_bytes")]
        qualities = [spread(found, figure, **cell) for figure in QUALITY]
        rows.append(
            [cell["side"], str(cell["threads"]), *stages, ratios[0], peak, ratios[1], size, *qualities]
        )
    header = [
        "representation s",
        "k-means s",
        "train s",
        "all s",
        "to ours",
        "peak MiB",
        "to ours",
        "model MiB",
    ]
    return table(["side", "threads", *header, *QUALITY], rows)


def ranking(found: Measurements, name: str) -> str:
    """Time of a query in batches and alone."""
    rows = []
    for cell in cells(found, "batch", SIDES, set=name):
        columns = [number(found.median("seconds", **cell | {"table": "load"}), "{:,.1f}", 1000)]
        for figure, kind in (("microseconds", "batch"), ("p50", "single"), ("p99", "single")):
            of = cell | {"table": kind}
            columns += [number(found.median(figure, **of)), against(found, figure, of)]
        rows.append([cell["side"], str(cell["threads"]), *columns])
    header = ["opening ms", "batch µs", "to ours", "single p50 µs", "to ours", "p99 µs", "to ours"]
    return table(["side", "threads", *header], rows)
