"""Label names on their way to label ids."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from .sparse import Csr, as_csr
from .strings import StringTable

__all__ = ["Labels", "check_label_texts", "encode_names", "label_rows"]

Labels = Sequence[Iterable[str] | str]


def label_rows(labels: Labels, argument: str = "labels") -> list[list[str]]:
    """Return the distinct label names of every row; ``TypeError`` if they are not lists of str or single ones."""
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise TypeError(f"{argument} must be a sequence with one entry a text, found {labels!r}")
    rows = []
    for number, row in enumerate(labels):
        if not isinstance(row, Iterable):
            raise TypeError(f"{argument} of row {number} are {row!r}; a list of label names was expected")
        names = [row] if isinstance(row, str) else list(dict.fromkeys(row))
        for name in names:
            if not isinstance(name, str):
                raise TypeError(
                    f"{argument} of row {number} hold {name!r}; label names are str (ids go to XRLinear)"
                )
        rows.append(names)
    return rows


def encode_names(rows: list[list[str]], table: StringTable, unknown: str) -> Csr:
    """Return the indicator matrix of label names; see `arborank.TextRanker.encode_labels`."""
    extra: dict[str, int] = {}
    indptr, ids = [0], []
    for number, row in enumerate(rows):
        for name in row:
            label = table.find(name)
            if label is None and unknown == "error":
                raise ValueError(f"labels of row {number} hold {name!r}, which the model does not know")
            if label is None and unknown == "extend":
                label = len(table) + extra.setdefault(name, len(extra))
            if label is not None:
                ids.append(label)
        indptr.append(len(ids))
    shape = (len(rows), len(table) + len(extra))
    return as_csr(sp.csr_array((np.ones(len(ids), np.float32), ids, indptr), shape=shape), "labels")


def check_label_texts(label_texts: Any) -> Mapping[str, str]:
    """Return ``label_texts``, or an empty mapping for None; ``TypeError`` if it does not map names to texts."""
    if label_texts is None:
        return {}
    if not isinstance(label_texts, Mapping):
        raise TypeError(f"label_texts must map names to texts, found {type(label_texts).__name__}")
    for name, text in label_texts.items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise TypeError(f"label_texts must map str to str, found {name!r}: {text!r}")
    return label_texts
