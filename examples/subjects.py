"""Subject indexing: texts to label names, evaluated, saved and opened again."""

import tempfile

import arborank
from arborank.datasets import load_debian
from arborank.metrics import evaluate


def main() -> None:
    """Train on a part of the shipped data and print what the model is worth on texts that it has not seen."""
    data = load_debian()
    ranker = arborank.TextRanker().fit(data.train.texts[:10_000], data.train.labels[:10_000])

    ids, _ = ranker.predict_topk(data.test.texts, k=10)
    truth = ranker.encode_labels(data.test.labels, unknown="extend")  # headings never seen count as missed
    print(evaluate(truth, ids))

    with tempfile.TemporaryDirectory() as folder:
        ranker.save(f"{folder}/subjects")
        again = arborank.load(f"{folder}/subjects")  # mapped: ready at once, whatever its size
        for name, score in again.rank("plays music from the terminal", k=5):
            print(f"{score:6.3f}  {name}")


if __name__ == "__main__":
    main()
