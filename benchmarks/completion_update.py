"""What an update of a completer is worth: a twentieth of the queries is new, and comes with a newer part of the log.

``python benchmarks/completion_update.py wikispeedia``: an old completer knows the first half of the training pairs
without the new queries; `update_pairs` is given the second half with them. Beside it: a completer fitted on both.
"""

import argparse
import time
from pathlib import Path

import completion
import numpy as np
from data import DEFAULT_CACHE, DEFAULT_DATA
from measurements import Measurements

from arborank import Autocompleter
from arborank.autocomplete.normal import normalize
from arborank.autocomplete.quality import reciprocal_ranks

SHARE = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", choices=completion.NAMES)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE)
    parser.add_argument("--share", type=int, default=1, help="every so manieth training pair")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    data = completion.load(given.data, given.set, given.share)
    keys = [normalize(query) for _, query in data["train"]]
    names = sorted(set(keys))
    random = np.random.default_rng(0)
    new = {names[i] for i in random.choice(len(names), round(len(names) * SHARE), replace=False).tolist()}
    later = random.random(len(keys)) < 0.5
    old_rows = [i for i, key in enumerate(keys) if not later[i] and key not in new]
    new_rows = [i for i in range(len(keys)) if later[i]]
    is_new = np.array([wanted in new for wanted in data["wanted"]])
    found = Measurements(given.cache)
    prototype = Autocompleter(n_jobs=given.threads, n_previous=completion.N_PREVIOUS[given.set])

    def measure(side: str, learn, rows: list[int]) -> Autocompleter:
        previous, queries = [data["train"][i][0] for i in rows], [data["train"][i][1] for i in rows]
        start = time.process_time()
        completer = learn(previous, queries)
        seconds = time.process_time() - start
        answers = completer.complete_batch(data["prefixes"], data["previous"])
        ranks = reciprocal_ranks([[normalize(query) for query, _ in row] for row in answers], data["wanted"])
        figures = {"mrr_new": float(ranks[is_new].mean()), "mrr_old": float(ranks[~is_new].mean())}
        figures |= {"cpu_seconds": seconds, "pairs": len(rows), "labels": len(completer.catalogue_)}
        figures |= {"new": len(new), "tests_new": int(is_new.sum())}
        found.add(figures, table="completion-update", set=given.set, share=given.share, side=side)
        return completer

    old = measure("old", prototype.fit_pairs, old_rows)
    measure("updated", old.update_pairs, new_rows)
    both = Autocompleter(**prototype.get_params(deep=False))
    measure("fitted anew", both.fit_pairs, sorted([*old_rows, *new_rows]))


if __name__ == "__main__":
    main()
