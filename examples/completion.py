"""Query autocompletion that knows what was searched for before.

A package's dependencies stand in for a session: each was "sent" after the one before it.
"""

from itertools import pairwise

import arborank
from arborank.datasets import load_debian


def main() -> None:
    """Train a completer and show that the same letters are completed differently after different queries."""
    data = load_debian()
    previous, queries = [], []
    for names in data.train.labels:
        for before, query in pairwise(names):
            previous.append(before)
            queries.append(query)
    completer = arborank.Autocompleter().fit_pairs(previous, queries)

    for context in ("python3", "libqt5core5a"):
        found = completer.complete("lib", previous=[context], k=3)
        print(f"{context} > lib…: {[name for name, _ in found]}")


if __name__ == "__main__":
    main()
