"""The tables of the report, as Markdown."""

import numpy as np
from environments import SIDES
from measurements import Measurements

OURS, REFERENCE = "arborank", "libpecos"
STAGES = ("representation", "index", "train", "seconds")
QUALITY = ("P@1", "P@3", "P@5", "R@10", "PSP@5")
TARGETS = (
    ("k-means", (OURS,), "train", "index", "2×"),
    ("index + training", (OURS,), "train", "seconds", "6×"),
    ("peak memory of training beyond X and Y", (OURS,), "train", "peak_bytes", "3×"),
    ("batch", (OURS,), "batch", "microseconds", "4×"),
    ("batch, weights of 16 or 8 bits", ("arborank-float16", "arborank-int8"), "batch", "microseconds", "6×"),
    ("one query, p50", (OURS,), "single", "p50", "6×"),
    ("one query, p99", (OURS,), "single", "p99", "6×"),
)
TEXT_TARGETS = (("fit + transform", ("fit", "transform"), "8×"), ("one text", ("p50",), "10×"))
MIB = 2**20


def table(header: list[str], rows: list[list[str]]) -> str:
    """Markdown table, first column to the left."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float | None, form: str = "{:,.1f}") -> str:
    return "–" if value is None else form.format(value)


def mebibytes(value: float | None) -> str:
    return number(value and value / MIB, "{:,.0f}")


def ratio(other: float | None, ours: float | None) -> str:
    return "–" if other is None or not ours else f"{other / ours:.1f}×"


def against(found: Measurements, cell: dict, figure: str, ours: tuple[str, ...] = (OURS,)) -> str:
    """How many times our figure, the best of ours, this cell's is."""
    of_ours = [found.median(figure, **cell | {"side": side}) for side in ours]
    return ratio(found.median(figure, **cell), min((one for one in of_ours if one is not None), default=None))


def label(found: Measurements, cell: dict) -> str:
    """Name of a side, with a word on cells that are not whole."""
    values = found.of(**cell)[-1]
    if "over_limit" in values:
        return f"{cell['side']} (over {values['over_limit'] / 60:.0f} min)"
    if "failed" in values:
        return f"{cell['side']} (failed)"
    partial = "labels_trained" in values or values.get("rows", 0) < values.get("all_rows", 0)
    return cell["side"] + (" †" if partial else "")


def cells(found: Measurements, table: str, **key) -> list[dict]:
    """Keys of the cells of a table: two threads first, sides in the order of `SIDES`."""
    keys = {tuple(one["key"].items()): one["key"] for one in found.all if one["key"]["table"] == table}
    matching = [one for one in keys.values() if key.items() <= one.items()]
    return sorted(matching, key=lambda one: (-one["threads"], list(SIDES).index(one["side"])))


def sets(found: Measurements, table: str, synthetic: bool = False) -> list[str]:
    """Sets of a table, the real ones or the synthetic ones."""
    return [name for name in found.distinct("set", table=table) if name.startswith("synthetic-") == synthetic]


def targets(found: Measurements) -> str:
    """How many times libpecos' figure is ours, beside what was aimed at."""
    names = sets(found, "train")
    rows = []
    for what, ours, name, figure, aim in TARGETS:
        for threads in (2, 1):
            columns = [{"table": name, "set": one, "threads": threads, "side": REFERENCE} for one in names]
            rows.append([what, str(threads), aim, *[against(found, cell, figure, ours) for cell in columns]])
    return table(["libpecos ÷ arborank", "threads", "aim", *names], rows)


def differences(found: Measurements) -> str:
    """Our precision less libpecos', in percentage points."""
    names = sets(found, "batch")
    rows = []
    for figure in QUALITY:
        columns = []
        for name in names:
            ours, reference = (
                found.median(figure, table="batch", set=name, side=side) for side in (OURS, REFERENCE)
            )
            both = ours is not None and reference is not None
            columns.append(f"{ours - reference:+.2f}" if both else "–")
        rows.append([figure, *columns])
    return table(["arborank − libpecos", *names], rows)


def seeds(found: Measurements) -> str:
    """Mean over seeds of precision, and how far it moves."""
    rows = []
    for name in sets(found, "seeds"):
        for side in SIDES:
            values = [one for one in found.of(table="seeds", set=name, side=side) if QUALITY[0] in one]
            if values:
                columns = np.array([[one[figure] for figure in QUALITY] for one in values])
                spread = columns.max(axis=0) - columns.min(axis=0)
                means = [f"{a:.2f} ± {b / 2:.2f}" for a, b in zip(columns.mean(axis=0), spread, strict=True)]
                rows.append([f"{name}, {side}", str(len(values)), *means])
    return table(["mean ± half the range over seeds", "seeds", *QUALITY], rows)


def imported(found: Measurements) -> str:
    """How far the scores of libpecos' models lie apart in both libraries."""
    rows = []
    for name in sets(found, "imported"):
        one = found.of(table="imported", set=name)[-1]
        rows.append([name, f"{one['rows']:,}", f"{one['largest']:.1e}", f"{one['same_best']:.2f} %"])
    return table(["set", "rows", "largest difference of scores", "same best label"], rows)


def text_targets(found: Measurements) -> str:
    """How many times scikit-learn's figure, with its one thread, is ours, beside what was aimed at."""
    names = sets(found, "vectorizer")
    rows = []
    for what, figures, aim in TEXT_TARGETS:
        for threads in (2, 1):
            columns = []
            for name in names:
                cell = {"table": "vectorizer", "set": name}
                theirs = [found.median(one, side="scikit-learn", **cell) for one in figures]
                ours = [found.median(one, side=OURS, threads=threads, **cell) for one in figures]
                columns.append(ratio(sum(theirs), sum(ours)) if all(theirs) and all(ours) else "–")
            rows.append([what, str(threads), aim, *columns])
    return table(["scikit-learn ÷ arborank", "threads of ours", "aim", *names], rows)


def training(found: Measurements, name: str) -> str:
    """Seconds by stage, memory and model size."""
    rows = []
    for cell in cells(found, "train", set=name):
        rows.append(
            [
                label(found, cell),
                str(cell["threads"]),
                *[number(found.median(stage, **cell), "{:,.2f}") for stage in STAGES],
                against(found, cell, "seconds"),
                mebibytes(found.median("peak_bytes", **cell)),
                against(found, cell, "peak_bytes"),
                mebibytes(found.median("model_bytes", **cell)),
                str(len(found.of(**cell))),
            ]
        )
    stages = ["representation s", "k-means s", "train s", "all s", "to ours"]
    return table(["side", "threads", *stages, "peak MiB", "to ours", "model MiB", "runs"], rows)


def ranking(found: Measurements, name: str) -> str:
    """Time a query in batches and alone, and how good the ten labels are."""
    rows = []
    for cell in cells(found, "batch", set=name):
        single = cell | {"table": "single"}
        columns = [label(found, cell), str(cell["threads"])]
        for figure, of in (("microseconds", cell), ("p50", single), ("p99", single)):
            columns += [number(found.median(figure, **of)), against(found, of, figure)]
        rows.append([*columns, *[number(found.median(figure, **cell), "{:.2f}") for figure in QUALITY]])
    header = ["side", "threads", "batch µs", "to ours", "single p50 µs", "to ours", "p99 µs", "to ours"]
    return table([*header, *QUALITY], rows)


def vectorizer(found: Measurements, name: str) -> str:
    """Texts to rows: learning the vocabulary, all training texts, one text."""
    rows = []
    for cell in cells(found, "vectorizer", set=name):
        fit, transform = (found.median(figure, **cell) for figure in ("fit", "transform"))
        ours = [found.median(figure, **cell | {"side": OURS}) for figure in ("fit", "transform")]
        rows.append(
            [
                label(found, cell),
                str(cell["threads"]),
                number(fit, "{:.2f}"),
                number(transform, "{:.2f}"),
                ratio(fit + transform, sum(ours)) if fit and all(ours) else "–",
                number(found.median("p50", **cell)),
                against(found, cell, "p50"),
                number(found.median("features", **cell), "{:,.0f}"),
            ]
        )
    return table(
        [
            "side",
            "threads",
            "fit s",
            "transform s",
            "both, to ours",
            "one text p50 µs",
            "to ours",
            "features",
        ],
        rows,
    )


def latency(found: Measurements) -> str:
    """Import, and one text to names."""
    rows = {}  # the last measurement of each
    for one in found.all:
        key, values = one["key"], one["values"]
        if key["table"] == "import":
            torch = "torch comes along" if values["torch"] else "no torch"
            rows[f"{key['what']}, {torch}"] = [f"{values['seconds'] * 1e3:.0f} ms", "–"]
        elif key["table"] == "text-to-names" and "p50" in values:
            micro = [f"{values[figure]:.0f} µs" for figure in ("p50", "p99")]
            rows[f"one text to names, {key['set']}"] = micro
    return table(["what", "p50", "p99"], [[what, *figures] for what, figures in rows.items()])


def scaling(found: Measurements) -> str:
    """Time and memory of training by number of labels, and the fitted exponents."""
    rows, curves = [], {}
    for name in sorted(sets(found, "train", synthetic=True), key=lambda name: int(name.split("-")[1])):
        n_labels = int(name.split("-")[1])
        for cell in cells(found, "train", set=name):
            taken, peak = (found.median(figure, **cell) for figure in ("seconds", "peak_bytes"))
            rows.append(
                [
                    label(found, cell),
                    f"{n_labels:,}",
                    number(taken),
                    number(taken and taken / n_labels * 1e6, "{:,.0f}"),
                    mebibytes(peak),
                    number(peak and peak / n_labels, "{:,.0f}"),
                    number(found.median("microseconds", **cell | {"table": "batch"})),
                ]
            )
            if taken and peak:
                curves.setdefault(cell["side"], []).append((n_labels, taken, peak))
    lines = []
    for side, points in curves.items():
        if len(points) > 1:
            n_labels, taken, peak = np.log(points).T
            time, memory = (np.polyfit(n_labels, values, 1)[0] for values in (taken, peak))
            lines.append(f"- {side}: time ∝ L^{time:.2f}, memory ∝ L^{memory:.2f}")
    header = ["side", "labels", "all s", "µs a label", "peak MiB", "bytes a label", "batch µs a query"]
    fitted = "Fitted exponents (least squares on the logarithms):\n\n" + "\n".join(lines)
    return table(header, rows) + ("\n\n" + fitted if lines else "")
