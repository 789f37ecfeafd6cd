"""The layout of the data sets that PECOS publishes: matrices as ``.npz``, one text per line."""

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

    ``Y.trn.npz`` is required, and ``X.trn.npz`` or ``X.trn.txt`` (texts, one per line); ``output-items.txt`` holds the
    label texts. For the test split ``trn`` reads ``tst``. The other parameters and the errors are those of `read_lf`.

    Parameters
    ----------
    features : str, optional
        Folder inside the directory with ``X.trn.npz``, such as "tfidf-attnxml", which must be there then; default: the
        directory itself.
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
