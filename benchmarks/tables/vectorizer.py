"""TF-IDF of words and pairs of words: learning it, turning texts into rows, one text alone."""

from argparse import Namespace

import data
from harness import Measurements, Side

from .markdown import OURS, against, cells, number, ratio, table

SIDES = ("arborank", "libpecos", "scikit-learn")


def measure(given: Namespace, found: Measurements) -> None:
    for name in data.chosen(given, data.SETS):
        request = {
            "data": str(given.data.resolve()),
            "name": name,
            "rows": given.rows,
            "count": given.singles,
        }
        for turn in range(1, given.rounds + 1):
            for side in (one for one in given.sides if one in SIDES):
                for threads in [1] if side == "scikit-learn" else given.threads:
                    key = {"table": "vectorizer", "set": name, "threads": threads, "side": side}
                    if not found.done(turn, **key):
                        with Side(side, "text", threads, given) as process:
                            found.add(process.ask("measure", **request, threads=threads), **key)


def render(found: Measurements) -> dict[str, str]:
    rows = []
    for name in found.distinct("set", table="vectorizer"):
        for cell in cells(found, "vectorizer", SIDES, set=name):
            ours = cell | {"side": OURS}
            pair = [
                [found.median(figure, **key) or 0 for figure in ("fit", "transform")] for key in (cell, ours)
            ]
            rows.append(
                [
                    f"{name}, {cell['side']}",
                    str(cell["threads"]),
                    *[number(taken, "{:.2f}") for taken in pair[0]],
                    ratio(*map(sum, pair)),
                    number(found.median("p50", **cell)),
                    against(found, "p50", cell),
                    number(found.median("features", **cell), "{:,.0f}"),
                ]
            )
    header = [
        "set, side",
        "threads",
        "fit s",
        "transform s",
        "both, to ours",
        "one text p50 µs",
        "to ours",
        "features",
    ]
    return {"vectorizer": table(header, rows)} if rows else {}
