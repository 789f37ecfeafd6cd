"""Data sets as texts, and as the matrices that every side is given.

A set is a directory with ``train.txt.xz`` and ``test.txt.xz`` (a line an instance: ``i,j,k<TAB>text``, label ids from
0) and ``output-labels.txt.xz`` (a line a label: ``key<TAB>name``). Features are scikit-learn's TF-IDF, so that no side
uses its own; the matrices are kept in the cache.
"""

import lzma
from argparse import Namespace
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import scipy.sparse as sp

SETS = ("debian-depends", "yso-en", "acl-anthology", "eurlex57k")
# of the table defaults: set, first words of its texts, training rows drawn from it (None: all)
REGIMES = {
    "cve-libraries": ("cve-libraries", None, None),
    "debian-depends-short": ("debian-depends", 10, None),
    "yso-en-10k": ("yso-en", None, 10_000),
    "eurlex57k-short": ("eurlex57k", 10, None),
    "acl-anthology-short": ("acl-anthology", 10, None),
    "debian-depends": ("debian-depends", None, None),
    "yso-en-100k": ("yso-en", None, 100_000),
    "acl-anthology": ("acl-anthology", None, None),
    "eurlex57k": ("eurlex57k", None, None),
    "yso-en": ("yso-en", None, None),
}
TESTS = 20_000  # most test rows of a regime
TFIDF = {"ngram_range": (1, 2), "sublinear_tf": True, "min_df": 2, "max_features": 300_000}
MATRICES = ("X.trn", "X.tst", "Y.trn", "Y.tst")


def chosen(given: Namespace, default: tuple[str, ...], file: str = "output-labels.txt.xz") -> list[str]:
    """The sets of a table: those asked for that have what it reads."""
    return [name for name in given.sets or default if (given.data / name / file).exists()]


def read_lines(path: Path, rows: int | None = None) -> list[str]:
    """The first lines of an xz file, all of them for None."""
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        return [line.rstrip("\n") for line in islice(lines, rows)]


def read_part(data: Path, name: str, part: str, rows: int | None = None) -> tuple[list[str], list[list[int]]]:
    """Texts and label ids of one part (``train`` or ``test``) of a set."""
    split = [line.split("\t", 1) for line in read_lines(data / name / f"{part}.txt.xz", rows)]
    return [text for _, text in split], [[int(i) for i in ids.split(",")] for ids, _ in split]


def read_names(data: Path, name: str) -> list[str]:
    """Name of every label."""
    return [line.split("\t", 1)[-1] for line in read_lines(data / name / "output-labels.txt.xz")]


def regime(data: Path, name: str, rows: int | None = None) -> tuple[tuple, tuple, list[str]]:
    """Training part, test part (texts and label ids each) and label names, no two alike.

    Labels without a training row are left out, and so are test rows that have no others.
    """
    base, words, most = REGIMES[name]
    parts = []
    for part, count in (("train", most), ("test", TESTS)):
        texts, labels = read_part(data, base, part, rows)
        drawn = np.sort(np.random.default_rng(0).permutation(len(texts))[:count])
        parts.append([(" ".join(texts[i].split()[:words]) if words else texts[i], labels[i]) for i in drawn])
    ids = sorted({label for _, row in parts[0] for label in row})
    place = {label: i for i, label in enumerate(ids)}
    known = [[(text, [place[i] for i in row if i in place]) for text, row in part] for part in parts]
    train, test = (tuple(zip(*[one for one in part if one[1]], strict=True)) for part in known)
    names = read_names(data, base)
    counts = Counter(names[i] for i in ids)
    return train, test, [names[i] if counts[names[i]] == 1 else f"{names[i]} [{i}]" for i in ids]


def label_matrix(labels: list[list[int]], n_labels: int) -> sp.csr_matrix:
    """Indicator matrix, one row an instance."""
    indptr = np.cumsum([0, *map(len, labels)])
    indices = np.fromiter((i for row in labels for i in row), dtype=np.int32, count=indptr[-1])
    matrix = sp.csr_matrix((np.ones(len(indices), np.float32), indices, indptr), (len(labels), n_labels))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


def cached(directory: Path) -> bool:
    """Whether the four matrices of a set are there."""
    return all((directory / f"{matrix}.npz").exists() for matrix in MATRICES)


def write(matrix, path: Path) -> None:
    """Save under another name and rename, so that a reader sees a whole file or none."""
    matrix.sort_indices()
    unfinished = path.with_name(f"unfinished-{path.name}")
    sp.save_npz(unfinished, matrix, compressed=False)
    unfinished.replace(path)


def prepare(data: Path, cache: Path, name: str, rows: int | None = None) -> Path:
    """Write the four matrices of a set, or of its first rows, unless they are there; their directory."""
    directory = (cache / (f"{name}-{rows}" if rows else name)).resolve()
    if not cached(directory):
        parts = (read_part(data, name, part, rows) for part in ("train", "test"))
        write_matrices(directory, *parts, len(read_names(data, name)))
    return directory


def prepare_regime(
    data: Path, cache: Path, name: str, rows: int | None = None, *, named: bool = False
) -> Path:
    """The same for a regime; if `named`, every label's name is a training row of the label, the last ones."""
    parts = (name, *([str(rows)] if rows else []), *(["named"] if named else []))
    directory = (cache / "regimes" / "-".join(parts)).resolve()
    if not cached(directory):
        train, test, names = regime(data, name, rows)
        if named:
            texts, labels = train
            train = (*texts, *names), (*labels, *([label] for label in range(len(names))))
        write_matrices(directory, train, test, len(names))
    return directory


def write_matrices(directory: Path, train: tuple, test: tuple, n_labels: int) -> None:
    """Write the four matrices of two parts."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    directory.mkdir(parents=True, exist_ok=True)
    vectorizer = TfidfVectorizer(**TFIDF, dtype=np.float32)
    for (texts, labels), suffix, transform in (
        (train, "trn", vectorizer.fit_transform),
        (test, "tst", vectorizer.transform),
    ):
        write(transform(texts), directory / f"X.{suffix}.npz")
        write(label_matrix(labels, n_labels), directory / f"Y.{suffix}.npz")
