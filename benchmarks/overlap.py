"""A label in one to six clusters: quality, retained positives, cost, libpecos; and whether joined labels are separated.

``python benchmarks/overlap.py`` measures what is missing in the cache and writes ``benchmarks/OVERLAP.md``. The recipe
is that of Liu et al. (NeurIPS 2021): 32 branches, at most 100 labels in a leaf before copying, beam 10. ``--only
report`` writes the page alone.
"""

import argparse
import copy
import itertools
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import child
import data
import numpy as np
from environments import HERE, python
from measurements import Measurements
from scipy.sparse import csr_matrix

from arborank import XRLinear
from arborank.indexing import LabelTree
from arborank.matching import BeamSearch
from arborank.metrics import precision_at_k, propensities, psp_at_k
from arborank.models import KMeansIndexer, disentangle
from arborank.models._params import solver_params
from arborank.models.disentangle import Disentangled, refine_tree, retained_positives
from arborank.sparse import as_csr, transpose

TREE = {"branching": 32, "max_leaf_size": 100}
CUTS = (1, 3, 5)
JOINED_ROWS = ("placed", "training", "test")
PARTING = {"coherence": 20.0, "starts": 8, "min_gain": 0.02}  # of joined labels
SUBSETS = {"yso-en-40000": ("yso-en", 40_000, 10_000)}  # rows drawn from a set, for training and for testing
METRICS = tuple(f"{metric}@{k}" for metric in ("P", "PSP") for k in CUTS)
BEAM_NEGATIVES = [
    "",
    "## Negatives from beams",
    "",
    "An option, not the default: `beam_negatives=0.1`, `min_gain=0.1`, leaves up to a quarter fuller; differences to",
    "the tree without overlap, measured once. It is ahead of libpecos' *mean* on eurlex57k in five cells of six",
    "(P@5 -0.11), ranks there in 1.19 times the time, and harms on yso-en:",
    "",
    f"| set | {' | '.join(METRICS)} | retained | slots | fit |",
    "|---|" + "---|" * (len(METRICS) + 3),
    "| eurlex57k | +0.67 | +0.62 | +0.31 | +0.80 | +0.89 | +0.69 | 97.07 | 1.26 | 1.84× |",
    "| yso-en | +0.04 | -0.27 | -0.29 | +0.40 | -0.05 | -0.33 | 69.46 | 1.22 | 2.06× |",
    "| debian-depends | +0.69 | +0.47 | +0.35 | +0.70 | +1.01 | +0.98 | 87.79 | 1.17 | 1.85× |",
    "| acl-anthology | +0.39 | +0.18 | +0.19 | +0.36 | +0.34 | +0.40 | 38.70 | 1.07 | 1.61× |",
]
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
    "A second leaf helps on every set, for a few per cent of ranking time.",
]
PAGE = Path(__file__).resolve().parent / "OVERLAP.md"


def prepare(given: argparse.Namespace, name: str) -> None:
    """Write the matrices of a set or a subset, unless they are there; a subset keeps features and labels."""
    if name not in SUBSETS:
        data.prepare(given.data, given.cache, name)
        return
    whole, *sizes = SUBSETS[name]
    target = given.cache / name
    if all((target / f"{matrix}.npz").exists() for matrix in data.MATRICES):
        return
    data.prepare(given.data, given.cache, whole)
    target.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for part, size in zip(("trn", "tst"), sizes, strict=True):
        rows = np.sort(rng.permutation(data.load(given.cache, whole, f"Y.{part}").shape[0])[:size])
        for kind in "XY":
            matrix = f"{kind}.{part}"
            data.write(data.load(given.cache, whole, matrix)[rows], target / f"{matrix}.npz")


def cpu(call, *arguments, **options):
    """CPU seconds of all threads, which other work on the machine moves less than the time on the wall."""
    start = time.process_time()
    result = call(*arguments, **options)
    return time.process_time() - start, result


def quality(ids: np.ndarray, Y: csr_matrix, train: csr_matrix) -> dict[str, float]:
    shares = propensities(np.bincount(train.indices, minlength=train.shape[1]), train.shape[0])
    found = {f"P@{k}": 100 * precision_at_k(Y, ids, k) for k in CUTS}
    return found | {f"PSP@{k}": 100 * psp_at_k(Y, ids, k, shares) for k in CUTS}


def beams(model: XRLinear, X: csr_matrix) -> np.ndarray:
    """The leaves that the model's beam of ten holds."""
    top = model.tree_.above_labels()
    search = BeamSearch(top.branches, model.layers_[:-1], top.labels, top.n_labels)
    return search.nodes(as_csr(X), min(10, top.n_labels), n_threads=0)[0]


def measure_set(given: argparse.Namespace, found: Measurements, name: str) -> None:
    """Fit every overlap that is missing; rank with it in turn with the model without overlap."""
    cells = [
        {"table": "overlap", "set": name, "side": "arborank", "overlap": overlap}
        for overlap in given.overlaps
    ]
    if all(found.done(1, **cell) for cell in cells):
        return
    X, Y, X_test, Y_test = (
        data.load(given.cache, name, matrix) for matrix in ("X.trn", "Y.trn", "X.tst", "Y.tst")
    )
    seconds, tree = cpu(KMeansIndexer(**TREE, random_state=given.seed).index, X, Y)
    options = {"tree": tree, "n_jobs": given.threads, "random_state": given.seed, **TREE}
    taken, plain = cpu(XRLinear(**options).fit, X, Y)
    for overlap, cell in zip(given.overlaps, cells, strict=True):
        if found.done(1, **cell):
            continue
        own, model = (
            (taken, plain) if overlap == 1 else cpu(XRLinear(max_clusters=overlap, **options).fit, X, Y)
        )
        values = quality(model.predict_topk(X_test, 10)[0], Y_test, Y)
        values |= {"retained": 100 * retained_positives(model.tree_, Y_test, beams(model, X_test))}
        values |= {"copies": model.tree_.labels.size / tree.labels.size, "fit": own + seconds}
        values |= {
            "fit ratio": (own + seconds) / (taken + seconds),
            "batch ratio": ratio(plain, model, X_test),
        }
        values |= {"fullest": int(np.diff(model.tree_.branches[-1]).max())}
        found.add(values, **cell)


def measure_pecos(given: argparse.Namespace, found: Measurements, name: str) -> None:
    """libpecos' example, in a process and an environment of its own."""
    cells = {
        how: {"table": "overlap", "set": name, "side": "libpecos", "merge": how}
        for how in ("plain", "mean", "max")
    }
    if all(found.done(1, **cell) for cell in cells.values()):
        return
    out = (given.cache / name / "pecos-overlap.npz").resolve()
    command = [python("libpecos", given.environments), "-m", "runners.pecos_overlap"]
    command += [(given.cache / name).resolve(), out, "--threads", str(given.threads)]
    if not out.exists():  # hours, where a popular cluster gets thousands of labels
        subprocess.run(command, cwd=HERE, check=True)
    answers = np.load(out)
    truth, train = (data.load(given.cache, name, matrix) for matrix in ("Y.tst", "Y.trn"))
    for how, cell in cells.items():
        once, twice = answers["seconds"].tolist()
        values = {"fit": once if how == "plain" else twice, "fit ratio": twice / once}
        values |= {"copies": 1.0 if how == "plain" else float(answers["copies"])}
        found.add(quality(answers[how], truth, train) | values, **cell)


def ratio(plain: XRLinear, model: XRLinear, X: csr_matrix, rounds: int = 7) -> float:
    """CPU time of ranking with ``model`` as a multiple of ``plain``'s: one thread, the median of alternate rounds."""
    rows = X[: min(X.shape[0], 10_000)]
    plain, model = (copy.copy(one).set_params(n_jobs=1) for one in (plain, model))
    plain.predict_topk(rows[:100])
    model.predict_topk(rows[:100])
    rounds_taken = [
        (cpu(plain.predict_topk, rows, 10)[0], cpu(model.predict_topk, rows, 10)[0]) for _ in range(rounds)
    ]
    return float(np.median([b / a for a, b in rounds_taken]))


def join_labels(Y: csr_matrix, tree: LabelTree, seed: int, least: int = 40) -> tuple[csr_matrix, np.ndarray]:
    """Join pairs of labels at random: of different leaves, and much alike in their number of instances.

    Labels with at least ``least`` instances are sorted by that number and paired within each twenty: a rare label that
    is joined to a frequent one makes no second sense that could be seen. Returns the new label matrix and the pairs;
    the first label of a pair stands for both, the second has no instance.
    """
    rng = np.random.default_rng(seed)
    counts = np.bincount(Y.indices, minlength=Y.shape[1])
    homes = np.full(Y.shape[1], -1)
    homes[tree.labels] = tree.parents(tree.depth)
    frequent = np.flatnonzero(counts >= least)
    frequent = frequent[np.argsort(-counts[frequent], kind="stable")]
    blocks = np.array_split(frequent, max(1, frequent.size // 20))
    pairs = np.concatenate([rng.permutation(block)[: block.size // 2 * 2].reshape(-1, 2) for block in blocks])
    pairs = pairs[homes[pairs[:, 0]] != homes[pairs[:, 1]]]
    joined = np.arange(Y.shape[1])
    joined[pairs[:, 1]] = pairs[:, 0]
    coo = Y.tocoo()
    new = csr_matrix((np.ones(coo.nnz, np.float32), (coo.row, joined[coo.col])), shape=Y.shape)
    new.data[:] = 1
    return new, pairs


def variation(truth: np.ndarray, found: np.ndarray) -> float:
    """Variation of information of two clusterings of the same things, in nats (Meila 2003)."""
    table = np.zeros((truth.max() + 1, found.max() + 1))
    np.add.at(table, (truth, found), 1)
    table /= table.sum()
    outer = table.sum(axis=1, keepdims=True) * table.sum(axis=0)
    held = table > 0
    entropies = [-(p[p > 0] * np.log(p[p > 0])).sum() for p in (table.sum(axis=1), table.sum(axis=0))]
    return float(sum(entropies) - 2 * (table[held] * np.log(table[held] / outer[held])).sum())


def measure_joined(given: argparse.Namespace, found: Measurements, name: str) -> None:
    """Join labels at random, disentangle, and see whether their instances are parted again."""
    keys = {
        (rounds, rows): {"table": "parted pairs", "set": name, "rounds": rounds, "rows": rows}
        for rounds in given.rounds
        for rows in JOINED_ROWS
    }
    if all(found.done(1, **key) for key in keys.values()):
        return
    X, Y, X_test, Y_test = (
        data.load(given.cache, name, matrix) for matrix in ("X.trn", "Y.trn", "X.tst", "Y.tst")
    )
    tree = KMeansIndexer(**TREE, random_state=given.seed).index(X, Y)
    joined, pairs = join_labels(Y, tree, given.seed)
    tree = KMeansIndexer(**TREE, random_state=given.seed).index(X, joined)
    model = XRLinear(tree=tree, random_state=given.seed, n_jobs=given.threads, **TREE)
    fullest = int(np.diff(tree.branches[-1]).max())
    parting = PARTING | {"max_leaf_size": fullest + -(-fullest // 4)}
    for rounds in given.rounds:
        missing = [rows for rows in JOINED_ROWS if not found.done(1, **keys[rounds, rows])]
        if "placed" in missing:
            learned = refine_tree(
                as_csr(X),
                as_csr(joined),
                tree,
                solver_params(model, tree.depth),
                max_clusters=2,
                rounds=rounds,
                beam_size=model.beam_size,
                combine=model.combine,
                random_state=given.seed,
                n_threads=given.threads,
                verbose=False,
                **parting,
            )
            found.add(separation(Y, pairs, placed(learned, joined)), **keys[rounds, "placed"])
        if {"training", "test"} & set(missing):
            trained = disentangle(model.fit(X, joined), X, joined, rounds=rounds, **parting)
            for rows, instances, labels in (("training", X, Y), ("test", X_test, Y_test)):
                found.add(separation(labels, pairs, preferred(trained, instances)), **keys[rounds, rows])


Parting = Callable[[int, np.ndarray], tuple[np.ndarray, int]]  # of a label's rows; and how many leaves it has


def placed(learned: Disentangled, joined: csr_matrix) -> Parting:
    """The leaf that disentangling gave a training instance of a label to."""
    instances = transpose(as_csr(joined))
    n_leaves = np.bincount(learned.tree.labels, minlength=joined.shape[1])

    def part(label: int, rows: np.ndarray) -> tuple[np.ndarray, int]:
        own = slice(instances.indptr[label], instances.indptr[label + 1])
        at = np.searchsorted(instances.indices[own], rows)
        return np.unique(learned.parted[own][at], return_inverse=True)[1], int(n_leaves[label])

    return part


def preferred(model: XRLinear, X: csr_matrix) -> Parting:
    """The one of a label's leaves whose score, by the trained matcher, is best."""
    tree = model.tree_
    leaf = tree.parents(tree.depth)
    top = tree.above_labels()
    search = BeamSearch(top.branches, model.layers_[:-1], top.labels, top.n_labels)

    def part(label: int, rows: np.ndarray) -> tuple[np.ndarray, int]:
        leaves = leaf[tree.labels == label]
        beam, scores = search.nodes(as_csr(X[rows]), top.n_labels, n_threads=1)
        worth = np.array([np.where(beam == own, scores, 0).max(axis=1) for own in leaves])
        return worth.argmax(axis=0), leaves.size

    return part


def separation(Y: csr_matrix, pairs: np.ndarray, part: Parting, least: int = 10) -> dict[str, float]:
    """Mean variation of information, over the pairs, between a label's two parts and those that ``part`` makes.

    Without overlap a joined label has one leaf, and its instances are one cluster; so are those of a joined label
    that got no second leaf. Chance: instances drawn into two clusters by coin. Pairs one of whose labels has fewer than
    ``least`` instances are left out.
    """
    by_label = Y.tocsc()
    rng = np.random.default_rng(0)
    values: dict[str, list[float]] = {"VI": [], "one leaf": [], "chance": [], "two leaves": []}
    for first, second in pairs:
        parts = [by_label.indices[by_label.indptr[i] : by_label.indptr[i + 1]] for i in (first, second)]
        parts = [np.setdiff1d(parts[0], parts[1]), np.setdiff1d(parts[1], parts[0])]
        if min(map(len, parts)) < least:
            continue
        truth = np.repeat([0, 1], [len(part) for part in parts])
        own, n_leaves = part(first, np.concatenate(parts))
        values["VI"].append(variation(truth, own))
        values["one leaf"].append(variation(truth, np.zeros_like(truth)))
        values["chance"].append(variation(truth, rng.integers(0, 2, truth.size)))
        values["two leaves"].append(float(n_leaves > 1))
    arrays = {key: np.array(value) for key, value in values.items()}
    two = arrays["two leaves"] > 0
    return {
        **{key: float(array.mean()) for key, array in arrays.items()},
        "VI of two": float(arrays["VI"][two].mean()),
        "one leaf of two": float(arrays["one leaf"][two].mean()),
        "lower": float((arrays["VI"][two] < arrays["one leaf"][two]).mean()),
        "pairs": len(two),
    }


def report(found: Measurements, names: list[str]) -> str:
    """The page."""
    lines = [
        "# A label in several clusters",
        "",
        "Measured by `python benchmarks/overlap.py`: 32 branches, at most 100 labels in a leaf before copying, beam",
        "10, seed 0. The first row of a set is the tree without overlap; the others are differences to it, in points.",
        "*Retained* is the share of test positives one of whose leaves is in the beam. *Slots* are places on the",
        "bottom level, *fit* the CPU time of tree, assignment (one round) and training, *batch* the CPU time of",
        "ranking with one thread, the last three as multiples of the first row's; other work ran beside, and the batch",
        "of the first row against itself shows how much that disturbs.",
        "",
    ]
    better = worse = cells = 0
    lowest = float("inf")
    for name in names:
        base = found.of(table="overlap", set=name, side="arborank", overlap=1)
        if not base:
            continue
        lines += [f"## {name}", "", f"| overlap | {' | '.join(METRICS)} | retained | slots | fit | batch |"]
        lines += ["|---|" + "---|" * (len(METRICS) + 4)]
        for overlap in range(1, 7):
            for values in found.of(table="overlap", set=name, side="arborank", overlap=overlap)[-1:]:
                shown = [values[m] if overlap == 1 else values[m] - base[-1][m] for m in METRICS]
                text = [f"{value:.2f}" if overlap == 1 else f"{value:+.2f}" for value in shown]
                if overlap > 1:
                    cells += len(shown)
                    better += sum(value > 0 for value in shown)
                    worse += sum(value < -0.2 for value in shown)
                    lowest = min(lowest, *shown)
                lines.append(
                    f"| {overlap} | {' | '.join(text)} | {values['retained']:.2f} | {values['copies']:.2f} | "
                    f"{values['fit ratio']:.2f}× | {values['batch ratio']:.2f}× |"
                )
        lines.append("")
    lines += [
        f"Better in {better} of {cells} cells; worse by more than 0.2 in {worse}; smallest difference {lowest:+.2f}.",
        "",
    ]
    lines += against_pecos(found, names)
    lines += about_joined(found, names)
    lines += BEAM_NEGATIVES
    lines += NEIGHBOURHOODS
    return "\n".join(lines) + "\n"


def about_joined(found: Measurements, names: list[str]) -> list[str]:
    """The merged-label experiment."""
    lines = [
        "## Joined labels",
        "",
        "Pairs of labels of different leaves, with 40 training instances or more and much alike in their number, are",
        "joined at random; the model knows only the joined labels. A joined label's instances, parted among leaves,",
        "are compared with its two true labels by the variation of information, in nats (0: the same). *Placed*: the",
        "leaf that disentangling gave a training instance to. *Training*, *test*: the leaf that the matcher prefers,",
        "once it is trained; an instance has other labels as well, and where they are in one of the two leaves, that",
        "one is preferred. *One leaf*: the tree without overlap, which parts nothing. *Chance* parts by coin; that is",
        "the baseline of the paper. *Parted*: pairs with two leaves whose variation is below that of one leaf. By",
        f"`disentangle(..., {', '.join(f'{key}={value:g}' for key, value in PARTING.items())})`, leaves up to a",
        "quarter fuller than the fullest was. On eurlex57k the trained matcher was at 0.63 (training) and 0.67 (test)",
        "of 0.69 in a trial with the code before rare labels were kept whole.",
        "",
        "| set | rounds | rows | pairs | VI | one leaf | chance | with two leaves | VI of those | one leaf | parted |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in names:
        for rounds, rows in itertools.product((1, 2, 3), JOINED_ROWS):
            for v in found.of(table="parted pairs", set=name, rounds=rounds, rows=rows)[-1:]:
                lines.append(
                    f"| {name} | {rounds} | {rows} | {v['pairs']:.0f} | {v['VI']:.3f} | {v['one leaf']:.3f} | "
                    f"{v['chance']:.3f} | {100 * v['two leaves']:.0f} % | {v['VI of two']:.3f} | "
                    f"{v['one leaf of two']:.3f} | {100 * v['lower']:.0f} % |"
                )
    return lines


def against_pecos(found: Measurements, names: list[str]) -> list[str]:
    """Our overlap 2 beside libpecos' example."""
    lines = [
        "## Against libpecos",
        "",
        "`runners/pecos_overlap.py` is the recipe of libpecos' example: 32 branches, beam 10, every label in its two",
        "most counted clusters (pseudo-labels with duplicated columns), scores of the two merged by their *mean*, as",
        "the example does, or by *max*. The first rows of a set are theirs; the last is ours at overlap 2 less *mean*.",
        "yso-en-40000: 40,000 training and 10,000 test rows drawn from yso-en, with all its features and labels, since",
        "libpecos takes too long on all rows. A label has 4 training instances there on average, and copying every",
        "label, as libpecos does, gains more than the few copies that ours makes.",
        "",
        f"| set | libpecos | {' | '.join(METRICS)} | slots | fit, CPU s |",
        "|---|---|" + "---|" * (len(METRICS) + 2),
    ]
    ahead = cells = 0
    for name in names:
        theirs = {
            how: found.of(table="overlap", set=name, side="libpecos", merge=how)[-1:]
            for how in ("plain", "mean", "max")
        }
        ours = found.of(table="overlap", set=name, side="arborank", overlap=2)[-1:]
        if not (ours and theirs["mean"]):
            continue
        for how, (values,) in theirs.items():
            shown = " | ".join(f"{values[m]:.2f}" for m in METRICS)
            lines.append(f"| {name} | {how} | {shown} | {values['copies']:.2f} | {values['fit']:.0f} |")
        shown = [ours[0][m] - theirs["mean"][0][m] for m in METRICS]
        cells += len(shown)
        ahead += sum(value > 0 for value in shown)
        text = " | ".join(f"{value:+.2f}" for value in shown)
        lines.append(f"| {name} | ours − mean | {text} | {ours[0]['copies']:.2f} | {ours[0]['fit']:.0f} |")
    return [*lines, "", f"Ahead in {ahead} of {cells} cells.", ""] if cells else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data.add_arguments(parser)
    parser.add_argument("--sets", nargs="+", default=data.SETS)
    parser.add_argument("--overlaps", nargs="+", type=int, default=[1, 2, 3, 4, 5, 6])
    parser.add_argument("--only", choices=("quality", "libpecos", "joined", "report"))
    parser.add_argument(
        "--rounds", nargs="+", type=int, default=[1, 2], help="of the joined labels' disentangling"
    )
    child.add_arguments(parser)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    found = Measurements(given.cache)
    for name in given.sets if given.only != "report" else ():
        prepare(given, name)
        if given.only in (None, "quality"):
            measure_set(given, found, name)
        if given.only in (None, "libpecos"):
            measure_pecos(given, found, name)
        if given.only in (None, "joined"):
            measure_joined(given, found, name)
    PAGE.write_text(report(found, [*data.SETS, *SUBSETS]), encoding="utf-8")


if __name__ == "__main__":
    main()
