"""Texts about fruit and vehicles, for models that train in a moment."""

import numpy as np

FRUIT = ["apple", "banana", "cherry", "grape"]
CARS = ["racer", "van", "truck", "taxi"]


def rows(n, seed):
    """Texts that name their labels, among words that say nothing; and the labels."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(n):
        kind, noun = (FRUIT, "fruit") if rng.random() < 0.5 else (CARS, "vehicle")
        names = sorted(rng.choice(kind, 2, replace=False).tolist())
        filler = " ".join(f"w{i}" for i in rng.integers(0, 20, 3))
        texts.append(f"a {noun}: {names[0]}ish {names[1]}ish {filler}")
        labels.append(names)
    return texts, labels
