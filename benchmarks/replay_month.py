"""A month as it happened: hourly updates beside a refit each day, and no updates, by the mean reciprocal rank.

``python benchmarks/replay_month.py --data DIR`` replays the last ``--days`` of quick-open, ``--synthetic NAME`` those
of a synthetic log; a model is fitted on what came before.
"""

import argparse
import sys
from pathlib import Path
from time import process_time

import numpy as np
from data import read_lines

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from arborank import Autocompleter
from arborank.autocomplete import Pairs, session_pairs
from arborank.autocomplete.replay import replayed
from support.querylogs import querylog

HOUR, DAY = 3600.0, 86_400.0


def fitted(pairs: Pairs) -> Autocompleter:
    return Autocompleter(n_jobs=1).fit_pairs(*pairs[:2], users=pairs.users, times=pairs.times)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--synthetic")
    parser.add_argument("--days", type=float, default=30)
    given = parser.parse_args()
    if given.synthetic:
        pairs = session_pairs(querylog(given.synthetic), n_previous=8)
    else:
        rows = [line.split("\t") for line in read_lines(given.data / "quick-open" / "log.tsv.xz")]
        pairs = session_pairs([(user, float(time), query, user) for user, time, query in rows], n_previous=8)
    times = np.array(pairs.times)
    start = times.max() - given.days * DAY
    learned, coming = (
        pairs.selected(np.flatnonzero(rows).tolist()) for rows in (times < start, times >= start)
    )
    print(f"{len(learned.queries):,} queries learned, {len(coming.queries):,} replayed\n")
    model = fitted(learned)
    ways = {
        "no updates": (None, False),
        "hourly updates": (HOUR, False),
        "daily updates": (DAY, False),
        "daily refits": (DAY, True),
    }
    print("| way | MRR | seconds |\n| --- | ---: | ---: |")
    for name, (every, refit) in ways.items():
        begin = process_time()
        mrr = replayed(model, learned, coming, every, refit=refit).mean()
        print(f"| {name} | {mrr:.4f} | {process_time() - begin:.0f} |", flush=True)
