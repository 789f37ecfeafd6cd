"""Completion of queries: what a reader clicks after a page, what a cataloguer types for a title.

Both sides train on the same pairs, one prefix each. libpecos, which has no completer, is given features of the query
before and of the prefix (`NgramTfidf`, `PrefixTfidf`), its default tree and beam, and of the labels that it returns
those are kept that begin with the prefix.
"""

import json
import unicodedata
from argparse import Namespace
from bisect import bisect_left
from itertools import pairwise
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from data import read_lines, read_names, read_part, write
from harness import Measurements, Side

from arborank import NgramTfidf, PrefixTfidf

from .markdown import MIB, cells, number, table

SIDES = ("arborank", "libpecos")
ROWS = {"answers": "", "most frequent": ", most frequent", "top 20": ", its default 20 labels"}
SETS = ("wikispeedia-paths", "yso-en")
SHARE = 8  # every so manieth pair of yso-en: libpecos takes too long on all
TEST = 20_000
PREFIX_WEIGHT = 0.1


def plain(text: str) -> str:
    """Lower case, composed, single spaces: one spelling for all sides."""
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


def read_pairs(data: Path, name: str) -> tuple[list, list]:
    """Training and test pairs of what came before and the query."""
    if name == "wikispeedia-paths":  # a tenth of the sessions is the test
        sessions = [line.split("\t") for line in read_lines(data / name / "sessions.tsv.xz")]
        held = np.random.default_rng(0).random(len(sessions)) < 0.1
        parts = [[s for s, out in zip(sessions, held, strict=True) if out == test] for test in (False, True)]
        return tuple([(plain(a), plain(b)) for s in part for a, b in pairwise(s) if a != b] for part in parts)
    names = [plain(label) for label in read_names(data, name)]
    parts = [zip(*read_part(data, name, part), strict=True) for part in ("train", "test")]
    train, test = ([(plain(text), names[i]) for text, row in part for i in row] for part in parts)
    return train[::SHARE], test


def prepare(given: Namespace, name: str) -> tuple[Path, dict]:
    """Write the pairs, and the matrices of libpecos, unless they are there; their directory, and the pairs."""
    place = (given.cache / f"completion-{name}{f'-{given.rows}' if given.rows else ''}").resolve()
    if (place / "ranges.npy").exists():
        return place, json.loads((place / "pairs.json").read_text())
    place.mkdir(parents=True, exist_ok=True)
    train, test = read_pairs(given.data, name)
    random = np.random.default_rng(1)
    train, most = train[: given.rows], min(given.rows or TEST, TEST, len(test))
    test = [test[i] for i in np.sort(random.choice(len(test), most, replace=False))]
    previous, queries = map(list, zip(*train, strict=True))
    drawn = [
        query[: random.integers(1, len(query) + 1)] for query in [*queries, *(wanted for _, wanted in test)]
    ]
    prefixes, typed = drawn[: len(queries)], drawn[len(queries) :]
    before, wanted = map(list, zip(*test, strict=True))
    labels = sorted(set(queries))
    words = NgramTfidf(tokens="word1", min_df=2, sublinear_tf=True).fit(previous)
    letters = PrefixTfidf().fit(prefixes)
    for part, contexts, starts in (("trn", previous, prefixes), ("tst", before, typed)):
        rows = [words.transform(contexts), PREFIX_WEIGHT * letters.transform(starts)]
        write(sp.csr_matrix(sp.hstack(rows, format="csr"), dtype=np.float32), place / f"X.{part}.npz")
    at = {label: i for i, label in enumerate(labels)}
    columns = np.array([at[query] for query in queries])
    Y = sp.csr_matrix((np.ones(columns.size, np.float32), columns, np.arange(columns.size + 1)))
    write(Y, place / "Y.trn.npz")
    pairs = {
        "train": [previous, queries],
        "previous": before,
        "prefixes": typed,
        "wanted": wanted,
        "labels": labels,
    }
    (place / "pairs.json").write_text(json.dumps(pairs))
    ends = [[bisect_left(labels, one), bisect_left(labels, one + "\U0010ffff")] for one in typed]
    np.save(place / "ranges.npy", ends)
    return place, pairs


def reciprocal_ranks(answers: list[list[str]], wanted: list[str]) -> np.ndarray:
    """One over the place of the wanted query, 0 where it is missing."""
    pairs = zip(answers, wanted, strict=True)
    return np.array([1 / (row.index(query) + 1) if query in row else 0.0 for row, query in pairs])


def measure(given: Namespace, found: Measurements) -> None:
    threads = given.threads[0]
    for name in (one for one in SETS if not given.sets or one in given.sets):
        place, pairs = prepare(given, name)
        short = np.array([len(prefix) <= 3 for prefix in pairs["prefixes"]])
        for turn in range(1, given.rounds + 1):
            for side in (one for one in given.sides if one in SIDES):
                key = {"table": "completion", "set": name, "threads": threads, "side": side}
                if found.done(turn, **key):
                    continue
                with Side(side, "completion", threads, given, seed=turn - 1) as process:
                    answer = process.ask("run", directory=str(place), threads=threads, count=given.singles)
                for kind in ROWS:
                    rows = answer.pop(kind, None)
                    if rows is not None:
                        named = [
                            [pairs["labels"][i] if isinstance(i, int) else plain(i) for i in row]
                            for row in rows
                        ]
                        ranks = reciprocal_ranks(named, pairs["wanted"])
                        answer |= {
                            f"MRR {kind}": float(ranks.mean()),
                            f"short {kind}": float(ranks[short].mean()),
                        }
                found.add(answer, **key)


def render(found: Measurements) -> dict[str, str]:
    rows = []
    for name in found.distinct("set", table="completion"):
        for cell in cells(found, "completion", SIDES, set=name):
            of = {figure: found.median(figure, **cell) for figure in found.of(**cell)[-1]}
            for kind in (one for one in ROWS if f"MRR {one}" in of):
                figures = [number(of[f"{figure} {kind}"], "{:.3f}") for figure in ("MRR", "short")]
                if kind == "answers":
                    figures += [number(of[figure]) for figure in ("seconds", "cpu_seconds")]
                    figures += [
                        number(of["peak_bytes"], "{:,.0f}", 1 / MIB),
                        *[number(of[p]) for p in ("p50", "p99")],
                    ]
                rows.append([f"{name}, {cell['side']}{ROWS[kind]}", *figures, *[""] * (7 - len(figures))])
    header = [
        "set, side",
        "MRR",
        "MRR, ≤ 3 typed",
        "fit s",
        "fit CPU s",
        "peak MiB",
        "a keystroke p50 µs",
        "p99 µs",
    ]
    return {"completion": table(header, rows)} if rows else {}
