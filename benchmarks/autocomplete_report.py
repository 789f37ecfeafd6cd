"""AUTOCOMPLETE.md and its plot, from what was measured."""

from pathlib import Path

import matplotlib.pyplot as plt
from measurements import Measurements, machine
from plots import save

from arborank.autocomplete.quality import LENGTHS

LABELS = {
    "most frequent": "most frequent completion",
    "hybrid": "Arborank, hybrid",
    "trie": "Arborank, trie",
    "mustlink": "Arborank, must-link k-means",
    "kmeans": "Arborank, k-means",
    "hybrid, logistic": "Arborank, hybrid, logistic",
    "hybrid, no context": "Arborank, hybrid, prefix only",
    "libpecos": "libpecos, same features",
    "libpecos, weight 1": "libpecos, prefix weight 1",
    "GRU": "character GRU",
}
SHOWN = (1, 2, 3, 5, 7, 10)
INTRODUCTION = """# Autocompletion, measured

`python benchmarks/autocomplete.py` takes these figures and writes this page; what is measured already is kept.

- *wikispeedia*: readers click from article to article; previous title and prefix → next title. A tenth of the sessions
  is the test.
- *yso-en*: cataloguing; title and prefix → subject heading (all its names, as the set has them).
- *debian*: the shipped data; up to three dependencies of a package and a prefix → the next one, in an order that is
  drawn, for the original one is alphabetical.

One prefix a test pair, its length drawn uniformly from 1 to the length of the query, as in Yadav et al. (KDD 2021).
*MRR*: mean of one over the place among ten completions. *Lengths alike*: the mean of the columns 1 to 10+, each
length with the same weight. *BLEU_RR*: BLEU of the completions by their words, weighted by one over the place,
method 1 of Chen and Cherry for n-grams without a match (which leaves 0.18 to a perfect one-word completion).
All sides train on the same pairs and prefixes. libpecos ranks with its default tree and beam, as many labels as the
beam holds, and those that begin with the prefix are kept; it is given the completer's features, and once more with a
prefix weight of 1 in place of 0.1, which suits a search that the prefix does not prune. *free* is Arborank's own search
without pruning, filtered in the same way; *labels scored* and *nodes scored* (of all levels) are the children of the
beam's nodes, pruned by the prefix and free. Latency is processor time of one call from Python on one thread, features
included (libpecos and the GRU: without); *fit* is wall time on a machine that did other work, so that it says little
beside another.
"""


def number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    marks = ["---", *(["---:"] * (len(head) - 1))]
    return ["", *(f"| {' | '.join(row)} |" for row in [head, marks, *rows])]


def write_report(found: Measurements, path: Path) -> None:
    """Render all sets that were measured."""
    lines = [INTRODUCTION, f"Machine: {machine()}."]
    lines += ["", "## In short", "", "The hybrid tree against the others, relative.", *summary(found)]
    plotted = {}
    for name in found.distinct("set", table="autocomplete"):
        for share in found.distinct("share", table="autocomplete", set=name):
            cell = {"table": "autocomplete", "set": name, "share": share}
            sides = {side: found.of(**cell, side=side)[-1] for side in LABELS if found.of(**cell, side=side)}
            title = name if share == 1 else f"{name}, every {share}th training pair"
            lines += ["", f"## {title}", *quality_tables(sides), *cost_table(sides)]
            plotted[title] = sides
    lines += extra(found)
    plot(plotted, path.with_suffix(".svg"))
    lines += ["", f"![MRR by length of the prefix]({path.with_suffix('.svg').name})", ""]
    path.write_text("\n".join(lines))


def summary(found: Measurements) -> list[str]:
    """How much higher the MRR of the hybrid tree is than that of others."""
    rows = []
    for name in found.distinct("set", table="autocomplete"):
        for share in found.distinct("share", table="autocomplete", set=name):
            cell = {"table": "autocomplete", "set": name, "share": share}
            ours = found.of(**cell, side="hybrid")
            for side in ("most frequent", "kmeans", "libpecos", "libpecos, weight 1"):
                others = found.of(**cell, side=side)
                if ours and others:
                    gains = [
                        ours[-1][key] / others[-1][key] - 1
                        for key in ("mrr", "mrr_short", "mrr_lengths_alike")
                    ]
                    highest = 1 / others[-1]["mrr"] - 1
                    shown = [f"{100 * gain:+.0f} %" for gain in (*gains, highest)]
                    rows.append([name if share == 1 else f"{name}, 1/{share}", LABELS[side], *shown])
    return table(["set", "against", "MRR, all", "≤3", "lengths alike", "an MRR of 1 would be"], rows)


def quality_tables(sides: dict) -> list[str]:
    whole = {side: values for side, values in sides.items() if "rows" not in values}
    head = [
        "MRR",
        "all",
        "≤3",
        "lengths alike",
        *(f"{n}{'+' * (n == LENGTHS[-1])}" for n in SHOWN),
        "BLEU_RR",
        "≤3",
    ]
    rows = [
        [
            LABELS[side],
            *(number(v[key]) for key in ("mrr", "mrr_short", "mrr_lengths_alike")),
            *(number(v["mrr_by_length"][LENGTHS.index(n)]) for n in SHOWN),
            *(number(v[key]) for key in ("bleu_rr", "bleu_rr_short")),
        ]
        for side, v in whole.items()
    ]
    keys = ("mrr_seen", "mrr_unseen", "mrr_rare", "mrr_middle", "mrr_frequent")
    groups = [[LABELS[side], *(number(v[key]) for key in keys)] for side, v in whole.items()]
    titles = ["MRR", "previous seen", "unseen", "query sent 1–9 times", "10–99", "100 or more"]
    lines = [*table(head, rows), *table(titles, groups)]
    for v in sides.values():
        if "rows" in v:
            lines += [
                "",
                f"The GRU answered the first {v['rows']:,} test prefixes only: MRR {number(v['mrr'])}, where "
                f"Arborank's hybrid has {number(v['hybrid_mrr_same_rows'])}. It had {v['epochs']:.1f} epochs in "
                f"{v['fit_seconds'] / 60:.0f} minutes on a busy machine, too few to tell what it could reach.",
            ]
    return lines


def cost_table(sides: dict) -> list[str]:
    head = [
        "",
        "fit, s",
        "p50, µs",
        "p99, µs",
        "labels scored",
        "free",
        "nodes scored",
        "free",
        "MRR free",
        "≤3",
    ]
    keys = {"fit_seconds": 1, "cpu_p50_us": 0, "cpu_p99_us": 0, "labels_pruned": 1, "labels_free": 1}
    keys |= {"nodes_pruned": 1, "nodes_free": 1, "free_mrr": 3, "free_mrr_short": 3}
    rows = [
        [LABELS[side], *(number(v.get(key), digits) for key, digits in keys.items())]
        for side, v in sides.items()
    ]
    return table(head, [row for row in rows if any(row[1:])])


def extra(found: Measurements) -> list[str]:
    """What other scripts measured: many labels."""
    rows = []
    for name in found.distinct("set", table="completion-scale"):
        v = found.of(table="completion-scale", set=name)[-1]
        sizes = (number(v[key], 0) for key in ("pairs", "labels", "fit_seconds"))
        times = (number(v[key], 0) for key in ("cpu_p50_us", "cpu_p99_us"))
        rows.append([name, *sizes, number(v["peak_bytes"] / 2**30, 1), *times])
    head = ["", "pairs", "labels", "fit, s", "peak, GiB", "p50, µs", "p99, µs"]
    return ["", "## Many labels, many pairs", *table(head, rows)] if rows else []


def plot(plotted: dict, path: Path) -> None:
    figure, panels = plt.subplots(1, len(plotted), figsize=(9, 2.8), layout="constrained", squeeze=False)
    handles = {}
    for axes, (title, sides) in zip(panels[0], plotted.items(), strict=True):
        for place, (side, label) in enumerate(LABELS.items()):
            if side in sides and "rows" not in sides[side]:
                colour = f"C{place}"
                (handles[label],) = axes.plot(
                    LENGTHS, sides[side]["mrr_by_length"], color=colour, linewidth=1
                )
        axes.set(title=title, xlabel="characters typed", ylim=(0, 1), xticks=LENGTHS)
    panels[0][0].set_ylabel("MRR")
    figure.legend(handles.values(), handles.keys(), frameon=False, loc="outside right upper")
    save(figure, path)
