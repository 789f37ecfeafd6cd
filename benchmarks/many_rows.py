"""Shards of made-up texts, for `many_ways.py`.

``python benchmarks/many_rows.py FOLDER --rows 10000000 --labels 500000`` writes texts of 10 to 15 words, with a label
each, into ``FOLDER/shards``. Words and labels have Zipf's frequencies; a third of the words of a text are those of its
label, a quarter those of a topic that labels share.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

WORDS, TOPICS, LONGEST = 300_000, 2000, 15
OF_LABEL, OF_TOPIC = 6, 12


def zipf(n, exponent, shift):
    """Return the cumulated probabilities of ranks."""
    shares = np.cumsum((np.arange(n) + shift) ** -exponent)
    return shares / shares[-1]


def write_shards(folder, n_rows, n_labels, n_shards):
    """Write texts with a label each."""
    rng = np.random.default_rng(0)
    letters = "".join(map(chr, rng.integers(ord("a"), ord("z") + 1, size=10 * WORDS)))
    ends = np.cumsum(rng.integers(3, 10, size=WORDS)).tolist()
    words = pa.array([letters[a:b] for a, b in pairwise([0, *ends])])
    names = pa.array([f"label {number}" for number in range(n_labels)])
    frequency, popularity = zipf(WORDS, 1.05, 2), zipf(n_labels, 0.8, 10)
    topic = rng.integers(TOPICS, size=n_labels)
    of_topic = np.searchsorted(frequency, rng.random((TOPICS, OF_TOPIC)))
    of_label = np.searchsorted(frequency, rng.random((n_labels, OF_LABEL)))
    folder.mkdir(parents=True)
    for number, rows in enumerate(np.array_split(np.arange(n_rows), n_shards)):
        n = rows.size
        label, length = np.searchsorted(popularity, rng.random(n)), rng.integers(10, LONGEST + 1, size=n)
        drawn, kind = np.searchsorted(frequency, rng.random((n, LONGEST))), rng.random((n, LONGEST))
        own = of_label[label[:, None], rng.integers(OF_LABEL, size=drawn.shape)]
        shared = of_topic[topic[label][:, None], rng.integers(OF_TOPIC, size=drawn.shape)]
        drawn = np.where(kind < 0.3, own, np.where(kind < 0.55, shared, drawn))
        chosen = pa.array(drawn[np.arange(LONGEST) < length[:, None]])
        bounds = np.concatenate([[0], np.cumsum(length)]).astype(np.int32)
        texts = pc.binary_join(pa.ListArray.from_arrays(bounds, words.take(chosen)), " ")
        labels = pa.ListArray.from_arrays(np.arange(n + 1, dtype=np.int32), names.take(pa.array(label)))
        pq.write_table(pa.table({"text": texts, "labels": labels}), folder / f"part-{number:03}.parquet")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--labels", type=int, default=500_000)
    parser.add_argument("--shards", type=int, default=8)
    given = parser.parse_args()
    write_shards(given.folder / "shards", given.rows, given.labels, given.shards)
