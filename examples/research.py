"""Research: matrices in, P@k and propensity-scored metrics out, for one tree and for three."""

from arborank import Ensemble, NgramTfidf, TextRanker, XRLinear
from arborank.datasets import load_debian
from arborank.metrics import evaluate


def main() -> None:
    """Compare one tree with an ensemble of three on the same matrices."""
    data = load_debian()
    texts, labels = data.train.texts[:6_000], data.train.labels[:6_000]
    ranker = TextRanker(NgramTfidf(), XRLinear()).fit(texts, labels)
    X, X_test = ranker.features_.transform(texts), ranker.features_.transform(data.test.texts)
    Y, Y_test = ranker.encode_labels(labels), ranker.encode_labels(data.test.labels, unknown="ignore")

    for model in (XRLinear(), Ensemble([XRLinear(random_state=seed) for seed in range(3)])):
        ids, _ = model.fit(X, Y).predict_topk(X_test, k=5)
        print(type(model).__name__)
        print(evaluate(Y_test, ids, train_counts=Y.sum(axis=0), n_train=len(texts)))


if __name__ == "__main__":
    main()
