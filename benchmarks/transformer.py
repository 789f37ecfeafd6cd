"""XR-Linear, X-Transformer and XR-Transformer on a fixed part of a data set, with one encoder, on one machine.

Run it with the library and its extra ``transformers`` installed:

    python benchmarks/transformer.py --encoder path/or/name                  # every method that is not measured yet
    python benchmarks/transformer.py --encoder … --methods xr-linear frozen  # some of them
    python benchmarks/transformer.py --encoder … --report                    # the table of what is measured

Each finished method is one line of ``measurements.jsonl``; fine-tuning leaves checkpoints in the cache, so a run that
is stopped continues where it was. The rows that differ only in what is ranked on share one fine-tuning.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
from data import DEFAULT_CACHE, DEFAULT_DATA, label_matrix, read_label_names, read_part
from measurements import Measurements

METHODS = {
    "xr-linear": "XR-Linear (no encoder)",
    "frozen-neighbours": "frozen embeddings + nearest neighbours",
    "frozen": "encoder without fine-tuning, joint features",
    "x-transformer": "X-Transformer",
    "xr-transformer": "XR-Transformer",
    "xr-preliminary": "XR-Transformer, preliminary tree",
    "xr-embeddings": "XR-Transformer, embeddings alone",
}
FIGURES = (
    "P@1",
    "P@3",
    "P@5",
    "PSP@1",
    "PSP@3",
    "PSP@5",
    "nDCG@5",
    "fit s",
    "tuning s",
    "batch ms",
    "single ms",
)
NEIGHBOURS = 50  # of a text, whose labels are added up by similarity


def part(data: Path, name: str, which: str, n: int, n_labels: int):
    """Texts and label matrix of ``n`` documents, drawn once and for all."""
    texts, labels = read_part(data, name, which)
    if n and n < len(texts):
        chosen = np.sort(np.random.default_rng(0).permutation(len(texts))[:n])
        texts, labels = [texts[i] for i in chosen], [labels[i] for i in chosen]
    return texts, label_matrix(labels, n_labels)


def neighbours(encoder_model, texts, Y, queries, k: int) -> np.ndarray:
    """Labels of the nearest training texts, weighed by cosine similarity."""
    base, asked = encoder_model.encode(texts), encoder_model.encode(queries)
    top = np.full((len(queries), k), -1, np.int64)
    for start in range(0, len(queries), 256):
        near = asked[start : start + 256] @ base.T
        rows = np.argpartition(-near, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        for i, row in enumerate(rows):
            scores = near[i, row] @ Y[row]
            top[start + i] = np.argsort(-scores, kind="stable")[:k]
    return top


def make(method: str, options: argparse.Namespace, checkpoints: Path):
    """The estimator of a method, with ``fit(texts, Y)`` and ``predict_topk(texts, k)``."""
    from arborank import TextFeatures, TextRanker, XRLinear, XRTransformer, XTransformer

    shared = {"branching": options.branching, "max_leaf_size": options.leaf, "n_jobs": options.threads}
    ranker = XRLinear(threshold=options.threshold, branching=16, max_leaf_size=100)
    tuning = {
        "features": TextFeatures(),
        "ranker": ranker,
        "max_length": options.length,
        "batch_size": options.batch,
        "learning_rate": options.rate,
        "head_learning_rate": options.head_rate,
        "verbose": 1,
        "checkpoint_every": 100,
        **shared,
    }
    if method == "xr-linear":
        return TextRanker(
            features=TextFeatures(), model=XRLinear(threshold=options.threshold), n_jobs=options.threads
        )
    if method == "x-transformer":
        place = checkpoints / "x-transformer"
        return XTransformer(options.encoder, epochs=options.x_epochs, checkpoint_dir=place, **tuning)
    epochs = 0.0 if method.startswith("frozen") else options.epochs
    return XRTransformer(
        options.encoder,
        epochs=epochs,
        checkpoint_dir=checkpoints / "xr-transformer",
        refine=method != "xr-preliminary",
        rank_on="embeddings" if method == "xr-embeddings" else "joint",
        **tuning,
    )


def measure(method: str, options: argparse.Namespace, train, test, checkpoints: Path) -> dict[str, float]:
    """Fit, rank the test texts, and judge."""
    from arborank import NgramTfidf, XRTransformer
    from arborank.metrics import ndcg_at_k, precision_at_k, propensities, psp_at_k

    texts, Y = train
    queries, truth = test
    model = make(method, options, checkpoints)
    start = time.perf_counter()
    if method == "xr-linear":
        names = [str(i) for i in range(Y.shape[1])]
        model.fit(texts, [[names[i] for i in row] for row in np.split(Y.indices, Y.indptr[1:-1])])
        ids_of = np.array([int(name) for name in model.labels_])
        fit, tuning = time.perf_counter() - start, 0.0

        def ask(some):
            return ids_of[model.predict_topk(some, 5)[0]]
    elif method == "frozen-neighbours":
        model = XRTransformer(options.encoder, epochs=0.0, max_length=options.length, features=NgramTfidf())
        model.fit(texts[:64], Y[:64])  # only its `encode` is asked
        fit, tuning = 0.0, 0.0

        def ask(some):
            return neighbours(model, texts, Y, some, 5)
    else:
        model.fit(texts, Y)
        fit, tuning = time.perf_counter() - start, model.fit_times_["fine-tuning"]

        def ask(some):
            return model.predict_topk(some, 5)[0]

    start = time.perf_counter()
    ids = ask(queries)
    batch = 1000 * (time.perf_counter() - start) / len(queries)
    single = float("nan")
    if method != "frozen-neighbours":
        start = time.perf_counter()
        for text in queries[:100]:
            ask([text])
        single = 10 * (time.perf_counter() - start)
    p = propensities(np.bincount(Y.indices, minlength=Y.shape[1]), len(texts))
    values = {f"P@{k}": 100 * precision_at_k(truth, ids, k) for k in (1, 3, 5)}
    values |= {f"PSP@{k}": 100 * psp_at_k(truth, ids, k, p) for k in (1, 3, 5)}
    values |= {"nDCG@5": 100 * ndcg_at_k(truth, ids, 5), "fit s": fit, "tuning s": tuning, "batch ms": batch}
    if np.isfinite(single):
        values["single ms"] = single
    return {name: float(value) for name, value in values.items()}


def report(measurements: Measurements, key: dict) -> str:
    """The table in Markdown."""
    lines = ["| | " + " | ".join(FIGURES) + " |", "|---|" + "---:|" * len(FIGURES)]
    for method, title in METHODS.items():
        cells = []
        for figure in FIGURES:
            value = measurements.median(figure, method=method, **key)
            cells.append("–" if value is None else f"{value:.2f}")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE)
    parser.add_argument("--set", default="eurlex57k", dest="name")
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--train", type=int, default=10_000, help="documents to train on; 0 for all")
    parser.add_argument("--test", type=int, default=2_000, help="documents to rank; 0 for all")
    parser.add_argument("--epochs", type=float, default=2.0, help="of XR-Transformer, at each level")
    parser.add_argument("--x-epochs", type=float, default=10.0, help="of X-Transformer")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--head-rate", type=float, default=1e-3)
    parser.add_argument("--branching", type=int, default=16)
    parser.add_argument("--leaf", type=int, default=16)
    parser.add_argument("--threshold", type=float, default=0.03)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()

    own = ("data", "cache", "methods", "report", "name", "encoder")
    setting = {name: value for name, value in vars(options).items() if name not in own}
    key = {
        "table": "transformer",
        "set": options.name,
        "encoder": os.path.basename(options.encoder),
        **setting,
    }
    measurements = Measurements(options.cache)
    if not options.report:
        n_labels = len(read_label_names(options.data, options.name))
        train = part(options.data, options.name, "train", options.train, n_labels)
        test = part(options.data, options.name, "test", options.test, n_labels)
        told = "-".join(str(value) for value in setting.values())
        checkpoints = options.cache / "transformer" / f"{options.name}-{key['encoder']}-{told}"
        for method in options.methods:
            if not measurements.done(1, method=method, **key):
                measurements.add(measure(method, options, train, test, checkpoints), method=method, **key)
    print(report(measurements, key))


if __name__ == "__main__":
    main()
