"""XR-Linear, X-Transformer and XR-Transformer on a fixed part of a data set, with one encoder, on one machine.

Run it with the library and its extra ``transformers`` installed:

    python benchmarks/transformer.py --encoder path/or/name                  # every method that is not measured yet
    python benchmarks/transformer.py --encoder … --methods xr-linear frozen  # some of them
    python benchmarks/transformer.py --encoder … --report                    # the table of what is measured

Each finished method is one line of ``measurements.jsonl``. Fine-tuning leaves checkpoints in the cache, so a run that
is stopped continues where it was (its times are then those of the last part only), and embeddings, which the rows that
differ only in what is ranked on share. Times are CPU seconds of the process, beside the clock's, because a machine
that does other things too makes the clock mean little; with one thread the two agree on an idle machine.
"""

import argparse
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from data import DEFAULT_CACHE, DEFAULT_DATA, label_matrix, read_label_names, read_part
from measurements import Measurements

METHODS = {
    "xr-linear": "XR-Linear: features alone",
    "frozen-neighbours": "encoder as it comes, nearest neighbours",
    "frozen-embeddings": "encoder as it comes, embeddings alone",
    "frozen": "encoder as it comes, joint",
    "x-equal": "X-Transformer, as long as XR-Transformer",
    "x-transformer": "X-Transformer, longer",
    "xr-embeddings": "XR-Transformer, embeddings alone",
    "xr-preliminary": "XR-Transformer, preliminary tree",
    "xr-transformer": "XR-Transformer",
}
TUNINGS = ("frozen", "x-equal", "x-transformer", "xr-transformer")
FIGURES = (
    *("P@1", "P@3", "P@5", "PSP@1", "PSP@3", "PSP@5", "nDCG@5"),
    *("tuning CPU s", "fit CPU s", "batch CPU ms", "single CPU ms"),
)
NEIGHBOURS = 50  # of a text, whose labels are added up by similarity


@dataclass
class Part:
    """Texts and label matrix of some documents."""

    texts: list[str]
    Y: object


def part(data: Path, name: str, which: str, n: int, n_labels: int) -> Part:
    """``n`` documents, drawn once and for all; all of them for 0."""
    texts, labels = read_part(data, name, which)
    if n and n < len(texts):
        chosen = np.sort(np.random.default_rng(0).permutation(len(texts))[:n])
        texts, labels = [texts[i] for i in chosen], [labels[i] for i in chosen]
    return Part(texts, label_matrix(labels, n_labels))


def neighbours(base: np.ndarray, asked: np.ndarray, Y, k: int) -> np.ndarray:
    """Labels of the nearest training texts, weighed by cosine similarity."""
    top = np.full((len(asked), k), -1, np.int64)
    for start in range(0, len(asked), 256):
        near = asked[start : start + 256] @ base.T
        rows = np.argpartition(-near, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        for i, row in enumerate(rows):
            top[start + i] = np.argsort(-(near[i, row] @ Y[row]), kind="stable")[:k]
    return top


def neighbours_timed(
    options: argparse.Namespace, train: Part, test: Part, place: Path, base: np.ndarray
) -> dict[str, float]:
    """What `neighbours` takes, together with the encoder that makes the embeddings."""
    place = place / "neighbours"
    place.mkdir(exist_ok=True)
    model = make("frozen", options, place).fit(train.texts[:100], train.Y[:100])

    def cpu(call, *arguments) -> float:
        start = time.process_time()
        call(*arguments)
        return time.process_time() - start

    def answer(texts: list[str]) -> None:
        neighbours(base, model.encode(texts), train.Y, 5)

    return {
        "tuning CPU s": 0.0,
        "fit CPU s": cpu(model.encode, train.texts),
        "batch CPU ms": cpu(answer, test.texts[:1000]),
        "single CPU ms": 10 * sum(cpu(answer, [text]) for text in test.texts[:100]),
    }


def ranker(options: argparse.Namespace):
    """The linear ranker, the same in every row."""
    from arborank import XRLinear

    return XRLinear(
        threshold=options.threshold, Cp=options.Cp, Cn=options.Cn, branching=16, n_jobs=options.threads
    )


def make(tuning: str, options: argparse.Namespace, checkpoints: Path):
    """The estimator of a fine-tuning, with ``fit(texts, Y)`` and ``predict_topk(texts, k)``."""
    from arborank import TextFeatures, XRTransformer, XTransformer

    kind = XTransformer if tuning.startswith("x-") else XRTransformer

    class Measured(kind):
        """Keeps what other rows need, and how long it was computed."""

        tuning_cpu = embedded_at = earlier = 0.0

        def _fine_tune(self, *arguments):
            """Count what earlier runs, whose checkpoint it goes on from, took as well, if they came to their end."""
            kept = checkpoints / f"cpu-{tuning}.txt"
            self.earlier = float(kept.read_text()) if kept.exists() else 0.0
            start = time.process_time()
            history = super()._fine_tune(*arguments)
            self.tuning_cpu = self.earlier + time.process_time() - start
            kept.write_text(str(self.tuning_cpu))
            return history

        def _embed(self, encoder, cache, device, out, team):
            super()._embed(encoder, cache, device, out, team)
            self.embeddings, self.embedded_at = np.array(out), time.process_time()

    Measured.__init__ = kind.__init__  # where scikit-learn looks for the parameters
    epochs = {
        "frozen": 0.0,
        "x-equal": options.x_epochs,
        "x-transformer": options.longer * options.x_epochs,
        "xr-transformer": options.epochs,
    }
    return Measured(
        options.encoder,
        epochs=epochs[tuning],
        features=TextFeatures(),
        ranker=ranker(options),
        max_length=options.length,
        batch_size=options.batch,
        learning_rate=options.rate,
        head_learning_rate=options.head_rate,
        embedding_weight=options.weight,
        branching=options.branching,
        max_leaf_size=options.leaf,
        checkpoint_dir=checkpoints / f"{tuning}-{epochs[tuning]}".replace(" ", ""),
        checkpoint_every=100,
        n_jobs=options.threads,
        verbose=1,
    )


def tune(tuning: str, options, train: Part, test: Part, place: Path) -> tuple[np.ndarray, dict]:
    """Fit, keep the embeddings, rank the test texts."""
    model = make(tuning, options, place)
    start, clock = time.process_time(), time.perf_counter()
    model.fit(train.texts, train.Y)
    times = {
        "fit CPU s": time.process_time() - start + model.earlier,
        "fit s": time.perf_counter() - clock,
        "tuning CPU s": model.tuning_cpu,
        "tuning s": model.fit_times_["fine-tuning"],
    }
    base, before_ranker = model.embeddings, model.embedded_at - start + model.earlier
    start = time.process_time()
    ids, _ = model.predict_topk(test.texts, 5)
    times["batch CPU ms"] = 1000 * (time.process_time() - start) / len(test.texts)
    np.savez(place / f"embeddings-{tuning}-{options.test}.npz", train=base, test=model.embeddings)
    start = time.process_time()
    for text in test.texts[:100]:
        model.predict_topk([text], 5)
    times["single CPU ms"] = 10 * (time.process_time() - start)
    (place / f"times-{tuning}-{options.test}.json").write_text(
        json.dumps({**times, "before ranker": before_ranker})
    )
    return ids, times


def rank(method: str, options, train: Part, test: Part, place: Path) -> tuple[np.ndarray, dict]:
    """Rank on the sparse features, on embeddings that a fine-tuning left, or on both."""
    from arborank import TextFeatures
    from arborank.features.base import fit_rows, rows_of
    from arborank.transformer.joined import join
    from arborank.transformer.predictor import nothing

    base = asked = None
    if method != "xr-linear":
        source = method if method in TUNINGS else "frozen" if "frozen" in method else "xr-transformer"
        found = np.load(place / f"embeddings-{source}-{options.test}.npz")
        base, asked = found["train"], found["test"]
    if method == "frozen-neighbours":
        return neighbours(base, asked, train.Y, 5), neighbours_timed(options, train, test, place, base)
    start = time.process_time()
    features = TextFeatures(n_jobs=options.threads)
    X = fit_rows(features, train.texts)
    model = ranker(options)
    if method == "xr-preliminary":
        model.set_params(tree=make("xr-transformer", options, place)._grow(X, train.Y))

    def joined(sparse, vectors):
        if vectors is None:
            return sparse
        if method.endswith("embeddings"):
            return join(nothing(sparse), vectors)
        return join(sparse, vectors, options.weight)

    begun = time.process_time()
    model.fit(joined(X, base), train.Y)
    done = time.process_time()
    if method in TUNINGS:
        times = json.loads((place / f"times-{method}-{options.test}.json").read_text())
        times["fit CPU s"] = times.pop("before ranker") + done - begun
    else:
        times = {} if base is not None else {"tuning CPU s": 0.0, "fit CPU s": done - start}
    start = time.process_time()
    ids, _ = model.predict_topk(joined(rows_of(features, test.texts), asked), 5)
    if base is None:
        times["batch CPU ms"] = 1000 * (time.process_time() - start) / len(test.texts)
        start = time.process_time()
        for text in test.texts[:100]:
            model.predict_topk(rows_of(features, [text]), 5)
        times["single CPU ms"] = 10 * (time.process_time() - start)
    return ids, times


def measure(method: str, options, train: Part, test: Part, place: Path) -> dict[str, float]:
    """Fit, rank the test texts, and judge."""
    from arborank.metrics import ndcg_at_k, precision_at_k, propensities, psp_at_k

    place.mkdir(parents=True, exist_ok=True)
    known = (place / f"times-{method}-{options.test}.json").exists()  # but with another ranker
    do = tune if method in TUNINGS and not known else rank
    ids, times = do(method, options, train, test, place)
    np.save(place / f"answers-{method}-{options.test}.npy", ids)
    p = propensities(np.bincount(train.Y.indices, minlength=train.Y.shape[1]), len(train.texts))
    values = {f"P@{k}": 100 * precision_at_k(test.Y, ids, k) for k in (1, 3, 5)}
    values |= {f"PSP@{k}": 100 * psp_at_k(test.Y, ids, k, p) for k in (1, 3, 5)}
    values |= {"nDCG@5": 100 * ndcg_at_k(test.Y, ids, 5), **times}
    return {name: float(value) for name, value in values.items()}


def report(measurements: Measurements, key: dict) -> str:
    """The table in Markdown."""
    lines = ["| | " + " | ".join(FIGURES) + " |", "|---|" + "---:|" * len(FIGURES)]
    for method, title in METHODS.items():
        cells = []
        for figure in FIGURES:
            value = measurements.median(figure, method=method, **key)
            cells.append("–" if value is None else f"{value:.2f}" if value < 100 else f"{value:.0f}")
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
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=None)
    parser.add_argument("--train", type=int, default=10_000, help="documents to train on; 0 for all")
    parser.add_argument("--test", type=int, default=0, help="documents to rank; 0 for all")
    parser.add_argument("--epochs", type=float, nargs="+", default=[0.2, 0.4, 0.6], help="one a level")
    parser.add_argument(
        "--x-epochs", type=float, default=2.1, help="as much time: there is one level to match"
    )
    parser.add_argument("--longer", type=float, default=5.0, help="the same, that many times as long")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--rate", type=float, default=5e-5)
    parser.add_argument("--head-rate", type=float, default=1e-3)
    parser.add_argument("--branching", type=int, default=16)
    parser.add_argument("--leaf", type=int, default=16)
    parser.add_argument("--weight", type=float, default=0.5, help="of embeddings beside sparse features")
    parser.add_argument("--threshold", type=float, default=0.03)
    parser.add_argument("--Cp", type=float, default=1.0)
    parser.add_argument("--Cn", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=1)
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
        ranking = ("test", "weight", "threshold", "Cp", "Cn", "threads", "x_epochs", "longer")
        told = "-".join(str(v) for name, v in setting.items() if name not in ranking).replace(" ", "")
        place = options.cache / "transformer" / f"{options.name}-{key['encoder']}-{told}"
        # the rows that others take their embeddings from come first
        first = ["xr-transformer", "frozen"]
        for method in options.methods or [*first, *(name for name in METHODS if name not in first)]:
            if not measurements.done(1, method=method, **key):
                measurements.add(measure(method, options, train, test, place), method=method, **key)
    print(report(measurements, key))


if __name__ == "__main__":
    main()
