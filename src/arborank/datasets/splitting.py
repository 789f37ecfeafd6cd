"""One data set into two: at random, the same for everyone who gives the same numbers."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer, check_real
from ..core.errors import ArgumentError
from ..core.lazy import sp
from .containers import MatrixData, TextData

__all__ = ["reciprocal_pairs", "split"]

D = TypeVar("D", TextData, MatrixData)


def split(data: D, test: float = 0.1, *, random_state: int = 0) -> tuple[D, D]:
    """Split data into a training and a test part; rows keep their order.

    Which rows are held out depends on their number, ``test`` and ``random_state`` alone: on every machine, and in every
    version of NumPy whose ``PCG64`` is the same, which NumPy guarantees.

    Parameters
    ----------
    data : TextData or MatrixData
    test : float, default=0.1
        Share of the rows that are held out, above 0 and below 1.
    random_state : int, default=0

    Returns
    -------
    train, test

    Raises
    ------
    TypeError
        If ``data`` is something else.
    ValueError
        If a part would be empty, or a number is out of range.

    Examples
    --------
    >>> from arborank.datasets import TextData, split
    >>> train, test = split(TextData(["a", "b", "c", "d"], [["x"]] * 4), 0.25)
    >>> len(train.texts), len(test.texts)
    (3, 1)
    """
    if not isinstance(data, (TextData, MatrixData)):
        raise TypeError(f"data must be TextData or MatrixData, found {type(data).__name__}")
    share = check_real("test", test, above=0.0, most=1.0)
    n_rows = len(data)
    n_test = round(n_rows * share)
    if not 0 < n_test < n_rows:
        raise ArgumentError(
            "test", f"{test:g} of {n_rows} rows leaves {n_rows - n_test} and {n_test}; each needs one"
        )
    drawn = np.random.Generator(np.random.PCG64(check_integer("random_state", random_state, 0))).random(
        n_rows
    )
    held = np.zeros(n_rows, np.bool_)
    held[np.argsort(drawn, kind="stable")[:n_test]] = True
    return data.take(np.flatnonzero(~held)), data.take(np.flatnonzero(held))


def reciprocal_pairs(train: MatrixData, test: MatrixData) -> NDArray[np.int64]:
    """Return the pairs of a test set that training tells: itself, or its reverse.

    Where instances and labels are the same things, such as products bought together, an instance is its own label, or
    the label has the instance as one of its labels in training. Give them to `arborank.metrics.evaluate` as
    ``filter_pairs``.

    Parameters
    ----------
    train, test : MatrixData
        With ``texts`` and ``label_texts``: an instance and a label of equal text are one thing.

    Returns
    -------
    int64 array of shape (n_pairs, 2)
        (instance, label), ascending.

    Raises
    ------
    ValueError
        If texts are missing, or the labels are not the same ones.
    """
    for name, data in (("train", train), ("test", test)):
        if data.texts is None or data.label_texts is None:
            raise ArgumentError(
                name, "has no texts or no label_texts, which tell that an instance is a label"
            )
    if train.label_texts != test.label_texts:
        raise ArgumentError("test", "has other labels than train")
    labels = {text: label for label, text in enumerate(test.label_texts or ())}
    known = np.array([labels.get(text, -1) for text in train.texts or ()], np.int64)
    asked = np.array([labels.get(text, -1) for text in test.texts or ()], np.int64)
    rows = np.flatnonzero(known >= 0)
    n_labels = len(labels) if len(labels) > test.Y.shape[1] else test.Y.shape[1]
    pattern = sp.csr_array(
        (np.ones(train.Y.nnz, np.int8), train.Y.indices, train.Y.indptr), shape=train.Y.shape
    )
    of = sp.csr_array((np.ones(rows.size, np.int8), (known[rows], rows)), shape=(n_labels, train.Y.shape[0]))
    told = sp.csr_array((of @ pattern).T)  # row l: the things that have label l in training
    found = [(row, label) for row, label in enumerate(asked.tolist()) if label >= 0]
    pairs = set(found)  # an instance and itself
    for row, label in found:
        reverse = told[[label]].indices  # labels of things: of row l are those that name it
        pairs.update((row, int(other)) for other in reverse)
    return np.array(sorted(pairs), np.int64).reshape(-1, 2)
