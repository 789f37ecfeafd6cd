"""Everything measured so far as ``benchmarks/RESULTS.md``, with its two plots."""

import argparse
from pathlib import Path

import tables
from data import add_arguments
from environments import HERE
from measurements import Measurements
from plots import plot_scaling, plot_training

HEAD = """\
# Measured side by side

Measured {dates} UTC on {machines}; seed 0. Versions: {versions}.
How every figure is taken is in the [README](README.md). *To ours* is a figure divided by arborank's at
the same number of threads: above 1× arborank is ahead. `python benchmarks/report.py` writes this file.

## At a glance

How many times libpecos' figure is arborank's, beside what was aimed at.
"""
TRAINING = """
## Training

`python benchmarks/linear.py --part train`. Medians; the peak is memory beyond X and Y.

![seconds of index and training, by side and set](training.svg)
"""
SAMPLED = """
† trained on a sample of the labels; time and model size scaled to all of them.
"""
RANKING = """
## Ranking

`python benchmarks/linear.py --part rank`. Ten labels a query; medians; quality in per cent over all rows.
`arborank-float16` and `arborank-int8` are the same model with weights of 16 and 8 bits (`model.quantize("int8")`).
`arborank-l2-l3` is the same tree with another score, which trusts uncertain clusters more: better on titles and
abstracts, worse where the words of a text tell its cluster, as in debian-depends.
"""
CUT = """
† over a random part of the test rows, as many as it could rank in the time given.

The tree is grown from a seed, and quality moves with it (`python benchmarks/seeds.py`):
"""
IMPORTED = """
## Imported models

`python benchmarks/imported.py`. The models of libpecos above, opened with `XRLinear.from_pecos`; test rows at random.
"""
VECTORIZER = """
## Texts to rows

`python benchmarks/vectorizer.py`. Words and pairs of words, sublinear, in two texts or more, 300,000
features. scikit-learn has one thread; libpecos splits at white space only, so its features are others.
"""
LATENCY = """
## What a user waits for

`python benchmarks/latency.py`.
"""
SCALING = """
## Growth with the number of labels

`python benchmarks/scaling.py`: synthetic sets with as many instances as labels, 2 threads.

![seconds and memory of training against the number of labels](scaling.svg)
"""


def by_set(found: Measurements, kind: str, render) -> list[str]:
    """One table a set."""
    return [f"\n### {name}\n\n{render(found, name)}" for name in tables.sets(found, kind)]


def write(found: Measurements, path: Path) -> None:
    """The report and its plots, the plots beside it."""
    dates = sorted({one["date"][:10] for one in found.all})
    head = HEAD.format(
        dates=" to ".join(dict.fromkeys([dates[0], dates[-1]])),
        machines="; ".join(sorted({one["machine"] for one in found.all})),
        versions=", ".join(
            sorted({one["values"]["version"] for one in found.all if "version" in one["values"]})
        ),
    )
    parts = [head, tables.targets(found), "", tables.differences(found), "", tables.text_targets(found)]
    parts += [TRAINING, *by_set(found, "train", tables.training), SAMPLED]
    parts += [RANKING, *by_set(found, "batch", tables.ranking), CUT, tables.seeds(found)]
    parts += [IMPORTED, tables.imported(found)]
    parts += [VECTORIZER, *by_set(found, "vectorizer", tables.vectorizer)]
    parts += [LATENCY, tables.latency(found), SCALING, tables.scaling(found)]
    path.write_text("\n".join(parts) + "\n")
    plot_training(found, tables.sets(found, "train"), path.with_name("training.svg"))
    plot_scaling(found, tables.sets(found, "train", synthetic=True), path.with_name("scaling.svg"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md")
    arguments = parser.parse_args()
    write(Measurements(arguments.cache), arguments.output)
