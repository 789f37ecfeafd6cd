"""Training time, memory and latency of a completer on many pairs (yso-en, all of it) and many labels (synthetic).

``python benchmarks/completion_scale.py yso-en`` or ``synthetic-1000000``; every run is a fresh process.
"""

import argparse
import time
from pathlib import Path

import completion
import numpy as np
from data import DEFAULT_CACHE, DEFAULT_DATA
from measurements import Measurements
from runners.measure import PeakMemory, status_bytes

from arborank import Autocompleter
from arborank.autocomplete.quality import quality_by_length, reciprocal_ranks


def synthetic(n_labels: int) -> dict:
    """Queries of two to four made-up words; each label twice, after one that shares a word with it."""
    random = np.random.default_rng(0)
    syllables = np.array(
        [a + b for a in "bcdfghklmnprstvw" for b in ("a", "e", "i", "o", "u", "an", "er", "il")]
    )
    words = np.unique(["".join(random.choice(syllables, random.integers(2, 4))) for _ in range(60_000)])
    popular = 1.0 / np.arange(1, words.size + 1)
    popular /= popular.sum()
    names: dict[str, None] = {}
    while len(names) < n_labels:
        drawn = random.choice(words, (200_000, 4), p=popular)
        counts = random.integers(2, 5, 200_000)
        names |= dict.fromkeys(
            " ".join(row[:n]) for row, n in zip(drawn.tolist(), counts.tolist(), strict=True)
        )
    queries = list(names)[:n_labels]
    order = random.permutation(2 * n_labels) % n_labels
    train = []
    for i in order.tolist():
        first, *_, last = queries[i].split()
        train.append(((f"{last} {words[i % words.size]} {first}",), queries[i]))
    chosen = random.choice(2 * n_labels, 20_000, replace=False)
    lengths = [int(random.integers(1, len(train[i][1]) + 1)) for i in chosen]
    return {
        "train": train,
        "previous": [list(train[i][0]) for i in chosen],
        "prefixes": [train[i][1][:n] for i, n in zip(chosen, lengths, strict=True)],
        "wanted": [train[i][1] for i in chosen],
    }


def keystrokes(completer: Autocompleter, pairs: list, **options) -> tuple[dict, list[list[str]]]:
    """Percentiles of the time of a call, by the thread's clock and by the wall's, and the answers."""
    answers = []
    taken: dict[str, list[int]] = {"cpu": [], "wall": []}
    for prefix, before in pairs:
        begin_cpu, begin = time.thread_time_ns(), time.perf_counter_ns()
        found = completer.complete(prefix, before, **options)
        taken["wall"].append(time.perf_counter_ns() - begin)
        taken["cpu"].append(time.thread_time_ns() - begin_cpu)
        answers.append([query for query, _ in found])
    figures = {}
    for clock, times in taken.items():
        p50, p99 = np.percentile(times[200:], [50, 99]) / 1e3
        figures |= {f"{clock}_p50_us": float(p50), f"{clock}_p99_us": float(p99)}
    return figures, answers


def typo(prefix: str, random: np.random.Generator) -> str:
    """Another letter somewhere behind the first one, from three characters on."""
    if len(prefix) < 3:
        return prefix
    place = int(random.integers(1, len(prefix)))
    return prefix[:place] + "etaoins"[int(random.integers(7))] + prefix[place + 1 :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    made = given.set.startswith("synthetic")
    data = synthetic(int(given.set.split("-")[1])) if made else completion.load(given.data, given.set)
    previous, queries = [before for before, _ in data["train"]], [query for _, query in data["train"]]
    memory, start, cpu = PeakMemory(), time.perf_counter(), time.process_time()
    completer = Autocompleter(n_jobs=given.threads).fit_pairs(previous, queries)
    figures = {"fit_seconds": time.perf_counter() - start, "fit_cpu_seconds": time.process_time() - cpu}
    figures |= {"peak_bytes": memory.beyond(), "process_bytes": status_bytes("VmHWM")}
    figures |= {"pairs": len(queries), "labels": len(completer.catalogue_)}
    figures |= {"threads": given.threads}
    completer.save(given.cache / "autocomplete" / f"{given.set}-model")
    completer.set_params(n_jobs=1)
    for stage in (completer.rows_.previous, completer.rows_.prefix, completer.model_):
        stage.set_params(n_jobs=1)
    pairs = list(zip(data["prefixes"], data["previous"], strict=True))
    more, answers = keystrokes(completer, pairs)
    figures |= more
    unknown, _ = keystrokes(completer, [(prefix, ()) for prefix, _ in pairs])
    random = np.random.default_rng(2)
    typos, _ = keystrokes(
        completer, [(typo(prefix, random), before) for prefix, before in pairs], strict=False
    )
    figures |= {f"unknown_{key}": value for key, value in unknown.items()}
    figures |= {f"typo_{key}": value for key, value in typos.items()}
    if not made:
        from arborank.autocomplete.normal import normalize

        answers = [[normalize(query) for query in row] for row in answers]
    quality = quality_by_length(reciprocal_ranks(answers, data["wanted"]), data["prefixes"])
    figures |= {"mrr": quality.overall, "mrr_short": quality.short}
    Measurements(given.cache).add(figures, table="completion-scale", set=given.set)


if __name__ == "__main__":
    main()
