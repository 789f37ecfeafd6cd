"""Texts that name their labels, and the trials of a search but for what a clock measures."""

import numpy as np

NAMES = [
    a + b for a in ("apple", "cherry", "grape", "lemon") for b in ("juice", "cake", "jam", "tree", "seed")
]
CLOCKED = ("microseconds", "seconds")


def made_up(n, seed):
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(n):
        names = sorted(rng.choice(NAMES, 2, replace=False).tolist())
        seen = [*names, rng.choice(NAMES)] if rng.random() < 0.3 else list(names)  # one that is no label
        for place, name in enumerate(seen):
            at = rng.integers(1, len(name))
            if rng.random() < 0.5:  # misspelt
                seen[place] = name[:at] + name[at + 1 :]
        texts.append(" ".join([*rng.permutation(seen), *(f"w{i}" for i in rng.integers(0, 30, 3))]))
        labels.append(names)
    return texts, labels


def timeless(rows):
    return [{name: value for name, value in row.items() if name not in CLOCKED} for row in rows]
