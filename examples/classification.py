"""Classification with scikit-learn's tools: a pipeline, cross-validation, a grid search."""

from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import arborank
from arborank.datasets import load_debian


def main() -> None:
    """Choose the cost of errors by cross-validation, on the first word of each package's first dependency."""
    data = load_debian()
    texts = data.train.texts[:3_000]
    classes = [names[0].split("-")[0] for names in data.train.labels[:3_000]]

    model = make_pipeline(arborank.NgramTfidf(), arborank.XRLinear())
    search = GridSearchCV(model, {"xrlinear__Cp": [1.0, 4.0]}, cv=2).fit(texts, classes)
    print("accuracy:", round(search.best_score_, 3), "with", search.best_params_)
    print("a new text:", search.predict(["a game in Python"])[0])


if __name__ == "__main__":
    main()
