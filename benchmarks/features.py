"""What words, runs of words, character trigrams and TF-IDF each add on short texts, as typed and with typing errors.

Writes ``FEATURES.md``. Times are not kept, so this may run beside other work.
"""

import argparse
import random

import data
from environments import HERE
from measurements import Measurements, machine
from tables import table

WORDS = {n: {"ngram_range": (1, n), "min_df": 2} for n in (1, 2, 3)}
TRIGRAMS = {"analyzer": "char_wb", "ngram_range": (3, 3), "min_df": 2}
VIEWS = {
    "words": [WORDS[1]],
    "words 1–2": [WORDS[2]],
    "words 1–3": [WORDS[3]],
    "trigrams": [TRIGRAMS],
    "words + trigrams": [WORDS[1], TRIGRAMS],
    "words 1–3 + trigrams": [WORDS[3], TRIGRAMS],
}
WEIGHTINGS = {
    "counts": {"use_idf": False},
    "TF-IDF": {"use_idf": True, "sublinear_tf": True},
}
STEPS = {  # what is added, and to what
    "TF-IDF to words": (("words", "TF-IDF"), ("words", "counts")),
    "pairs and triples to words": (("words 1–3", "TF-IDF"), ("words", "TF-IDF")),
    "trigrams to words": (("words + trigrams", "TF-IDF"), ("words", "TF-IDF")),
    "trigrams to words 1–3": (("words 1–3 + trigrams", "TF-IDF"), ("words 1–3", "TF-IDF")),
    "all three to counts of words": (("words 1–3 + trigrams", "TF-IDF"), ("words", "counts")),
}
MOST = 300_000  # features a part
LONGEST = 20  # words of a title of yso-en; longer texts are abstracts
K, BEAM, SEED, RATE = 100, 20, 0, 0.2
FIGURES = [(k, kind) for kind in ("as typed", "with typos") for k in (10, 100)]
HEAD = """\
# Features for short texts

Measured {dates} on {machines}; arborank {version}, seed 0.
`python benchmarks/features.py` measures what is missing and writes this file.

Each row is one model: its features are learned from the training texts, its recall is taken on the same test texts
twice, as they are and with typing errors (`arborank.datasets.add_typos`: one in five words of four letters or more
has a letter too many, one missing, a neighbour on the keyboard in its place, or two swapped). Training texts have no
errors added. *Words 1–3* are words, pairs and triples, *trigrams* three characters of a word with its ends marked; of
either those found in two texts or more, 300,000 at most. *Counts* are rows of counts of unit length; *TF-IDF* is
sublinear and smoothed. `XRLinear` with its defaults, but for beam {beam}; recall among the best 10 and {k} labels, in
per cent. *Kept* is recall with typing errors as a share of recall without.
"""


def yso_titles(given: argparse.Namespace) -> tuple:
    """Titles of yso-en and their subjects: a random part of the training texts, and of the test texts."""
    n_labels = len(data.read_label_names(given.data, "yso-en"))
    parts = []
    for part, count in (("train", given.train_texts), ("test", given.test_texts)):
        texts, labels = data.read_part(given.data, "yso-en", part)
        titles = [i for i, text in enumerate(texts) if len(text.split()) <= LONGEST]
        chosen = sorted(random.Random(SEED).sample(titles, min(count, len(titles))))
        parts += [[texts[i] for i in chosen], data.label_matrix([labels[i] for i in chosen], n_labels)]
    return tuple(parts)


def debian_summaries(given: argparse.Namespace) -> tuple:
    """Summaries of Debian packages (the first sentence of the shipped texts) and the packages they need."""
    from arborank.datasets import load_debian

    shipped = load_debian()
    column = {name: i for i, name in enumerate(shipped.label_texts)}
    parts = []
    for part in (shipped.train, shipped.test):
        labels = [[column[name] for name in row] for row in part.labels]
        parts += [[text.split(". ", 1)[0] for text in part.texts], data.label_matrix(labels, len(column))]
    return tuple(parts)


SETS = {"yso-en": yso_titles, "debian": debian_summaries}
ABOUT = {
    "yso-en": f"Titles (at most {LONGEST} words) → library subjects",
    "debian": "Summaries of Debian packages, the shipped set → packages they need",
}


def measure(view: str, weighting: str, texts: tuple) -> dict:
    """Recall of one model, on the test texts as they are and with typing errors."""
    from arborank import NgramTfidf, TextFeatures, XRLinear
    from arborank.datasets import add_typos
    from arborank.metrics import recall_at_k

    train_texts, train_labels, test_texts, test_labels = texts
    parts = [NgramTfidf(**part, **WEIGHTINGS[weighting], max_features=MOST) for part in VIEWS[view]]
    features = TextFeatures(parts=parts)
    X = features.fit_transform(train_texts)
    model = XRLinear(beam_size=BEAM, random_state=SEED).fit(X, train_labels)
    answer = {
        "features": X.shape[1],
        "nonzeros": X.nnz / X.shape[0],
        "train": len(train_texts),
        "test": len(test_texts),
        "labels": train_labels.shape[1],
    }
    for kind in ("as typed", "with typos"):
        typed = test_texts if kind == "as typed" else add_typos(test_texts, rate=RATE, seed=SEED)
        ids, _ = model.predict_topk(features.transform(typed), K)
        for k in (10, 100):
            answer[f"R@{k} {kind}"] = 100 * recall_at_k(test_labels, ids, k)
        answer[f"changed {kind}"] = sum(a != b for a, b in zip(typed, test_texts, strict=True)) / len(typed)
    return answer


def steps(found: Measurements, name: str) -> str:
    """What each kind of feature adds, in points of recall."""
    rows = []
    for what, cells in STEPS.items():
        after, before = (
            found.of(table="features", set=name, view=view, weighting=weighting) for view, weighting in cells
        )
        if after and before:
            names = [f"R@{k} {kind}" for k, kind in FIGURES]
            rows.append([what, *[f"{after[-1][one] - before[-1][one]:+.2f}" for one in names]])
    return table(["adding", *[f"R@{k} {kind}" for k, kind in FIGURES]], rows)


def section(found: Measurements, name: str) -> str:
    """The table of one set."""
    rows, about = [], None
    for view in VIEWS:
        for weighting in WEIGHTINGS:
            cell = {"table": "features", "set": name, "view": view, "weighting": weighting}
            if not found.of(**cell):
                continue
            about = found.of(**cell)[-1]
            recall = {key: found.median(f"R@{key[0]} {key[1]}", **cell) for key in FIGURES}
            kept = [recall[k, "with typos"] / recall[k, "as typed"] for k in (10, 100)]
            rows.append(
                [
                    f"{view}, {weighting}",
                    f"{about['features']:,}",
                    f"{about['nonzeros']:.0f}",
                    *[f"{recall[key]:.2f}" for key in FIGURES],
                    *[f"{100 * share:.0f} %" for share in kept],
                ]
            )
    if about is None:
        return ""
    columns = ["features", "a text", *[f"R@{k} {kind}" for k, kind in FIGURES], "R@10 kept", "R@100 kept"]
    counts = (
        f"{ABOUT[name]}: {about['train']:,} training and {about['test']:,} test texts, {about['labels']:,} labels; "
        f"{100 * about['changed with typos']:.0f} % of the test texts get an error."
    )
    return f"\n## {name}\n\n{counts}\n\n{table(['rows are', *columns], rows)}\n\n{steps(found, name)}\n"


def write(found: Measurements) -> None:
    """Everything measured so far as ``FEATURES.md``."""
    from arborank import __version__

    ours = [one for one in found.all if one["key"]["table"] == "features"]
    head = HEAD.format(
        dates=" to ".join(sorted({pick(one["date"][:10] for one in ours) for pick in (min, max)})),
        machines=" and ".join(sorted({one["machine"] for one in ours})) or machine(),
        version=__version__,
        beam=BEAM,
        k=K,
    )
    (HERE / "FEATURES.md").write_text(head + "".join(section(found, name) for name in SETS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data.add_arguments(parser)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--train-texts", type=int, default=100_000, help="of yso-en")
    parser.add_argument("--test-texts", type=int, default=10_000, help="of yso-en")
    given = parser.parse_args()
    found = Measurements(given.cache)
    for name in given.sets:
        texts = None
        for view in VIEWS:
            for weighting in WEIGHTINGS:
                key = {"table": "features", "set": name, "view": view, "weighting": weighting}
                if found.done(1, **key):
                    continue
                texts = texts or SETS[name](given)
                found.add(measure(view, weighting, texts), **key)
                write(found)
    write(found)


if __name__ == "__main__":
    main()
