"""Label names on their way to label ids."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import scipy.sparse as sp

from .sequences import described, is_missing
from .sparse import Csr, as_csr
from .spelling import compose
from .strings import StringTable

__all__ = ["Labels", "WeightedLabels", "by_name", "check_label_texts", "encode_names", "spell"]

Labels = Sequence[Iterable[str] | str]
WeightedLabels = Sequence[Iterable[str] | str | Mapping[str, float]]


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


def encode_names(
    rows: list[list[str]], table: StringTable, unknown: str, weights: list[list[float]] | None = None
) -> Csr:
    """Return the matrix of label names, of ones or weights; see `arborank.TextRanker.encode_labels`."""
    extra: dict[str, int] = {}
    indptr, ids, values = [0], [], []
    for number, row in enumerate(rows):
        for place, name in enumerate(row):
            label = table.find(name)
            if label is None and unknown == "error":
                raise ValueError(f"labels of row {number} hold {name!r}, which the model does not know")
            if label is None and unknown == "extend":
                label = len(table) + extra.setdefault(name, len(extra))
            if label is not None:
                ids.append(label)
                values.append(1.0 if weights is None else weights[number][place])
        indptr.append(len(ids))
    shape = (len(rows), len(table) + len(extra))
    return as_csr(sp.csr_array((np.array(values, np.float32), ids, indptr), shape=shape), "labels")


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
        raise TypeError(
            f"label_texts must map names to texts, found {described(label_texts)}; give a dict, such as "
            "dict(zip(names, texts))"
        )
    for name, text in label_texts.items():
        if not isinstance(name, str) or not isinstance(text, str):
            hint = "; leave labels without a text out" if is_missing(text) else ""
            raise TypeError(f"label_texts must map str to str, found {name!r}: {text!r}{hint}")
    return by_name("label_texts", label_texts, normalization)
