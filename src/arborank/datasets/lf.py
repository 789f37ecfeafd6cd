"""The layout of the data sets with label features (LF) of the extreme classification repository."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .containers import MatrixData
from .folder import find, need, prefix, read_column, together
from .lines import StrPath, fault, read_lines
from .xmc import read_sparse

__all__ = ["read_lf"]


def read_lf(directory: StrPath, split: str = "train", *, encoding: str = "utf-8") -> MatrixData:
    """Read one split, with the pairs that must not be scored.

    ``trn_X_Y.txt`` (labels, a sparse file) is required, and ``trn_X_Xf.txt`` (features, a sparse file) or ``trn_X.txt``
    (texts, one per line; a sparse file under this name is recognised by its header and its one line more). ``Y.txt``
    holds the label texts and ``filter_labels_train.txt`` a pair ``row label`` a line. For the test split ``trn`` reads
    ``tst`` and ``train`` reads ``test``. Every file may be packed as ``.gz``, ``.xz`` or ``.zst``.

    Parameters
    ----------
    directory : path-like
    split : {"train", "test"}
    encoding : str, default "utf-8"
        Encoding of the texts.

    Raises
    ------
    FileNotFoundError
        If a required file is missing.
    ValueError
        With file and line, if a file is malformed, or if the numbers of rows or labels differ.
    """
    root, part = Path(directory), prefix(split)
    Y = read_sparse(need(root, f"{part}_X_Y.txt"))
    need(root, f"{part}_X_Xf.txt", f"{part}_X.txt")
    sparse, raw = find(root, f"{part}_X_Xf.txt"), find(root, f"{part}_X.txt")
    X = None if sparse is None else read_sparse(sparse)
    texts: list[str] | None = None
    if raw is not None:
        texts = read_column(raw, encoding)
        if len(texts) == Y.shape[0] + 1 and re.fullmatch(rf"{Y.shape[0]} \d+", texts[0].strip()):
            X, texts = read_sparse(raw) if X is None else X, None
    items, pairs = find(root, "Y.txt"), find(root, f"filter_labels_{split}.txt")
    return together(
        root,
        Y=Y,
        X=X,
        texts=texts,
        label_texts=None if items is None else read_column(items, encoding),
        filter_pairs=None if pairs is None else _read_pairs(pairs),
    )


def _read_pairs(path: Path) -> NDArray[np.int64]:
    found: list[tuple[int, int]] = []
    for number, line in read_lines(path):
        tokens = line.split()
        if len(tokens) != 2 or not all(re.fullmatch(r"[0-9]{1,18}", token) for token in tokens):
            raise fault(path, number, f"two integers >= 0, row and label, were expected, found {line[:60]!r}")
        found.append((int(tokens[0]), int(tokens[1])))
    return np.array(found, np.int64).reshape(-1, 2)
