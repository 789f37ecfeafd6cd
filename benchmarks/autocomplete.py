"""Session-aware autocompletion: quality by length of the prefix, latency a keystroke, labels scored.

``python benchmarks/autocomplete.py --sets wikispeedia`` trains what is missing, keeps every side's answers below the
cache, measures them all with the same code, and writes AUTOCOMPLETE.md at the end (``--report`` does only that).
"""

import argparse
import json
import subprocess
import time
from pathlib import Path

import completion
import completion_counts
import numpy as np
import scipy.sparse as sp
from autocomplete_report import write_report
from completion_work import frontier
from data import DEFAULT_CACHE, DEFAULT_DATA
from environments import PLACE, python
from measurements import Measurements
from runners.measure import PeakMemory
from scipy.sparse import save_npz

from arborank import Autocompleter, XRLinear
from arborank.autocomplete.normal import normalize
from arborank.autocomplete.prefixes import sample_prefixes
from arborank.autocomplete.quality import bleu_rr, quality_by_length, reciprocal_ranks
from arborank.core.sparse import as_csr, to_scipy
from arborank.matching import BeamSearch

HERE = Path(__file__).resolve().parent
INDICES = ("hybrid", "trie", "mustlink", "kmeans")
LOGISTIC = {"solver": "logistic-dual", "Cp": 10.0, "Cn": 10.0, "combine": "sigmoid", "threshold": 0.05}
LOGISTIC |= {"max_leaf_size": 16, "beam_size": 5}
SIDES = (
    "most frequent",
    "pair counts",
    "pair counts, bound",
    *INDICES,
    "hybrid, logistic",
    "hybrid, no context",
    "libpecos",
    "libpecos, top 20",
    "libpecos, weight 1",
    "GRU",
)
K = 10
TIMED = 3000


class Set:
    """One data set, with the matrices that a completer makes of it for other libraries."""

    def __init__(self, given: argparse.Namespace, name: str, share: int):
        self.name, self.given, self.threads = name, given, given.threads
        for key, value in completion.load(given.data, name, share).items():
            setattr(self, key, value)
        self.place = given.cache / "autocomplete" / f"{name}-{share}"
        self.place.mkdir(parents=True, exist_ok=True)
        self.key = {"table": "autocomplete", "set": name, "share": share}
        self.n_previous = completion.N_PREVIOUS[name]

    def answers(self, side: str) -> Path:
        """Where a side's answers are kept."""
        return self.place / f"{side.replace(', ', '-').replace(' ', '-')}.jsonl"

    def completer(self, **parameters) -> Autocompleter:
        """Train on the pairs."""
        completer = Autocompleter(n_previous=self.n_previous, n_jobs=self.threads, **parameters)
        return completer.fit_pairs([before for before, _ in self.train], [query for _, query in self.train])


def normal(completions: list) -> list[list[str]]:
    return [[normalize(query) for query, _ in row] for row in completions]


def run(data: Set, found: Measurements, side: str) -> None:
    """Train a side, answer the test prefixes, measure."""
    path = data.answers(side)
    start = time.perf_counter()
    if side.startswith("libpecos"):
        figures = pecos(data, path, 1.0 if "weight 1" in side else 0.1, 20 if "top 20" in side else 1000)
    elif side == "GRU":
        figures = gru(data, path)
    elif side.startswith("pair counts"):
        tests = data.wanted if side.endswith("bound") else None
        answers = completion_counts.answers(data.train, data.previous, data.prefixes, tests, K)
        completion.save_answers(path, answers)
        figures = {}
    else:
        figures = arborank(data, path, side)
    figures["all_seconds"] = time.perf_counter() - start
    answers = completion.read_answers(path)
    if len(answers) < len(data.prefixes):  # too slow for all
        of_ours = completion.read_answers(data.place / "hybrid.jsonl")[: len(answers)]
        ours = quality(data, of_ours)
        same = {f"hybrid_{key}_same_rows": ours[key] for key in ("mrr", "mrr_short", "mrr_lengths_alike")}
        figures |= {"rows": len(answers)} | same
    found.add(figures | quality(data, answers), **data.key, side=side)


def arborank(data: Set, path: Path, side: str) -> dict:
    if side == "hybrid, no context":
        return no_context(data, path)
    index = side.split(",")[0] if side != "most frequent" else "kmeans"
    memory, start, cpu = PeakMemory(), time.perf_counter(), time.process_time()
    completer = data.completer(index=index, model=XRLinear(**LOGISTIC) if "logistic" in side else None)
    figures = {"fit_seconds": time.perf_counter() - start, "fit_cpu_seconds": time.process_time() - cpu}
    figures["peak_bytes"] = memory.beyond()
    figures["labels"] = len(completer.catalogue_)
    previous = [()] * len(data.prefixes) if side == "most frequent" else data.previous
    completion.save_answers(path, normal(completer.complete_batch(data.prefixes, previous, K)))
    if side == "most frequent":
        return figures
    completer.save(data.place / "models" / side.replace(", ", "-"))
    figures |= latency(completer, data)
    if side in ("hybrid", "trie") and data.given.frontier:
        measure = lambda answers: float(reciprocal_ranks(answers, data.wanted[: len(answers)]).mean())  # noqa: E731
        figures["frontier"] = frontier(completer, data, measure, K)
    return figures


def no_context(data: Set, path: Path) -> dict:
    """The same tree search, from the prefix alone."""
    with_context = data.completer()
    X, Y = matrices(data, with_context, 1.0)
    catalogue = with_context.catalogue_
    width = with_context.rows_._n_previous
    X = as_csr(to_scipy(X)[:, width:])
    model = XRLinear(tree=with_context.model_.tree_, threshold=0.05, beam_size=5, n_jobs=data.threads).fit(
        X, Y
    )
    tests = as_csr(with_context.rows_.prefix.transform(data.prefixes))
    search = BeamSearch(model.tree_.branches, model.layers_, model.tree_.labels, model.n_labels_)
    runs = np.array([catalogue.matching(prefix) for prefix in data.prefixes])
    ids, _ = search.topk(tests, K, ranges=runs, n_threads=data.threads)
    completion.save_answers(path, [[catalogue.keys[i] for i in row if i >= 0] for row in ids.tolist()])
    return {}


def matrices(data: Set, completer: Autocompleter, weight: float):
    """What a completer trains on, X and Y; the prefix part of X has the given weight."""
    catalogue, rows = completer.catalogue_, completer.rows_
    labels = np.array([catalogue.find(query) for _, query in data.train])
    keys = list(catalogue.keys)
    contexts = [completer._context(before) for before, _ in data.train]
    prefixes = sample_prefixes(keys, labels, completer.prefix_law, completer.random_state)
    rows.prefix_weight, kept = weight, rows.prefix_weight
    X, _ = rows.many(contexts, prefixes)
    rows.prefix_weight = kept
    ones = np.ones(labels.size, np.float32)
    return X, sp.csr_matrix((ones, labels, np.arange(labels.size + 1)), (labels.size, len(keys)))


def pecos(data: Set, path: Path, weight: float, top: int) -> dict:
    """libpecos with its default index on the same features; of its ``top`` labels, those that begin with the prefix."""
    completer = data.completer()
    rows, catalogue = completer.rows_, completer.catalogue_
    folder = data.place / f"pecos-{weight:g}"
    folder.mkdir(exist_ok=True)
    if not (folder / "runs.npy").exists():
        X, Y = matrices(data, completer, weight)
        rows.prefix_weight = weight
        tests, _ = rows.many([completer._context(before) for before in data.previous], data.prefixes)
        for name, matrix in (("X.trn", to_scipy(X)), ("Y.trn", Y), ("X.tst", to_scipy(tests))):
            save_npz(folder / f"{name}.npz", sp.csr_matrix(matrix), compressed=False)
        np.save(folder / "runs.npy", np.array([catalogue.matching(prefix) for prefix in data.prefixes]))
    del completer
    command = [python("libpecos", data.given.environments), "-m", "runners.pecos_completion"]
    command += [folder, str(top), str(data.threads)]
    done = subprocess.run(command, cwd=HERE, check=True, capture_output=True, text=True)
    found = [[i for i in row if i >= 0] for row in np.load(folder / "ids.npy").tolist()]
    completion.save_answers(path, [[catalogue.keys[i] for i in row] for row in found])
    filled = []
    for ids, prefix in zip(found, data.prefixes, strict=True):
        frequent = catalogue.frequent(*catalogue.matching(prefix), 2 * K).tolist()
        filled.append([catalogue.keys[i] for i in dict.fromkeys([*ids, *frequent])][:K])
    measured = quality(data, filled)
    more = {f"filled_{name}": measured[name] for name in ("mrr", "mrr_short", "mrr_lengths_alike")}
    return json.loads(done.stdout.splitlines()[-1]) | more


def gru(data: Set, path: Path) -> dict:
    """A character-level sequence model in an environment of its own."""
    folder = data.place / "gru"
    folder.mkdir(exist_ok=True)
    train = [[normalize(" ".join(before[-1:])), normalize(query)] for before, query in data.train]
    tests = [[normalize(" ".join(b[-1:])), p] for b, p in zip(data.previous, data.prefixes, strict=True)]
    (folder / "train.json").write_text(json.dumps(train))
    (folder / "test.json").write_text(json.dumps(tests))
    command = [data.given.neural or python("neural", data.given.environments), "-m", "runners.gru_completion"]
    command += [folder, path, "--minutes", str(data.given.minutes), "--rows", str(data.given.rows)]
    done = subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def latency(completer: Autocompleter, data: Set) -> dict:
    """Processor time of one call from Python on one thread: other work on the machine does not count."""
    completer.set_params(n_jobs=1)
    for stage in (completer.rows_.previous, completer.rows_.prefix, completer.model_):
        stage.set_params(n_jobs=1)
    taken = {"cpu": [], "wall": []}
    for row in range(-200, min(TIMED, len(data.prefixes))):
        prefix, previous = data.prefixes[row], data.previous[row]
        start = time.thread_time_ns(), time.perf_counter_ns()
        completer.complete(prefix, previous, K)
        end = time.thread_time_ns(), time.perf_counter_ns()
        if row >= 0:
            taken["cpu"].append(end[0] - start[0])
            taken["wall"].append(end[1] - start[1])
    return {
        f"{clock}_{name}_us": float(np.percentile(values, share)) / 1e3
        for clock, values in taken.items()
        for name, share in (("p50", 50), ("p99", 99))
    }


def quality(data: Set, answers: list[list[str]]) -> dict:
    """All measures of one side's answers, to the first test prefixes."""
    n = len(answers)
    wanted, prefixes, previous = data.wanted[:n], data.prefixes[:n], data.previous[:n]
    ranks = reciprocal_ranks(answers, wanted)
    by_length = quality_by_length(ranks, prefixes)
    counts: dict[str, int] = {}
    for _, query in data.train:
        key = normalize(query)
        counts[key] = counts.get(key, 0) + 1
    seen_before = {normalize(text) for before, _ in data.train for text in before}
    seen = np.array([bool(b) and normalize(b[-1]) in seen_before for b in previous])
    count = np.array([counts.get(query, 0) for query in wanted])
    words = bleu_rr(answers, wanted)
    groups = {
        "seen": seen,
        "unseen": ~seen,
        "rare": (count > 0) & (count < 10),
        "middle": (count >= 10) & (count < 100),
        "frequent": count >= 100,
    }

    def mean(values, rows):
        return float(values[rows].mean()) if rows.any() else None

    return {
        "mrr": by_length.overall,
        "mrr_short": by_length.short,
        "mrr_by_length": by_length.means,
        "counts_by_length": by_length.counts,
        "mrr_lengths_alike": float(np.nanmean(by_length.means)),
        **{f"mrr_{name}": mean(ranks, rows) for name, rows in groups.items()},
        "share_seen": float(seen.mean()),
        "known": float((count > 0).mean()),
        "bleu_rr": float(words.mean()),
        "bleu_rr_short": quality_by_length(words, prefixes).short,
        "bleu_rr_by_length": quality_by_length(words, prefixes).means,
        **{f"bleu_rr_{name}": mean(words, rows) for name, rows in groups.items()},
    }


def judge_again(given: argparse.Namespace, found: Measurements) -> None:
    """Take all measures of the answers that are kept, which may have been measured before there were as many."""
    for key in {json.dumps(one["key"]): one["key"] for one in found.all}.values():
        if key["table"] != "autocomplete" or key["set"] not in given.sets:
            continue
        values = found.of(**key)[-1]
        if "bleu_rr_by_length" not in values:
            data = Set(given, key["set"], key["share"])
            answers = completion.read_answers(data.answers(key["side"]))
            found.add(values | quality(data, answers), **key)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE)
    parser.add_argument("--environments", type=Path, default=PLACE)
    parser.add_argument("--neural", type=Path, help="interpreter with torch, for the GRU")
    parser.add_argument("--minutes", type=float, default=10, help="training time of the GRU")
    parser.add_argument("--rows", type=int, default=20_000, help="test prefixes that the GRU answers")
    parser.add_argument("--sets", nargs="+", default=list(completion.NAMES), choices=completion.NAMES)
    parser.add_argument("--sides", nargs="+", default=list(SIDES), choices=SIDES)
    parser.add_argument("--share", type=int, default=4, help="every so manieth training pair of yso-en")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--frontier",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="also count what searches score, by the width of the beam",
    )
    parser.add_argument("--again", action="store_true", help="take all measures of the answers that are kept")
    parser.add_argument("--report", action="store_true", help="only write AUTOCOMPLETE.md")
    given = parser.parse_args()
    found = Measurements(given.cache)
    if given.again:
        judge_again(given, found)
    for name in () if given.report or given.again else given.sets:
        data = Set(given, name, given.share if name == "yso-en" else 1)
        for side in given.sides:
            if not found.done(1, **data.key, side=side):
                run(data, found, side)
    write_report(found, HERE / "AUTOCOMPLETE.md")


if __name__ == "__main__":
    main()
