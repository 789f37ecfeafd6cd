"""Data of the autocompletion benchmark: (context, prefix) and the query that was typed, from three public sets."""

import json
import lzma
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from arborank.autocomplete.normal import normalize
from arborank.autocomplete.prefixes import sample_lengths
from arborank.datasets import load_debian

NAMES = ("wikispeedia", "yso-en", "debian")
N_PREVIOUS = {"wikispeedia": 1, "yso-en": 1, "debian": 3}
TEST = 20_000  # prefixes


def lines(path: Path) -> list[str]:
    """Lines of an xz file."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file]


def wikispeedia(data: Path) -> tuple[list, list]:
    """Titles a reader clicked through; a tenth of the sessions is the test."""
    sessions = [line.split("\t") for line in lines(data / "wikispeedia-paths" / "sessions.tsv.xz")]
    held_out = np.random.default_rng(0).random(len(sessions)) < 0.1
    parts = []
    for wanted in (False, True):
        chosen = [s for s, out in zip(sessions, held_out.tolist(), strict=True) if out is wanted]
        parts.append([((a,), b) for s in chosen for a, b in pairwise(s) if normalize(a) != normalize(b)])
    return parts[0], parts[1]


def yso(data: Path) -> tuple[list, list]:
    """Cataloguing: a title, and each of its subject headings, with all its names, as it is typed."""
    place = data / "yso-en"
    names = [line.split("\t", 1)[1] for line in lines(place / "output-labels.txt.xz")]
    parts = []
    for part in ("train", "test"):
        pairs = []
        for line in lines(place / f"{part}.txt.xz"):
            ids, text = line.split("\t", 1)
            pairs += [((text,), names[int(label)]) for label in ids.split(",")]
        parts.append(pairs)
    return parts[0], parts[1]


def debian(_: Path) -> tuple[list, list]:
    """Dependencies of a package in an order that is drawn, each after up to three others."""
    shipped = load_debian()
    parts = []
    for seed, part in enumerate((shipped.train, shipped.test)):
        random = np.random.default_rng(seed)
        pairs = []
        for labels in part.labels:
            names = [labels[i] for i in random.permutation(len(labels))]
            pairs += [(tuple(names[max(i - 3, 0) : i]), name) for i, name in enumerate(names)]
        parts.append(pairs)
    return parts[0], parts[1]


@cache
def pairs(data: Path, name: str) -> tuple[list, list]:
    """Training and test pairs of a set."""
    return {"wikispeedia": wikispeedia, "yso-en": yso, "debian": debian}[name](data)


def load(data: Path, name: str, share: int = 1) -> dict:
    """Training pairs (every ``share``-th) and test prefixes, one a pair, its length drawn uniformly."""
    train, test = pairs(data, name)
    random = np.random.default_rng(1)
    if len(test) > TEST:
        test = [test[i] for i in np.sort(random.choice(len(test), TEST, replace=False)).tolist()]
    wanted = [normalize(query) for _, query in test]
    lengths = sample_lengths([len(query) for query in wanted], "uniform", random).tolist()
    return {
        "train": train[::share],
        "previous": [list(before) for before, _ in test],
        "prefixes": [query[:n] for query, n in zip(wanted, lengths, strict=True)],
        "wanted": wanted,
    }


def save_answers(path: Path, answers: list[list[str]]) -> None:
    """Keep what a side answered: a list of normal forms a test prefix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in answers))


def read_answers(path: Path) -> list[list[str]]:
    """Read them again."""
    return [json.loads(line) for line in path.read_text().split("\n")]
