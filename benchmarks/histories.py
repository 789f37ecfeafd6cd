"""Completion with a history beside simpler ways, all in one run: the tables of AUTOCOMPLETE.md.

``python benchmarks/histories.py --data DIR`` learns from the older nine tenths of quick-open and completes a random
prefix of every later query. Other ways: the most frequent; those that are so lately; own history first; a table of
which query followed which, counts behind it; and infix by weight: the most frequent queries of which a word begins with
what was typed, as suggesters of search engines find them. ``--export DIR`` writes what ``completion_peers.py`` reads,
and ``--peers DIR`` takes what it answered into the tables.
"""

import argparse
import json
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time

import numpy as np
import scipy.sparse as sp
from data import read_lines, write

from arborank import Autocompleter, NgramTfidf, PrefixTfidf
from arborank.autocomplete import Pairs, session_pairs
from arborank.autocomplete.normal import normalize
from arborank.autocomplete.quality import drawn_prefixes, evaluate
from arborank.autocomplete.replay import latest

LENGTHS = (1, 2, 3, 5, 7, 10)
WORD = re.compile(r"\w+")
BEHIND = "\U0010ffff"


def bigrams(learned: Pairs, k: int = 10) -> Callable[[str, Sequence[str]], list[str]]:
    """What followed the last query most often, then what is most frequent."""
    counts: Counter[str] = Counter()
    followed: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for previous, query in zip(learned.previous, learned.queries, strict=True):
        counts[normalize(query)] += 1
        if previous:
            followed[normalize(previous[-1])][normalize(query)] += 1
    by_count = sorted(counts, key=lambda key: (-counts[key], key))

    def best(prefix: str, previous: Sequence[str]) -> list[str]:
        after = followed[normalize(previous[-1])] if previous else Counter()
        first = sorted((key for key in after if key.startswith(prefix)), key=lambda key: (-after[key], key))
        rest = (key for key in by_count if key.startswith(prefix) and key not in after)
        return [*first, *(key for key, _ in zip(rest, range(k), strict=False))][:k]

    return best


def infix(learned: Pairs, k: int = 10) -> Callable[[str, Sequence[str]], list[str]]:
    """The most frequent queries in which what was typed begins some word."""
    counts = Counter(map(normalize, learned.queries))
    ends = sorted((key[word.start() :], key) for key in counts for word in WORD.finditer(key))

    def best(prefix: str, previous: Sequence[str]) -> list[str]:
        first, end = (bisect_left(ends, (one, "")) for one in (prefix, prefix + BEHIND))
        found = {key for _, key in ends[first:end]}
        return sorted(found, key=lambda key: (-counts[key], key))[:k]

    return best


def export(place: Path, learned: Pairs, held_out: Pairs) -> None:
    """Write the pairs, and what is asked, as strings and as rows of features for libpecos."""
    place.mkdir(parents=True, exist_ok=True)
    before, queries = ([normalize(one[-1]) if one else "" for one in learned.previous], learned.queries)
    queries = list(map(normalize, queries))
    typed = drawn_prefixes([normalize(query) for query in held_out.queries])
    asked = [
        (normalize(held_out.previous[row][-1]) if held_out.previous[row] else "", prefix)
        for row, prefix in typed.items()
    ]
    for name, rows in (("train", list(zip(before, queries, strict=True))), ("asked", asked)):
        (place / f"{name}.json").write_text(json.dumps(rows))
    random, labels = np.random.default_rng(1), sorted(set(queries))
    starts = [query[: random.integers(1, len(query) + 1)] for query in queries]
    words, letters = (
        NgramTfidf(tokens="word1", min_df=2, sublinear_tf=True).fit(before),
        PrefixTfidf().fit(starts),
    )
    for part, contexts, prefixes in (("trn", before, starts), ("tst", *zip(*asked, strict=True))):
        both = [words.transform(contexts), 0.1 * letters.transform(prefixes)]
        write(sp.csr_matrix(sp.hstack(both, format="csr"), dtype=np.float32), place / f"X.{part}.npz")
    columns = np.searchsorted(labels, queries)
    Y = sp.csr_matrix((np.ones(columns.size, np.float32), columns, np.arange(columns.size + 1)))
    write(Y, place / "Y.trn.npz")
    (place / "labels.json").write_text(json.dumps(labels))
    ranges = [[bisect_left(labels, one), bisect_left(labels, one + BEHIND)] for _, one in asked]
    np.save(place / "ranges.npy", ranges)


def answered(place: Path, name: str) -> Callable[[str, Sequence[str]], list[str]]:
    """What a peer answered."""
    asked, answers = (json.loads((place / f"{one}.json").read_text()) for one in ("asked", name))
    known = {tuple(one): answer for one, answer in zip(asked, answers, strict=True)}
    return lambda prefix, previous: known[normalize(previous[-1]) if previous else "", prefix]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--validate", action="store_true", help="hold out the last tenth of the older part instead"
    )
    parser.add_argument("--export", type=Path)
    parser.add_argument("--peers", type=Path)
    given = parser.parse_args()
    rows = [line.split("\t") for line in read_lines(given.data / "quick-open" / "log.tsv.xz")]
    pairs = session_pairs([(user, float(time), query, user) for user, time, query in rows], n_previous=8)
    learned, held_out = latest(pairs, 0.1)
    if given.validate:
        learned, held_out = latest(learned, 0.1)
    if given.export:
        export(given.export, learned, held_out)
        raise SystemExit
    start = process_time()
    completer = Autocompleter(n_jobs=1).fit_pairs(*learned[:2], users=learned.users, times=learned.times)
    print(f"learned {len(learned.queries):,} queries in {process_time() - start:.1f} s of processor time\n")
    others = {"followed, then frequent": bigrams(learned), "infix by weight": infix(learned)}
    if given.peers:
        names = {"libpecos": "libpecos", "a GRU over characters": "gru"}
        there = {name: peer for name, peer in names.items() if (given.peers / f"{peer}.json").exists()}
        others |= {name: answered(given.peers, peer) for name, peer in there.items()}
    found = evaluate(completer, learned, held_out, others=others)
    every = [(f"{n}{'+' * (n == LENGTHS[-1])}", found.of_length(n, n == LENGTHS[-1])) for n in LENGTHS]
    every += [("≤ 3", found.typed <= 3), ("all", found.typed > 0)]
    order = ["most frequent", "most frequent lately", *others, "own history first", "Arborank"]
    order += [name for name in found.places if name not in order]
    print(f"| MRR by characters typed | {' | '.join(name for name, _ in every)} |")
    print(f"| --- |{' ---: |' * len(every)}")
    for name in order:
        print(f"| {name} | {' | '.join(f'{found.mrr(name, cases):.4f}' for _, cases in every)} |")
    print("\n| | first | in 3 | in 10 | characters saved | MRR, known | unknown | by user |")
    print(f"| --- |{' ---: |' * 7}")
    for name in order:
        figures = [found.success(name, k) for k in (1, 3, 10)]
        figures += [found.saved(name), found.mrr(name, found.known), found.mrr(name, ~found.known)]
        figures += [found.mrr_of_users(name)]
        print(f"| {name} | {' | '.join(f'{figure:.4f}' for figure in figures)} |")
    print("\n| Arborank gains | MRR | at least | at most |\n| --- | ---: | ---: | ---: |")
    for title, (way, against) in found.earned.items():
        print(f"| {title} | {' | '.join(f'{figure:.4f}' for figure in found.gain(way, against))} |")
    print(f"\n{len(found):,} cases, {1 - found.known.mean():.1%} of them unknown")
