"""What filters cost a query: candidates, labels to leave out, and weights of labels, given raw or prepared.

``python benchmarks/filters.py`` measures what is missing in the cache and writes FILTERS.md. One query at a time, one
thread. Every way answers the same queries again and again, in turn with none at all, since other work comes and goes;
the best time of every query counts, and of these the median.
"""

import argparse
from pathlib import Path
from time import perf_counter

import data
import numpy as np
import product_log
import scipy.sparse as sp
from measurements import Measurements, machine
from roofline import model_of
from tables import table

from arborank.core.sparse import as_csr

HERE = Path(__file__).resolve().parent
SETS = ("yso-en", "catalogue-1000000")
QUERIES, ROUNDS, BATCH = 300, 7, 4096
SIZES = (1, 10, 100, 300, 1000, 3000, 10_000, 100_000)  # another filter for every query
SAME = (100, 1000, 10_000)  # one for all queries


def study(given: argparse.Namespace, found: Measurements, name: str) -> None:
    """Time every kind and size of filter against none."""
    model = model_of(given, name)
    rng = np.random.default_rng(0)
    X = data.load(given.cache, name, "X.tst")
    X = X[np.diff(X.indptr) > 0]
    rows = [as_csr(X[i : i + 1], "X") for i in range(min(QUERIES, X.shape[0]))]
    n = model.n_labels_
    ways: dict[str, list[dict]] = {"none": [{}] * len(rows)}
    for kind in ("candidates", "exclude"):
        for size in [size for size in SIZES if size < n // 2]:
            lists = (rng.choice(n, size, replace=False) for _ in rows)
            ways[f"{kind}, raw, {size:,}, another for every query"] = [{kind: labels} for labels in lists]
        for size in (*SAME, n // 2):
            same = {kind: rng.choice(n, size, replace=False)}
            ways[f"{kind}, raw, {size:,}, the same"] = [same] * len(rows)
            prepared = {"label_filter": model.prepare_filter(**same)}
            ways[f"{kind}, prepared, {size:,}"] = [prepared] * len(rows)
    weights = rng.random(n).astype(np.float32)
    ways["label_weights, prepared, all"] = [
        {"label_filter": model.prepare_filter(label_weights=weights)}
    ] * len(rows)
    values = {}
    for way, filters in ways.items():
        seconds = np.full((2, ROUNDS, len(rows)), np.inf)
        for number in range(ROUNDS):
            for side, options in enumerate((ways["none"], filters)):
                for i, row in enumerate(rows):
                    start = perf_counter()
                    model.predict_topk(row, 10, **options[i])
                    seconds[side, number, i] = perf_counter() - start
        none, filtered = np.median(seconds.min(axis=1), axis=1)
        values[way] = {"microseconds": 1e6 * float(filtered), "quotient": float(filtered / none)}
    batch = X[:BATCH]
    own = sp.csr_array(
        (
            np.ones(100 * batch.shape[0], np.float32),
            np.concatenate([np.sort(rng.choice(n, 100, replace=False)) for _ in range(batch.shape[0])]),
            100 * np.arange(batch.shape[0] + 1),
        ),
        shape=(batch.shape[0], n),
    )
    shared = rng.choice(n, n // 2, replace=False)
    ways_of_batch = {
        "none": {},
        "candidates, raw, 100 a row": {"candidates": own},
        "exclude, raw, 100 a row": {"exclude": own},
        "candidates, raw, half of the labels": {"candidates": shared},
        "exclude, raw, half of the labels": {"exclude": shared},
    }
    times = {way: [] for way in ways_of_batch}
    for _ in range(ROUNDS):
        for way, filters in ways_of_batch.items():
            start = perf_counter()
            model.predict_topk(batch, 10, **filters)
            times[way].append((perf_counter() - start) / batch.shape[0])
    none = min(times["none"])
    found.add(
        {
            "n_labels": n,
            "single": values,
            "batch": {
                way: {"microseconds": 1e6 * min(each), "quotient": min(each) / none}
                for way, each in times.items()
            },
        },
        table="filters",
        set=name,
    )


TEXT = """\
# What filters cost

Measured {date} UTC on {machine}, one thread, k and beam 10; `python benchmarks/filters.py` measures and writes
this file. Filters are random labels. *Raw* ones are arrays of label ids given to `predict_topk` with the query (a
matrix, in batches); *prepared* ones were given to `prepare_filter` before. *×* is the time divided by that without a
filter.

A raw list costs a microsecond or two for the call and some nanoseconds a label: one to three to read it and to mark
what is excluded; for candidates more, to look up where they stand, of which no cache but the last holds a million.
So lists that change with every query stay within 1.3 times the latency without a filter up to 3,000 excluded
labels of 25 thousand or 1,000 of a million, and up to 1,000 candidates or 300; a list of 100,000 takes eight
or nine times as long. Longer ones stay within it where they do not change: one of 1,000 or more that the query
before had, too, is only compared with it, at a fifth of a nanosecond a label, which allows for some 10,000; and a
prepared one of any size costs nothing. Few candidates may take longer whoever prepares them: while fewer than k are
found, no branch of the beam can be left unopened. Nothing of the tree is marked for a raw list: whether a node leads
to a candidate is looked up when the search comes to it ([search/own.hpp](../native/search/own.hpp)).
"""


def report(found: Measurements) -> str:
    """A table a set."""
    date = max(one["date"] for one in found.all if one["key"]["table"] == "filters")
    parts = [TEXT.format(date=date[:10], machine=machine())]
    for name in found.distinct("set", table="filters"):
        one = found.of(table="filters", set=name)[-1]
        for how, title in (("single", "one query at a time"), ("batch", f"a batch of {BATCH:,}")):
            parts.append(f"## {name}, {one['n_labels']:,} labels: {title}\n")
            rows = [
                [way, f"{each['microseconds']:.1f}", f"{each['quotient']:.2f}"]
                for way, each in one[how].items()
            ]
            parts.append(table(["filter, labels in it", "µs a query", "×"], rows) + "\n")
    return "\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data.add_arguments(parser)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    found = Measurements(given.cache)
    for name in given.sets:
        if name.startswith("catalogue-"):
            product_log.make(int(name.split("-")[1]), given.cache / name)
        else:
            data.prepare(given.data, given.cache, name)
        if not found.done(1, table="filters", set=name):
            study(given, found, name)
    (HERE / "FILTERS.md").write_text(report(found))


if __name__ == "__main__":
    main()
