"""What a keystroke costs, with and without a history: ``python benchmarks/keystrokes.py --queries 25000 1000000``.

A synthetic log of users who come back: every query of the catalogue is sent at least once, popular ones more often, and
people repeat themselves. Queries are completed as they are typed, character by character, from Python, with the query
before and a history of 1,000 queries. Of five runs, the least time of a keystroke counts, without what other processes
take. Trained completers are kept in ``--cache``. With ``--matching``, what the options
cost that say which queries match: accents that are typed, any word, typos and limits of a call.
"""

import argparse
from copy import copy
from dataclasses import replace
from pathlib import Path
from time import perf_counter_ns, process_time, thread_time_ns

import numpy as np

from arborank import Autocompleter, load
from arborank.autocomplete import History
from arborank.autocomplete.catalogue import Catalogue
from arborank.autocomplete.matching import FOLDS, Matching

LETTERS = "etaoinshrdlcumwfgypbvk"
DAY = 86_400.0
TYPED = 4_000  # keystrokes that are measured


def names(n: int, random: np.random.Generator) -> list[str]:
    """Different queries of one to three words out of a vocabulary, with the letters of English."""
    shares = 1 / np.arange(1, len(LETTERS) + 1)
    drawn = random.choice(list(LETTERS), (40_000, 7), p=shares / shares.sum())
    words = sorted({"".join(row[: 3 + i % 5]) for i, row in enumerate(drawn)})
    chosen = (len(words) * random.random((2 * n, 3)) ** 2).astype(int)
    sizes = random.integers(1, 4, 2 * n)
    texts = (
        " ".join(words[i] for i in row[:size])
        for row, size in zip(chosen.tolist(), sizes.tolist(), strict=True)
    )
    return [f"{text} {i}" if i % 3 == 0 else text for i, text in enumerate(dict.fromkeys(texts))][:n]


def querylog(n_queries: int, n_sent: int) -> list[tuple[str, float, str, str]]:
    """Rows of session, time, query and user."""
    random = np.random.default_rng(0)
    texts = names(n_queries, random)
    n = len(texts)
    sent = np.concatenate([random.permutation(n), (n * random.random(n_sent - n) ** 3).astype(int)])
    users = random.integers(max(n_sent // 200, 1), size=n_sent)
    sent = np.where(random.random(n_sent) < 0.3, (users * 7919 + random.integers(5, size=n_sent)) % n, sent)
    sent[:n] = random.permutation(n)
    times = random.random(n_sent) * 90 * DAY
    order = np.argsort(times)
    return [
        (f"{user}-{int(time // 1200)}", time, texts[query], f"{user}")
        for user, time, query in zip(
            users[order].tolist(), times[order].tolist(), sent[order].tolist(), strict=True
        )
    ]


def completer(n_queries: int, n_sent: int, cache: Path) -> Autocompleter:
    """A completer of so many queries, trained unless it is in the cache."""
    place = cache / f"keystrokes-{n_queries}"
    if not place.exists():
        start = process_time()
        Autocompleter(n_jobs=1).fit(querylog(n_queries, n_sent)).save(place)
        print(
            f"trained {n_queries:,} queries in {process_time() - start:.1f} s of processor time", flush=True
        )
    return load(place)


def measure(one: Autocompleter, n_keystrokes: int, n_runs: int) -> dict[str, np.ndarray]:
    """Microseconds of every keystroke, the least of some runs, with what a call is given."""
    random = np.random.default_rng(1)
    catalogue = one.catalogue_
    sent = random.choice(len(catalogue), 2_000, p=catalogue.counts / catalogue.counts.sum())
    texts = catalogue.texts.take(sent.tolist())
    history = History([(text, 1000.0 * i) for i, text in enumerate(texts[:1000])])
    ways = {"": {}, "history": {"history": history, "now": 1e6}}
    typed = [
        (text[:length], [texts[number - 1], texts[number - 2]])
        for number, text in enumerate(texts)
        for length in range(len(text) + 1)
    ][:n_keystrokes]
    least = {name: np.full(len(typed), np.inf) for name in ways}
    for _ in range(n_runs):
        for name, arguments in ways.items():
            for place, (prefix, previous) in enumerate(typed):
                start = perf_counter_ns()
                one.complete(prefix, previous, **arguments)
                least[name][place] = min(least[name][place], perf_counter_ns() - start)
    return {name: values[50:] / 1000 for name, values in least.items()}


def matching(one: Autocompleter, compare: Matching, typos: int = 1) -> Autocompleter:
    """The same completer, trained with other options: of ASCII, a form is the query itself."""
    old = one.catalogue_
    parts = old.keys, old.texts, old.counts, old.blocked, old.phrases, old.aged, compare, old.keys
    other = copy(one).set_params(fold=compare.fold, infix=compare.infix, typos=typos)
    other.fitted_ = replace(one.fitted_, catalogue=Catalogue(*parts))
    return other


def measure_matching(one: Autocompleter, n_keystrokes: int) -> dict[str, np.ndarray]:
    """Microseconds of processor time of every keystroke, by option."""
    random = np.random.default_rng(1)
    catalogue = one.catalogue_
    sent = random.choice(len(catalogue), 2_000, p=catalogue.counts / catalogue.counts.sum())
    texts = catalogue.texts.take(sent.tolist())
    some = [
        catalogue.texts.take(random.choice(len(catalogue), n, replace=False).tolist()) for n in (100, 1000)
    ]
    infix = matching(one, Matching((), infix=True))

    def accented(typed: str) -> str:
        return typed.replace("e", "é").replace("o", "ö")

    def last_word(typed: str) -> str:
        return typed.rpartition(" ")[2]

    def swapped(typed: str) -> str:
        return typed if len(typed) < 4 else typed[:2] + typed[3] + typed[2] + typed[4:]

    def twice(typed: str) -> str:
        return typed if len(typed) < 8 else swapped(typed)[:5] + typed[6:]

    ways = {
        "nothing": (one, str, {}),
        "`fold`, accents typed": (matching(one, Matching(FOLDS)), accented, {}),
        "`infix`, from the first word on": (infix, str, {}),
        "`infix`, the last word only": (infix, last_word, {}),
        "`strict=False`, a typo": (one, swapped, {"strict": False}),
        "`typos=2`, two typos": (matching(one, Matching(), 2), twice, {"strict": False}),
        "`exclude`, 10 queries": (one, str, {"exclude": texts[:10]}),
        "`weights` of 10 queries": (one, str, {"weights": dict.fromkeys(texts[:10], 2.0)}),
        "100 `candidates`": (one, str, {"candidates": some[0]}),
        "1,000 `candidates`": (one, str, {"candidates": some[1]}),
        "the same, prepared": (one, str, {"query_filter": one.prepare_filter(candidates=some[1])}),
    }
    times: dict[str, list[int]] = {name: [] for name in ways}
    for name, (model, change, arguments) in ways.items():
        for number, text in enumerate(texts):
            if len(times[name]) >= n_keystrokes:
                break
            previous = [texts[number - 1], texts[number - 2]]
            for length in range(len(text) + 1):
                typed = change(text[:length])
                start = thread_time_ns()
                model.complete(typed, previous, **arguments)
                times[name].append(thread_time_ns() - start)
    return {name: np.array(values[50:]) / 1000 for name, values in times.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, nargs="+", default=[25_000, 1_000_000])
    parser.add_argument(
        "--sent", type=int, help="rows of the log; by default twice the queries, at least 200,000"
    )
    parser.add_argument("--cache", type=Path, default=Path(__file__).resolve().parent / "cache")
    parser.add_argument("--keystrokes", type=int, default=TYPED)
    parser.add_argument("--matching", action="store_true", help="what the options of matching cost")
    parser.add_argument("--runs", type=int, default=5, help="of which the least time of a keystroke counts")
    given = parser.parse_args()
    given.cache.mkdir(parents=True, exist_ok=True)
    print("| queries | given | p50 µs | p99 µs |\n| ---: | --- | ---: | ---: |")
    for n_queries in given.queries:
        model = completer(n_queries, given.sent or max(2 * n_queries, 200_000), given.cache)
        if given.matching:
            measured = measure_matching(model, given.keystrokes)
        else:
            measured = {
                f"the last query{', and a history of 1,000' if name else ''}": times
                for name, times in measure(model, given.keystrokes, given.runs).items()
            }
        for what, times in measured.items():
            p50, p99 = np.percentile(times, [50, 99])
            print(f"| {len(model.catalogue_):,} | {what} | {p50:,.0f} | {p99:,.0f} |", flush=True)
