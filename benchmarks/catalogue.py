"""Labels that come later: a part of them is held out of training, then added, and compared with a full retrain.

``python benchmarks/catalogue.py`` measures what is missing in the cache and writes CATALOGUE.md. Parts: ``add`` (5 % of
the labels of real sets), ``large`` (10,000 of a million synthetic labels), ``cold`` (a tenth of the labels of the
shipped Debian data, of which only a text is known). Time is processor time, all in one process, with 2 threads.
"""

import argparse
import statistics
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

import data
import numpy as np
import scaling
from measurements import Measurements, machine
from scipy.sparse import csr_array

from arborank import TextRanker, XRLinear, load
from arborank.datasets import load_debian
from arborank.metrics import recall_at_k

SHARES = (1.0, 0.5, 0.3, 0.1)
LARGE_SHARES = (0.1, 0.03)
REPEATS = 3
COLD_SETS = ("debian", "yso-en", "eurlex57k")
COLD_ROWS, COLD_TESTS = 150_000, 10_000  # texts at most, to train on and to test with
WEIGHTS = (0.1, 0.3, 1.0, None)
SEED = 0


def hold_out(Y: csr_array, n_new: int) -> np.ndarray:
    """Columns in an order that puts ``n_new`` random ones, among those with instances, at the end."""
    present = np.flatnonzero(np.bincount(Y.indices, minlength=Y.shape[1]))
    new = np.random.default_rng(SEED).choice(present, n_new, replace=False)
    return np.concatenate([np.setdiff1d(np.arange(Y.shape[1]), new), np.sort(new)])


def columns(Y: csr_array, begin: int, end: int) -> csr_array:
    """The labels from begin to end, in a matrix of all labels."""
    coo = Y.tocoo()
    kept = (coo.col >= begin) & (coo.col < end)
    return csr_array((coo.data[kept], (coo.row[kept], coo.col[kept])), shape=Y.shape)


def quality(model: XRLinear, X: csr_array, Y: csr_array, n_old: int) -> dict:
    """recall@10 of new and of old labels, over the rows that have one."""
    ids = model.predict_topk(X, 10)[0]
    new, old = columns(Y, n_old, Y.shape[1]), columns(Y, 0, n_old)
    return {
        "new": 100 * recall_at_k(new, ids, 10),
        "old": 100 * recall_at_k(old, ids, 10),
        "pairs": int(new.nnz),
    }


def timed(work) -> tuple:
    """The result of a call, its processor and its elapsed seconds."""
    start, begin = process_time(), perf_counter()
    result = work()
    return result, process_time() - start, perf_counter() - begin


def add(cache: Path, found: Measurements, name: str, n_new: int | None, shares: tuple[float, ...]) -> None:
    """Train without the new labels, with them, and add them."""
    key = {"table": "catalogue", "set": name}
    if found.done(1, **key, how=f"added, {shares[-1]:g}"):
        return
    X, X_test, Y, Y_test = (csr_array(data.load(cache, name, matrix)) for matrix in data.MATRICES)
    present = np.unique(Y.indices).size
    n_new = round(present / 20) if n_new is None else n_new
    order = hold_out(Y, n_new)
    Y, Y_test = Y[:, order], Y_test[:, order]
    n_old = Y.shape[1] - n_new
    has_new = np.diff(Y[:, n_old:].tocsr().indptr) > 0
    for how in ("old labels only", "full retrain"):
        target = Y if how == "full retrain" else Y[:, :n_old]
        model, cpu, elapsed = timed(partial(XRLinear(n_jobs=2).fit, X, target))
        if how == "old labels only":
            before = model
        values = {"cpu": cpu, "elapsed": elapsed, "n_new": n_new, "n_old": n_old, "rows": X.shape[0]}
        found.add(values | quality(model, X_test, Y_test, n_old), **key, how=how)
    del model
    before.save(cache / name / "before")
    before = load(cache / name / "before").set_params(n_jobs=2)
    for share in shares:
        kept = has_new | (np.random.default_rng(SEED).random(X.shape[0]) < share)
        log, marks = X[kept], Y[kept][:, n_old:]
        times = []
        for _ in range(REPEATS):
            after = None  # its memory is free before the next one is made
            after, *time = timed(partial(before.add_labels, log, marks, negative_share=share))
            times.append(time)
        cpu, elapsed = (statistics.median(column) for column in zip(*times, strict=True))
        values = {"cpu": cpu, "elapsed": elapsed, "rows": int(kept.sum()), **after.fit_times_}
        found.add(values | quality(after, X_test, Y_test, n_old), **key, how=f"added, {share:g}")


def cold_data(given: argparse.Namespace, name: str) -> tuple[list, list, list, list, dict]:
    """Training texts and labels, test texts and labels, and a text about every label by its name."""
    if name == "debian":
        train, test, about = load_debian()
        return train.texts, train.labels, test.texts, test.labels, {n: f"{n} {about[n]}" for n in about}
    names = data.read_label_names(given.data, name)
    (X, Y), (X_test, Y_test) = (data.read_part(given.data, name, part) for part in ("train", "test"))
    kept = np.sort(np.random.default_rng(SEED).permutation(len(X))[:COLD_ROWS])
    rows, test_rows = ([[str(label) for label in row] for row in part] for part in (Y, Y_test))
    about = {str(label): text for label, text in enumerate(names)}
    return [X[i] for i in kept], [rows[i] for i in kept], X_test[:COLD_TESTS], test_rows[:COLD_TESTS], about


def cold(given: argparse.Namespace, found: Measurements, name: str) -> None:
    """A tenth of the labels without any training instance; each has a text."""
    key = {"table": "catalogue-cold", "set": name}
    if found.done(1, **key, how="cosine of the texts"):
        return
    texts, labels, test_texts, test_labels, about = cold_data(given, name)
    names = sorted({label for row in labels for label in row})
    about = {label: about[label] for label in names}
    unseen = set(np.random.default_rng(SEED).choice(names, len(names) // 10, replace=False).tolist())
    rows = [[label for label in row if label not in unseen] for row in labels]

    def lists(ranker, **options):
        return [[label for label, _ in row] for row in ranker.rank_batch(test_texts, 100, **options)]

    def measure(how, ranker, **more):
        known = [label for label in sorted(unseen) if label in ranker.labels_]
        report(how, lists(ranker), lists(ranker, candidates=known, beam_size=50) if known else [], **more)

    def report(how, everything, only, **more):
        values = {"warm": recall(everything, False, 10), "warm@100": recall(everything, False, 100)}
        for k in (10, 100):
            values |= {f"cold@{k}": recall(everything, True, k)}
            values |= {f"among@{k}": recall(only, True, k)} if only else {}
        found.add(values | more | {"unseen": len(unseen), "rows": len(texts)}, **key, how=how)

    def recall(lists, of_unseen, k):
        shares = []
        for found_labels, row in zip(lists, test_labels, strict=True):
            right = [label for label in row if (label in unseen) == of_unseen]
            if right:
                shares.append(len(set(found_labels[:k]).intersection(right)) / len(right))
        return 100 * float(np.mean(shares))

    measure("all labels have instances", TextRanker(n_jobs=1).fit(texts, labels))
    without = TextRanker(n_jobs=1).fit(texts, rows)
    measure("without the cold labels", without)
    for weight in WEIGHTS:
        added, cpu, _ = timed(
            partial(without.add_labels, sorted(unseen), texts, rows, label_texts=about, unseen_weight=weight)
        )
        measure(f"add_labels{'' if weight is None else f', unseen_weight {weight:g}'}", added, cpu=cpu)
    started = TextRanker(n_jobs=1).fit(texts, rows, label_texts=about, cold_start=True)
    measure("fit with cold_start", started)
    queries = started.features_.transform(test_texts)
    scores = (queries @ started.features_.transform([about[label] for label in names]).T).tocsr()
    chosen = np.array([i for i, label in enumerate(names) if label in unseen])
    report(
        "cosine of the texts",
        best(scores, names, 100),
        best(scores[:, chosen], [names[i] for i in chosen], 100),
    )


def best(scores, names: list[str], k: int) -> list[list[str]]:
    """Names with the highest scores of every row."""
    return [
        [names[i] for i in row.indices[np.argsort(-row.data, kind="stable")[:k]]]
        for row in (scores[[number]] for number in range(scores.shape[0]))
    ]


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def added_table(found: Measurements, name: str) -> str:
    key = {"table": "catalogue", "set": name}
    full, before = (found.of(**key, how=how)[-1] for how in ("full retrain", "old labels only"))
    rows = []
    for how in found.distinct("how", **key):
        one = found.of(**key, how=how)[-1]
        rows.append(
            [
                how,
                f"{one['rows']:,}",
                f"{one['new']:.2f}",
                f"{one['new'] - full['new']:+.2f}" if how.startswith("added") else "",
                f"{one['old']:.2f}",
                f"{one['old'] - full['old']:+.2f}" if how.startswith("added") else "",
                f"{one['old'] - before['old']:+.2f}" if how != "old labels only" else "",
                f"{one['cpu']:.2f}",
                f"{100 * one['cpu'] / full['cpu']:.1f} %",
                f"{one['elapsed']:.2f}",
            ]
        )
    head = [
        "",
        "rows",
        "R@10 new",
        "± full",
        "R@10 old",
        "± full",
        "± before",
        "CPU s",
        "of full",
        "elapsed s",
    ]
    title = f"### {name}: {full['n_new']:,} labels added to {full['n_old']:,}"
    return f"{title}\n\n{full['pairs']:,} pairs of a test row and a new label.\n\n{table(head, rows)}"


def cold_table(found: Measurements, name: str) -> str:
    key = {"table": "catalogue-cold", "set": name}
    columns = {
        "warm R@10": "warm",
        "warm R@100": "warm@100",
        "cold R@10": "cold@10",
        "cold R@100": "cold@100",
        "among cold R@10": "among@10",
        "among cold R@100": "among@100",
        "CPU s": "cpu",
    }
    rows = []
    for how in found.distinct("how", **key):
        one = found.of(**key, how=how)[-1]
        rows.append([how, *(f"{one[c]:.1f}" if c in one else "" for c in columns.values())])
    title = f"### {name}: {one['unseen']:,} labels without an instance, {one['rows']:,} training texts"
    return f"{title}\n\n{table(['', *columns], rows)}"


def write(found: Measurements, path: Path) -> None:
    sets = [added_table(found, name) for name in found.distinct("set", table="catalogue")]
    cold_sets = [cold_table(found, name) for name in found.distinct("set", table="catalogue-cold")]
    path.write_text(TEXT.format(machine=machine(), sets="\n\n".join(sets), cold="\n\n".join(cold_sets)))


TEXT = """# Labels that come and go

`python benchmarks/catalogue.py` on {machine}; how it is done is told in
[catalogue.py](catalogue.py). A random part of the labels is kept from training, then added with `add_labels` to the
model without them; *full retrain* has them from the start. R@10 is the mean recall of the ten best labels, over the
test rows that have a new (an old) label. *Added, s* was given all training rows with a new label and the share s of the
others, as `negative_share`. Times are medians of {repeats} for additions, single for training, 2 threads, and the
machine was shared, so compare processor times.

## Adding

{sets}

Rows that have none of the new labels are what the new branch is told apart from. A sample of them costs less,
but favours the new labels over the old, the more the fewer levels the branch has. A branch that lacks levels of
the tree and was trained with the share s therefore needs a margin at the root that is larger by 0.065 ln(1/s)
for each. Without it, at a million labels and s = 0.03, new labels gained 11 points on a full retrain, and old
ones lost 0.35, nearly all of it because nodes of the branch took places in the beam. No score of an old label
changes: what they lose is a place in the beam or among the best ten to a new one, which a full retrain takes
from them as well. (It also grows another tree: that moves recall by a few tenths either way.) The old model is
one that was saved and loaded: where it is mapped from a file, the new one shares its pages, and what an addition
costs follows from what is new. A copy of the weights, 1.3 gigabytes at a million labels, is made of models in memory
only, and on systems other than Linux; it took 0.2 s, or 2 s where a virtual machine had to ask its host for the memory.

## Cold start

A tenth of the labels lose all training instances and are known by a text only: packages of the shipped Debian data by
name and summary, library subjects (yso-en, a part of the training texts) and EuroVoc concepts (eurlex57k) by their
name, two or three words. *Warm*: recall of the other labels. *Cold*: recall of those labels in lists of all labels;
*among cold*: in lists of them alone (`candidates`). *Cosine* ranks all labels by the TF-IDF similarity of the two
texts, and learns nothing. *CPU s*: of `add_labels`, one thread.

{cold}

Cold labels cost warm ones places, whoever ranks them: compare *all labels have instances* with *without the cold
labels*. What a place is worth is for the user to say (`unseen_weight`); the default was set so that on these sets cold
labels are found at least as often as by the cosine, for 0.6 to 1.2 points of the warm ones beyond (`fit` with
`cold_start`, which learns the texts about warm labels, too: 1.3 points more on Debian, 0.2 and 0.7 less on the
others). The text alone, in the cosine, finds 30.7, 24.4 and 67.2 among cold labels; with the mean texts of twenty
labels like it 42.5, 30.3 and 70.9. Neighbours found by texts alone gave 41.8 and 29.1 (Debian, yso-en), by the model's
own answer to the text 35.3 and 29.5. Rankers trained on the one text against a sample of others, as in the version
before, gave 5.2 (Debian, *cold R@10*).

Cold labels stand in one leaf, and a query is compared with all of them: beside the 20 µs that one query took on yso-en,
1,000 of them cost 1 µs, 10,000 19 µs, and 22,000 41 µs (12, and 4, 30 and 61 µs in a batch).
""".replace("{repeats}", str(REPEATS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data.add_arguments(parser)
    parser.add_argument("--parts", nargs="+", default=["add", "large", "cold"])
    parser.add_argument("--sets", nargs="+", default=["eurlex57k", "yso-en"])
    given = parser.parse_args()
    found = Measurements(given.cache)
    if "add" in given.parts:
        for name in given.sets:
            data.prepare(given.data, given.cache, name)
            add(given.cache, found, name, None, SHARES)
    if "cold" in given.parts:
        for name in COLD_SETS:
            cold(given, found, name)
    if "large" in given.parts:
        name = "synthetic-1000000"
        scaling.synthetic(1_000_000, given.cache / name)
        add(given.cache, found, name, 10_000, LARGE_SHARES)
    write(found, Path(__file__).with_name("CATALOGUE.md"))


if __name__ == "__main__":
    main()
