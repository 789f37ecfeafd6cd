"""The layout of the data sets that PECOS publishes: matrices as ``.npz``, texts a line each."""

from pathlib import Path

from .containers import MatrixData
from .folder import find, need, prefix, read_column, together
from .lines import StrPath
from .npz import read_npz

__all__ = ["read_pecos"]


def read_pecos(
    directory: StrPath, split: str = "train", *, features: str | None = None, encoding: str = "utf-8"
) -> MatrixData:
    """Read one split.

    ``Y.trn.npz`` is required, and ``X.trn.npz`` or ``X.trn.txt`` (texts, one a line); ``output-items.txt``
    holds the label texts. For the test split ``trn`` reads ``tst``.

    Parameters
    ----------
    directory : path-like
    split : {"train", "test"}
    features : str, optional
        Folder inside the directory with ``X.trn.npz``, such as "tfidf-attnxml"; default: the directory
        itself.
    encoding : str, default "utf-8"
        Encoding of the texts.

    Raises
    ------
    FileNotFoundError
        If a required file is missing; if ``features`` is given, so is its matrix.
    ValueError
        If a file is damaged, or the numbers of rows or labels differ.
    """
    root, part = Path(directory), prefix(split)
    Y = read_npz(need(root, f"Y.{part}.npz"), "Y")
    need(root / (features or ""), f"X.{part}.npz", *([] if features else [f"X.{part}.txt"]))
    X = find(root / (features or ""), f"X.{part}.npz")
    texts, items = find(root, f"X.{part}.txt"), find(root, "output-items.txt")
    return together(
        root,
        Y=Y,
        X=None if X is None else read_npz(X, "X"),
        texts=None if texts is None else read_column(texts, encoding),
        label_texts=None if items is None else read_column(items, encoding),
    )
