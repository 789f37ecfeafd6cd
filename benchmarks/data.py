"""Real data sets as the matrices every side of a benchmark is given.

A set is a directory with ``train.txt.xz`` and ``test.txt.xz`` (a line an instance: ``i,j,k<TAB>text``,
label ids from 0) and ``output-labels.txt.xz`` (a line a label). Features are scikit-learn's TF-IDF, so that
no side uses its own: ``python benchmarks/data.py eurlex57k`` writes ``X.trn.npz``, ``X.tst.npz``,
``Y.trn.npz`` and ``Y.tst.npz`` (CSR float32, uncompressed) below ``benchmarks/cache/<set>/``.
"""

import argparse
import lzma
import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
SETS = ("eurlex57k", "yso-en", "debian-depends", "acl-anthology")
DEFAULT_DATA = Path(os.environ.get("ARBORANK_DATA", HERE / "data"))
DEFAULT_CACHE = HERE / "cache"
TFIDF = {"ngram_range": (1, 2), "sublinear_tf": True, "min_df": 2, "max_features": 300_000}
MATRICES = ("X.trn", "X.tst", "Y.trn", "Y.tst")


def read_part(data: Path, name: str, part: str) -> tuple[list[str], list[list[int]]]:
    """Texts and label ids of one part (``train`` or ``test``) of a set."""
    texts, labels = [], []
    with lzma.open(data / name / f"{part}.txt.xz", "rt", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            ids, text = line.rstrip("\n").split("\t", 1)
            labels.append([int(i) for i in ids.split(",")])
            texts.append(text)
    return texts, labels


def read_label_names(data: Path, name: str) -> list[str]:
    """One name a label, in the order of the label ids."""
    with lzma.open(data / name / "output-labels.txt.xz", "rt", encoding="utf-8", newline="\n") as lines:
        return [line.rstrip("\n").split("\t", 1)[-1] for line in lines]


def label_matrix(labels: list[list[int]], n_labels: int):
    """Indicator matrix, one row an instance."""
    import numpy as np
    from scipy.sparse import csr_matrix

    indptr = np.cumsum([0, *map(len, labels)])
    indices = np.fromiter((i for row in labels for i in row), dtype=np.int32, count=indptr[-1])
    matrix = csr_matrix((np.ones(len(indices), np.float32), indices, indptr), shape=(len(labels), n_labels))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


def write(matrix, path: Path) -> None:
    """Save under another name and rename: a reader sees a whole file or none."""
    from scipy.sparse import save_npz

    matrix.sort_indices()
    unfinished = path.with_name(f"unfinished-{path.name}")
    save_npz(unfinished, matrix, compressed=False)
    unfinished.replace(path)


def load(cache: Path, name: str, matrix: str):
    """One of ``MATRICES`` of a set."""
    from scipy.sparse import load_npz

    return load_npz(cache / name / f"{matrix}.npz")


def prepare(data: Path, cache: Path, name: str) -> None:
    """Write the four matrices of a set, unless they are there."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    target = cache / name
    if all((target / f"{matrix}.npz").exists() for matrix in MATRICES):
        return
    target.mkdir(parents=True, exist_ok=True)
    n_labels = len(read_label_names(data, name))
    vectorizer = TfidfVectorizer(**TFIDF, dtype=np.float32)
    for part, suffix in (("train", "trn"), ("test", "tst")):
        texts, labels = read_part(data, name, part)
        transform = vectorizer.fit_transform if part == "train" else vectorizer.transform
        write(transform(texts), target / f"X.{suffix}.npz")
        write(label_matrix(labels, n_labels), target / f"Y.{suffix}.npz")


def prepare_text(cache: Path, name: str) -> None:
    """Write ``trn.libsvm`` beside the matrices, for the side that reads nothing else."""
    target = cache / name / "trn.libsvm"
    if not target.exists():
        write_libsvm(load(cache, name, "X.trn"), load(cache, name, "Y.trn"), target)


def write_libsvm(X, Y, target: Path) -> None:
    """Write rows and their labels as text.

    Rows without features (one in 600 at most) are left out: the side that reads this cannot take them.
    """
    import numpy as np
    from sklearn.datasets import dump_svmlight_file

    filled = np.diff(X.indptr) > 0
    X, Y = X[filled], Y[filled]
    unfinished = target.with_name("unfinished-trn.libsvm")
    with unfinished.open("wb") as file:
        file.write(f"{X.shape[0]} {X.shape[1]} {Y.shape[1]}\n".encode())
        dump_svmlight_file(X, Y, file, zero_based=True, multilabel=True)
    unfinished.replace(target)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--data`` and ``--cache``, the same in every script."""
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_DATA, help="directory of the sets (or ARBORANK_DATA)"
    )
    parser.add_argument(
        "--cache", type=Path, default=DEFAULT_CACHE, help="where matrices and measurements are kept"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=SETS, metavar="set")
    add_arguments(parser)
    arguments = parser.parse_args()
    for name in arguments.sets:
        prepare(arguments.data, arguments.cache, name)
        print(name, "ready", flush=True)
