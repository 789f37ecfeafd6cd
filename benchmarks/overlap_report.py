"""The page of `overlap.py`."""

import overlap_joined
from measurements import Measurements

METRICS = tuple(f"{metric}@{k}" for metric in ("P", "PSP") for k in (1, 3, 5))
SIDES = {"needed": "arborank", "all": "arborank, all labels"}  # by the labels that are copied
NEIGHBOURHOODS = [
    "",
    "## Neighbourhoods of instances",
    "",
    "Tried and not kept: what PINA (Chien et al., ICML 2023) does, with predicted labels as the neighbours. A first",
    "model predicts five labels (models of the other half, for training instances); the 100 largest features of their",
    "PIFA vectors, averaged by the softmax of the scores, stand beside the instance's own with length 0.7, and a",
    "second model is trained on both. Differences to the first; the second takes two to three times as long, after the",
    "first and the halves, and its rows are 3.8 times as long:",
    "",
    f"| set | {' | '.join(METRICS)} |",
    "|---|" + "---|" * len(METRICS),
    "| debian-depends | +0.22 | +0.40 | +0.24 | +0.19 | +0.60 | +0.86 |",
    "| debian-depends, length 0.3 | +0.29 | +0.29 | +0.24 | +0.22 | +0.33 | +0.57 |",
    "| acl-anthology | -1.00 | -0.58 | -0.11 | -0.64 | -0.71 | -0.23 |",
    "",
    "A second leaf where it is needed helps on all four whole sets, for 5 to 15 per cent of ranking time.",
]


def page(found: Measurements, names: list[str]) -> str:
    """Markdown."""
    lines = [
        "# A label in several clusters",
        "",
        "Measured by `python benchmarks/overlap.py`: 32 branches, at most 100 labels in a leaf before copying, beam",
        "10, seed 0. The first row of a set is the tree without overlap; the others are differences to it, in points:",
        'with copies where they are needed, which is the default, or of *all* labels (`copies="all"`). *Retained*',
        "is the share of test positives one of whose leaves is in the beam. *Slots* are places on the bottom level,",
        "*fit* the CPU time of tree, assignment (one round) and training, *batch* the CPU time of ranking with one",
        "thread, the last three as multiples of the first row's; other work ran beside, and the batch of the first row",
        "against itself shows how much that disturbs.",
        "",
        'What `copies="all"` does was chosen on a sixth of the training rows, 10,000 at most, of all sets but the',
        "whole yso-en: four leaves, instances parted, negatives from beams, eight times the fullest leaf. Test rows",
        "were ranked once with it. Of the default, two choices were made when test rows had been seen, of yso-en,",
        "too: no negatives from beams, and leaves that grow by a sixth only.",
        "",
    ]
    lines += against_one(found, names)
    lines += against_pecos(found, names)
    lines += overlap_joined.report(found, names)
    lines += NEIGHBOURHOODS
    return "\n".join(lines) + "\n"


def against_one(found: Measurements, names: list[str]) -> list[str]:
    """Every overlap beside the tree without."""
    lines = []
    differences: dict[tuple[str, int], list[float]] = {}
    for name in names:
        base = found.of(table="overlap", set=name, side=SIDES["needed"], overlap=1)[-1:]
        if not base:
            continue
        lines += [f"## {name}", "", f"| overlap | {' | '.join(METRICS)} | retained | slots | fit | batch |"]
        lines += ["|---|" + "---|" * (len(METRICS) + 4)]
        for copies, overlap in [("needed", n) for n in range(1, 7)] + [("all", n) for n in range(2, 7)]:
            for values in found.of(table="overlap", set=name, side=SIDES[copies], overlap=overlap)[-1:]:
                less = [values[m] - base[0][m] for m in METRICS]
                text = [f"{values[m]:.2f}" for m in METRICS] if overlap == 1 else [f"{v:+.2f}" for v in less]
                if overlap > 1:
                    differences.setdefault((copies, overlap), []).extend(less)
                lines.append(
                    f"| {overlap}{', all' if copies == 'all' else ''} | {' | '.join(text)} | "
                    f"{values['retained']:.2f} | {values['copies']:.2f} | {values['fit ratio']:.2f}× | "
                    f"{values['batch ratio']:.2f}× |"
                )
        lines.append("")
    lines += ["| overlap | cells | better | worse by more than 0.2 | smallest difference | mean |"]
    lines += ["|---|---|---|---|---|---|"]
    for (copies, overlap), values in sorted(
        differences.items(), key=lambda pair: (pair[0][0] == "all", pair[0])
    ):
        lines.append(
            f"| {overlap}{', all' if copies == 'all' else ''} | {len(values)} | {sum(v > 0 for v in values)} | "
            f"{sum(v < -0.2 for v in values)} | {min(values):+.2f} | {sum(values) / len(values):+.2f} |"
        )
    return [*lines, ""]


def against_pecos(found: Measurements, names: list[str]) -> list[str]:
    """Ours beside libpecos' example."""
    lines = [
        "## Against libpecos",
        "",
        "`runners/pecos_overlap.py` is the recipe of libpecos' example: 32 branches, beam 10, every label in its two",
        "most counted clusters (pseudo-labels with duplicated columns), scores of the two merged by their *mean*, as",
        "the example does, or by *max*. The first rows of a set are theirs; the others are ours, less *mean*.",
        "yso-en-40000: 40,000 training and 10,000 test rows drawn from yso-en, with all its features and labels, since",
        "libpecos takes too long on all rows.",
        "",
        f"| set | | {' | '.join(METRICS)} | slots | fit, CPU s |",
        "|---|---|" + "---|" * (len(METRICS) + 2),
    ]
    ahead: dict[str, list[int]] = {}
    for name in names:
        theirs = {
            how: found.of(table="overlap", set=name, side="libpecos", merge=how)[-1:]
            for how in ("plain", "mean", "max")
        }
        if not theirs["mean"]:
            continue
        for how, (values,) in theirs.items():
            shown = " | ".join(f"{values[m]:.2f}" for m in METRICS)
            lines.append(
                f"| {name} | libpecos, {how} | {shown} | {values['copies']:.2f} | {values['fit']:.0f} |"
            )
        for copies, overlap in [("needed", 2), *(("all", n) for n in range(2, 7))]:
            for ours in found.of(table="overlap", set=name, side=SIDES[copies], overlap=overlap)[-1:]:
                label = f"{overlap}{', all' if copies == 'all' else ''}"
                counts = ahead.setdefault(label, [0, 0, 0])
                counts[0] += len(METRICS)
                for place, how in enumerate(("mean", "max"), 1):
                    counts[place] += sum(ours[m] > theirs[how][0][m] for m in METRICS)
                shown = " | ".join(f"{ours[m] - theirs['mean'][0][m]:+.2f}" for m in METRICS)
                lines.append(
                    f"| {name} | ours, {label} | {shown} | {ours['copies']:.2f} | {ours['fit']:.0f} |"
                )
    lines += ["", "| ours at overlap | cells | ahead of *mean* | ahead of *max* |", "|---|---|---|---|"]
    lines += [f"| {label} | {' | '.join(map(str, counts))} |" for label, counts in ahead.items()]
    lines += [""]
    return lines
