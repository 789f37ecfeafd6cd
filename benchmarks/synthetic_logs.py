"""Ten synthetic query logs, in each of which one kind of evidence counts or is useless: MRR less that of counting.

``python benchmarks/synthetic_logs.py`` learns from the older four fifths of each log and completes the rest, by the
lengths of the prefix with 500 cases or more; --size multiplies the logs. Differences below 0 are marked.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from arborank import Autocompleter
from arborank.autocomplete import session_pairs
from arborank.autocomplete.quality import evaluate
from arborank.autocomplete.replay import latest
from support.querylogs import LOGS, querylog

WAYS = ("Arborank", "without context", "without history", "without either")
LENGTHS = range(1, 13)
FEWEST = 500

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="*", default=LOGS)
    parser.add_argument("--size", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(f"| log | way | {' | '.join(map(str, LENGTHS))} | all |")
    print(f"| --- | --- |{' ---: |' * (len(LENGTHS) + 1)}")
    for name in given.logs:
        rows = querylog(name, given.seed, given.size)
        learned, held_out = latest(session_pairs(rows, n_previous=8), 0.2)
        completer = Autocompleter(n_jobs=1).fit_pairs(*learned[:2], users=learned.users, times=learned.times)
        found = evaluate(completer, learned, held_out)
        for way in WAYS:
            parts = [(found.of_length(n), FEWEST) for n in LENGTHS] + [(found.typed > 0, 0)]
            gains = [
                found.mrr(way, cases) - found.mrr("most frequent", cases) if cases.sum() >= least else None
                for cases, least in parts
            ]
            shown = ["" if gain is None else f"{gain:+.4f}{' **!**' * (gain < 0)}" for gain in gains]
            print(f"| {name} | {way} | {' | '.join(shown)} |", flush=True)
