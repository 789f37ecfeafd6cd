"""Labels for a text, from the text: trees of linear rankers, words against names, a sentence encoder."""

from argparse import Namespace

import data
import numpy as np
from harness import Measurements, Side

from arborank.metrics import precision_at_k, recall_at_k

from .markdown import cells, number, table

SIDES = ("arborank", "arborank-int8", "libpecos", "bm25s", "encoder")


def measure(given: Namespace, found: Measurements) -> None:
    for name in data.chosen(given, ("yso-en", "eurlex57k")):
        truth = data.read_part(given.data, name, "test")[1]
        request = {"data": str(given.data.resolve()), "name": name, "rows": given.rows}
        for side in (one for one in given.sides if one in SIDES):
            for threads in given.threads[:1]:
                key = {"set": name, "side": side, "threads": threads}
                if found.done(1, table="retrieval-train", **key):
                    continue
                with Side(side, "retrieval", threads, given) as process:
                    trained = process.ask("train", **request, threads=threads)
                    if "final" not in trained:
                        batch = process.ask("batch", patience=given.patience)
                        batch |= quality(truth, batch.pop("ids"))
                        found.add(batch, table="retrieval-batch", **key)
                        found.add(
                            process.ask("single", count=min(given.singles, 500)),
                            table="retrieval-single",
                            **key,
                        )
                    found.add(trained, table="retrieval-train", **key)


def quality(truth: list[list[int]], ids: list[list[int]]) -> dict[str, float]:
    """Metrics in per cent of the first test texts."""
    truth, answers = truth[: len(ids)], np.array(ids)
    found = {"P@1": precision_at_k(truth, answers, 1)} | {
        f"R@{k}": recall_at_k(truth, answers, k) for k in (10, 100)
    }
    return {name: 100 * float(value) for name, value in found.items()}


def render(found: Measurements) -> dict[str, str]:
    rows = []
    for name in found.distinct("set", table="retrieval-train"):
        for cell in cells(found, "retrieval-batch", SIDES, set=name):
            single, trained = cell | {"table": "retrieval-single"}, cell | {"table": "retrieval-train"}
            batch = found.median("microseconds", **cell)
            rows.append(
                [
                    f"{name}, {cell['side']}",
                    *[number(found.median(figure, **cell), "{:.2f}") for figure in ("R@10", "R@100", "P@1")],
                    number(found.median("cpu_seconds", **trained)),
                    *[number(found.median(figure, **single), "{:,.0f}") for figure in ("p50", "p99")],
                    number(batch and 1e6 / batch, "{:,.0f}"),
                    number(found.median("bytes_per_label", **trained), "{:,.0f}"),
                ]
            )
    header = [
        "R@10",
        "R@100",
        "P@1",
        "training CPU s",
        "one text p50 µs",
        "p99 µs",
        "texts/s",
        "bytes a label",
    ]
    return {"retrieval": table(["set, side", *header], rows)} if rows else {}
