"""Shards of made-up texts with natural frequencies, and the model that one machine makes of them."""

import json

import numpy as np

from arborank import TextRanker, XRLinear


def made_up(n_rows, n_labels, seed=0):
    """Texts of words of which a label has its own; some rows have no label, some have no word."""
    rng = np.random.default_rng(seed)
    words = np.array([f"w{i:x}" for i in range(n_labels * 2)])
    own = rng.integers(words.size, size=(n_labels, 4))
    popular = 1.0 / np.arange(1, n_labels + 1) ** 0.7
    popular /= popular.sum()
    texts, labels = [], []
    for row in range(n_rows):
        chosen = rng.choice(n_labels, size=rng.integers(0, 4), p=popular, replace=False)
        drawn = [
            *(words[own[label, rng.integers(4)]] for label in chosen),
            *words[rng.integers(words.size, size=3)],
        ]
        texts.append("" if row % 97 == 5 else " ".join(drawn))
        labels.append([f"label {label}" for label in chosen])
    return texts, labels


def write_shards(folder, texts, labels, n_shards, kind="jsonl"):
    """Write rows to files in their order, as even as they come; return the pattern that means them."""
    folder.mkdir(parents=True)
    for number, rows in enumerate(np.array_split(np.arange(len(texts)), n_shards)):
        records = [{"text": texts[i], "labels": labels[i]} for i in rows.tolist()]
        path = folder / f"part-{number:03}.{kind}"
        if kind == "parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.Table.from_pylist(records), path)
        else:
            path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return str(folder / f"*.{kind}")


def ranker(**changes):
    """A ranker whose tree has several levels, and whose top is made of samples."""
    settings = {"branching": 4, "max_leaf_size": 8, "max_sample": 100, "max_rows": 900}
    return TextRanker(model=XRLinear(**settings | changes), n_jobs=1)


def state_of(model):
    """Everything that a saved model holds, as arrays and settings by name."""
    state = model.to_state()
    found = {"": dict(state.config)}
    for name, array in state.arrays.items():
        found[name] = (array.dtype.str, array.shape, array.tobytes())
    for name, part in state.parts.items():
        found |= {f"{name}.{inner}": value for inner, value in state_of(part).items()}
    return found
