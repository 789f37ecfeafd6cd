"""AUTOCOMPLETE.md and its plot, from what was measured."""

from pathlib import Path

import matplotlib.pyplot as plt
from autocomplete_aims import AIMS, aims, as_good, gain, percent
from measurements import Measurements, machine
from plots import save

from arborank.autocomplete.quality import LENGTHS

LABELS = {
    "most frequent": "most frequent completion",
    "pair counts": "counts of (previous, next)",
    "pair counts, bound": "counts, with the test pairs among them",
    "hybrid": "Arborank, hybrid",
    "trie": "Arborank, trie",
    "mustlink": "Arborank, must-link k-means",
    "kmeans": "Arborank, k-means",
    "hybrid, logistic": "Arborank, hybrid, logistic",
    "hybrid, no context": "Arborank, hybrid, prefix only",
    "libpecos": "libpecos, same features",
    "libpecos, top 20": "libpecos, same features, its default 20 labels",
    "libpecos, weight 1": "libpecos, prefix weight 1",
    "GRU": "character GRU",
}
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
method 1 of Chen and Cherry for n-grams without a match (which leaves 0.18 to a perfect one-word completion); it is
a mean over the list, so that a short list without the wrong ones has more of it than a full one.
All sides train on the same pairs and prefixes. libpecos ranks with its default tree and beam; those of its labels that
begin with the prefix are kept. It is given the completer's features and asked for as many labels as its beam holds,
for the 20 that it returns by default, and once more with a prefix weight of 1 in place of 0.1, which suits a search
that the prefix does not prune; *filled* goes on with the most frequent completions where its list is not full, as
Arborank's does. The GRU is trained on the processor until the loss on held-out pairs stops falling or its time is up;
it writes queries character by character with a beam of 10. {gru} Latency is processor time of one call from Python on
one thread, features included (libpecos and the GRU: without); *fit* is wall time on a machine that did much other work,
which also widens p99.
"""
EPOCH = "An epoch of yso-en would take it over half an hour of processor time: "
GRU_IN_PART = f"{EPOCH}there it is trained on a part, and so is Arborank beside it."
GRU_ELSEWHERE = f"{EPOCH}it was trained on wikispeedia only."
SCALE_KEYSTROKES = {
    "": "previous query known",
    "unknown_": "none, or unknown",
    "typo_": "a typo, `strict=False`",
}
SCALE = """
Measured while nothing else ran. *Peak*: resident memory of training beyond that of the pairs, which were there before;
*with the data*: all of the process. The keystrokes are 20,000 test
prefixes, one call from Python each, on one thread. A typo is another letter behind the first one, from three characters
on; the search for what is one typo away is plain Python."""
ORDER = """
An MRR of 1 on wikispeedia would be 24 % above the most frequent completion: titles are few and told apart early, so
that frequency alone is nearly right from the fourth character on. What is left to win lies in the first three.

The paper finds the trie at least as good as the hybrid, and both above plain k-means. On wikispeedia and yso-en,
k-means comes last as well. On wikispeedia trie and hybrid are one; on yso-en the trie is a hundredth behind from the
second character on. Headings there have several words and share their first ones, so below the fourth character the
trie parts by letters what the hybrid, with balanced k-means over what the headings are used for, keeps together; and an
eighth of the pairs leaves many of its nodes a handful of examples. On debian the trie is first and the three are within
half a hundredth: there, what came before says little, whatever the tree."""


def number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    marks = ["---", *(["---:"] * (len(head) - 1))]
    return ["", *(f"| {' | '.join(row)} |" for row in [head, marks, *rows])]


def write_report(found: Measurements, path: Path) -> None:
    """Render all sets that were measured."""
    in_part = found.of(table="autocomplete", set="yso-en", side="GRU")
    introduction = INTRODUCTION.replace("{gru}", GRU_IN_PART if in_part else GRU_ELSEWHERE)
    lines = [introduction, f"Machine: {machine()}."]
    lines += ["", "## The aims", *table(["", "at least, at most", "measured"], aims(found)), AIMS]
    lines += ["## In short", "", "The hybrid tree against the others, relative.", *summary(found), ORDER]
    plotted = {}
    for name in found.distinct("set", table="autocomplete"):
        for share in found.distinct("share", table="autocomplete", set=name):
            cell = {"table": "autocomplete", "set": name, "share": share}
            sides = {side: found.of(**cell, side=side)[-1] for side in LABELS if found.of(**cell, side=side)}
            title = name if share == 1 else f"{name}, every {share}th training pair"
            lines += ["", f"## {title}", *quality_tables(sides), *cost_table(sides), *work_table(sides)]
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
            for side in (
                "most frequent",
                "kmeans",
                "libpecos",
                "libpecos, top 20",
                "libpecos, weight 1",
                "GRU",
            ):
                others = found.of(**cell, side=side)
                if ours and others:
                    keys = ("mrr", "mrr_short", "mrr_lengths_alike")
                    gains = [gain(ours[-1], others[-1], key) for key in keys]
                    shown = [percent(value) for value in (*gains, 1 / others[-1]["mrr"] - 1)]
                    rows.append([name if share == 1 else f"{name}, 1/{share}", LABELS[side], *shown])
    return table(["set", "against", "MRR, all", "≤3", "lengths alike", "an MRR of 1 would be"], rows)


def quality_tables(sides: dict) -> list[str]:
    whole = {side: values for side, values in sides.items() if "rows" not in values}
    head = [
        "MRR",
        "all",
        "≤3",
        "lengths alike",
        *(f"{n}{'+' * (n == LENGTHS[-1])}" for n in LENGTHS),
        "BLEU_RR",
        "≤3",
    ]
    rows = [
        [
            LABELS[side],
            *(number(v[key]) for key in ("mrr", "mrr_short", "mrr_lengths_alike")),
            *(number(v["mrr_by_length"][LENGTHS.index(n)]) for n in LENGTHS),
            *(number(v[key]) for key in ("bleu_rr", "bleu_rr_short")),
        ]
        for side, v in whole.items()
    ]
    lines = table(head, rows)
    titles = ["previous seen", "unseen", "query sent 1–9 times", "10–99", "100 or more"]
    for measure, name in (("mrr", "MRR"), ("bleu_rr", "BLEU_RR")):
        keys = [f"{measure}_{group}" for group in ("seen", "unseen", "rare", "middle", "frequent")]
        groups = [[LABELS[side], *(number(v.get(key)) for key in keys)] for side, v in whole.items()]
        lines += table([name, *titles], groups)
    by_length = [
        [LABELS[side], *(number(v["bleu_rr_by_length"][LENGTHS.index(n)]) for n in LENGTHS)]
        for side, v in whole.items()
        if "bleu_rr_by_length" in v  # --again takes it of answers that were measured without
    ]
    lines += table(["BLEU_RR", *head[4:-2]], by_length)
    if "hybrid" in whole:
        lines += ["", losses(whole)]
    if "GRU" in sides:
        v, ours = sides["GRU"], sides["hybrid"]
        their, our = v["mrr"], v.get("hybrid_mrr_same_rows", ours["mrr"])
        asked = f"on the first {v['rows']:,} test prefixes" if "rows" in v else "on all test prefixes"
        lines += [
            "",
            f"The GRU ({v['parameters']:,} parameters) had {v['epochs']:.1f} epochs in {v['fit_cpu_seconds'] / 60:.0f} "
            f"minutes of processor time; its best state is that after {v['best_epochs']:.1f}. Its MRR {asked} is "
            f"{number(their)}, that of Arborank's hybrid there {number(our)} ({100 * (our / their - 1):+.0f} %). A "
            f"keystroke takes it {v['cpu_p50_us'] / 1e3:.1f} ms at the median and {v['cpu_p99_us'] / 1e3:.1f} ms at "
            f"p99, {v['cpu_p50_us'] / ours['cpu_p50_us']:.0f} and {v['cpu_p99_us'] / ours['cpu_p99_us']:.0f} times "
            "Arborank's. Held-out loss in nats a query, by epochs: "
            + ", ".join(f"{epochs:.1f}: {loss:.2f}" for _, epochs, _, loss in v["curve"])
            + ".",
        ]
    return lines


def losses(sides: dict) -> str:
    """Where the hybrid tree's remaining errors are, and what could be had at all."""
    ours = sides["hybrid"]
    lost = [
        count * (1 - mrr) if count else 0.0
        for count, mrr in zip(ours["counts_by_length"], ours["mrr_by_length"], strict=True)
    ]
    shares = [f"{100 * value / sum(lost):.0f} % at {n}" for n, value in zip(LENGTHS[:3], lost, strict=False)]
    text = f"Of what the hybrid tree lacks to an MRR of 1, {', '.join(shares)} characters typed."
    bound = sides.get("pair counts, bound")
    if bound:
        frequent, pecos = sides["most frequent"]["mrr"], sides.get("libpecos", ours)["mrr"]
        counted = sides["pair counts"]["mrr"]
        gains = [f"{100 * (bound['mrr'] / other - 1):+.0f} %" for other in (frequent, pecos)]
        text += (
            f" Readers choose among many links: counting what followed each title leads to {number(counted)}, and "
            "counting the test pairs as well, which no ranking by previous title and prefix can do much better than, "
            f"to {number(bound['mrr'])}: {gains[0]} over most frequent completion, {gains[1]} over libpecos with the "
            "same features. Tried once each, without a gain: the whole previous title as a feature of its own, the two "
            "titles before it, three prefixes a pair; scores times frequency to the power 0.1 gain 0.1 %."
        )
    return text


def cost_table(sides: dict) -> list[str]:
    head = ["", "fit, s", "processor, s", "p50, µs", "p99, µs", "MRR, filled", "≤3"]
    keys = {"fit_seconds": 1, "fit_cpu_seconds": 1, "cpu_p50_us": 0, "cpu_p99_us": 0}
    keys |= {"filled_mrr": 3, "filled_mrr_short": 3}
    rows = [
        [LABELS[side], *(number(v.get(key), digits) for key, digits in keys.items())]
        for side, v in sides.items()
    ]
    return table(head, [row for row in rows if any(row[1:])])


def work_table(sides: dict) -> list[str]:
    """The pruned search beside the free one, by the width of the beam."""
    head = ["tree", "beam", "MRR, pruned", "labels scored", "nodes scored", "MRR, free", "labels", "nodes"]
    rows = []
    for side, v in sides.items():
        for point in v.get("frontier", ()):
            cells = [
                number(point[f"{key}_{way}"], 3 if key == "mrr" else 1)
                for way in ("pruned", "free")
                for key in ("mrr", "labels", "nodes")
            ]
            rows.append([LABELS[side], str(point["beam"]), *cells])
    sentences = [
        sentence
        for side in sides
        if (sentence := work_sentence(LABELS[side], sides[side].get("frontier", [])))
    ]
    return [*table(head, rows), "", " ".join(sentences)] if rows else []


def work_sentence(name: str, points: list[dict]) -> str:
    """How much less the pruned search scores than a free one that is as good."""
    ours = next((point for point in points if point["beam"] == 5), None)
    if ours is None:
        return ""

    def times(point: dict) -> str:
        ratios = (f"{point[f'{key}_free'] / ours[f'{key}_pruned']:.1f}" for key in ("nodes", "labels"))
        return "{} times the nodes and {} times the labels".format(*ratios)

    text = f"{name}: with a beam of 5, the free search scores {times(ours)} of the pruned one; "
    equal = as_good(points)
    if equal:
        return text + f"to be as good it needs a beam of {equal['beam']}: {times(equal)}."
    return text + "it is not as good with any beam."


def extra(found: Measurements) -> list[str]:
    """What other scripts measured: many labels."""
    rows, keystrokes = [], []
    for name in found.distinct("set", table="completion-scale"):
        v = found.of(table="completion-scale", set=name)[-1]
        sizes = (
            number(v[key], 0) for key in ("pairs", "labels", "threads", "fit_seconds", "fit_cpu_seconds")
        )
        memory = (number(v[key] / 2**30, 1) for key in ("peak_bytes", "process_bytes"))
        rows.append([name, *sizes, *memory])
        for kind, label in SCALE_KEYSTROKES.items():
            keys = [f"{kind}{clock}_{share}_us" for clock in ("wall", "cpu") for share in ("p50", "p99")]
            keystrokes.append([name, label, *(number(v[key], 0) for key in keys)])
    if not rows:
        return updates(found)
    head = [
        "",
        "pairs",
        "labels",
        "threads",
        "fit, s",
        "processor, s",
        "peak, GiB",
        "with the data",
    ]
    lines = ["", "## Many labels, many pairs", *table(head, rows)]
    head = ["µs a keystroke", "", "p50", "p99", "p50, processor", "p99, processor"]
    return [*lines, *table(head, keystrokes), SCALE, *updates(found)]


def updates(found: Measurements) -> list[str]:
    """A completer that is updated, beside one that is fitted anew."""
    rows = []
    for key in (one["key"] for one in found.all if one["key"].get("table") == "completion-update"):
        v = found.of(**key)[-1]
        rows.append(
            [
                f"{key['set']}, 1/{key['share']}" if key["share"] > 1 else key["set"],
                key["side"],
                number(v["pairs"], 0),
                number(v["labels"], 0),
                *(number(v[name]) for name in ("mrr_new", "mrr_old")),
                number(v["cpu_seconds"], 1),
            ]
        )
    rows = list(dict.fromkeys(map(tuple, rows)))
    if not rows:
        return []
    text = (
        "A twentieth of the queries, drawn at random, is new: *old* knows the first half of the training pairs without "
        "them, *updated* is given the other half by `update_pairs`, *fitted anew* is fitted on both."
    )
    head = ["", "", "pairs", "labels", "MRR of new queries", "of the others", "processor, s"]
    return ["", "## Updates", "", text, *table(head, [list(row) for row in rows])]


def plot(plotted: dict, path: Path) -> None:
    plotted = {title: sides for title, sides in plotted.items() if len(sides) > 3}
    figure, panels = plt.subplots(1, len(plotted), figsize=(9, 2.8), layout="constrained", squeeze=False)
    handles = {}
    for axes, (title, sides) in zip(panels[0], plotted.items(), strict=True):
        for place, (side, label) in enumerate(LABELS.items()):
            if side in sides and "rows" not in sides[side]:
                colour = f"C{place}"
                (handles[label],) = axes.plot(
                    LENGTHS, sides[side]["mrr_by_length"], color=colour, linewidth=1
                )
        axes.set(title=title, xlabel="characters typed", ylim=(0, 1), xticks=LENGTHS[::3])
    panels[0][0].set_ylabel("MRR")
    figure.legend(handles.values(), handles.keys(), frameon=False, loc="outside right upper")
    save(figure, path)
