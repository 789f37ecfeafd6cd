"""Label names on their way to label ids."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import scipy.sparse as sp

from .sparse import Csr, as_csr
from .spelling import compose
from .strings import StringTable

__all__ = ["Labels", "by_name", "check_label_texts", "encode_names", "label_rows", "spell"]

Labels = Sequence[Iterable[str] | str]


V = TypeVar("V")


def spell(name: str, normalization: str | None) -> str:
    """Return a label name as tables hold it: composed (NFC), or without ``normalization`` as it is."""
    return name if normalization is None else compose(name)


def by_name(argument: str, values: Mapping[str, V], normalization: str | None) -> Mapping[str, V]:
    """Return a mapping with its keys spelt alike; ``ValueError`` if two of them are the same name then."""
    spelt = {spell(name, normalization): value for name, value in values.items()}
    if len(spelt) < len(values):
        counts = Counter(spell(name, normalization) for name in values)
        twice = next(name for name, count in counts.items() if count > 1)
        raise ValueError(f"{argument} holds {twice!r} in {counts[twice]} spellings of Unicode; give it once")
    return spelt


def label_rows(labels: Labels, normalization: str | None, argument: str = "labels") -> list[list[str]]:
    """Return the distinct label names of every row, spelt alike.

    Raises
    ------
    TypeError
        If they are not lists of str or single ones.
    """
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise TypeError(f"{argument} must be a sequence with one entry a text, found {labels!r}")
    rows = []
    for number, row in enumerate(labels):
        if not isinstance(row, Iterable):
            raise TypeError(f"{argument} of row {number} are {row!r}; a list of label names was expected")
        names = [row] if isinstance(row, str) else list(row)
        for name in names:
            if not isinstance(name, str):
                raise TypeError(
                    f"{argument} of row {number} hold {name!r}; label names are str (ids go to XRLinear)"
                )
        rows.append(list(dict.fromkeys(spell(name, normalization) for name in names)))
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


def check_label_texts(label_texts: Any, normalization: str | None) -> Mapping[str, str]:
    """Return ``label_texts`` by names spelt alike, or an empty mapping for None.

    Raises
    ------
    TypeError
        If it does not map names to texts.
    ValueError
        If it holds a name in two spellings.
    """
    if label_texts is None:
        return {}
    if not isinstance(label_texts, Mapping):
        raise TypeError(f"label_texts must map names to texts, found {type(label_texts).__name__}")
    for name, text in label_texts.items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise TypeError(f"label_texts must map str to str, found {name!r}: {text!r}")
    return by_name("label_texts", label_texts, normalization)
