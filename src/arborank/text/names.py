"""Label names on their way to label ids, and what is given by label name."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_real
from ..core.errors import ArgumentError
from ..core.label_lists import name_rows
from ..core.lazy import sp
from ..core.sequences import as_column, described, is_missing
from ..core.sparse import Csr, as_csr
from ..core.spelling import spell
from ..core.strings import StringTable
from ..core.types import Labels

__all__ = [
    "LabelTexts",
    "by_name",
    "check_label_texts",
    "encode_names",
    "label_id",
    "label_ids",
    "weight_array",
]

V = TypeVar("V")

LabelTexts: TypeAlias = Mapping[str, str | Sequence[str]]
"""A text, or several, about each of some labels."""


def label_id(labels: StringTable, name: str, normalization: str | None, argument: str) -> int:
    """Return the id of a label; ``ValueError`` if there is none, which names the argument that the name came in."""
    label = labels.find(name)
    if label is None:  # sooner than to spell every name
        label = labels.find(spell(name, normalization))
    if label is None:
        raise ArgumentError(argument, f"holds {name!r}, which is not a label of this model")
    return label


def label_ids(
    labels: StringTable, names: Labels | Iterable[str], normalization: str | None, argument: str
) -> list[int] | list[list[int]]:
    """Return the ids of label names, or of a list of such lists."""
    rows = list(as_column(names, argument, "a list of label names, or one per text", ordered=False))
    if all(issubclass(kind, str) for kind in set(map(type, rows))):  # quick, for it may come with every query
        found = labels.find_each(rows)
        known = [label for label in found if label is not None]
        return (
            known if len(known) == len(rows) else [label_id(labels, n, normalization, argument) for n in rows]
        )
    return [
        [label_id(labels, name, normalization, argument) for name in row]
        for row in name_rows(rows, normalization, argument)
    ]


def weight_array(
    labels: StringTable, weights: Mapping[str, float], normalization: str | None
) -> NDArray[np.float32]:
    """Return the weight of every label, 1 where none is given."""
    if not isinstance(weights, Mapping):
        raise TypeError(
            f"label_weights must map names to numbers, found {described(weights)}; give a dict, such as "
            "dict(zip(names, weights))"
        )
    array = np.ones(len(labels), np.float32)
    for name, weight in by_name("label_weights", weights, normalization).items():
        label = label_id(labels, name, normalization, "label_weights")
        array[label] = check_real(f"label_weights[{name!r}]", weight, least=0.0)
    return array


def by_name(argument: str, values: Mapping[str, V], normalization: str | None) -> dict[str, V]:
    """Return a mapping with its keys spelt alike; ``ValueError`` if two of them are the same name then."""
    spelt = {spell(name, normalization): value for name, value in values.items()}
    if len(spelt) < len(values):
        counts = Counter(spell(name, normalization) for name in values)
        twice = next(name for name, count in counts.items() if count > 1)
        problem = f"holds {twice!r} in {counts[twice]} spellings of Unicode; give it once"
        raise ArgumentError(argument, problem)
    return spelt


def check_label_texts(label_texts: LabelTexts | None, normalization: str | None) -> dict[str, list[str]]:
    """Return the texts about every label by names spelt alike; nothing for None.

    Raises
    ------
    TypeError
        If it does not map names to texts or lists of texts.
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
    about: dict[str, list[str]] = {}
    for name, given in label_texts.items():
        texts = [given] if isinstance(given, str) else given
        if not isinstance(name, str) or not (
            isinstance(texts, list | tuple) and all(isinstance(text, str) for text in texts)
        ):
            hint = "; leave labels without a text out" if is_missing(given) else ""
            raise TypeError(
                f"label_texts must map str to str, or to a list of str, found {name!r}: {given!r}{hint}"
            )
        about[name] = list(texts)
    return by_name("label_texts", about, normalization)


def encode_names(
    rows: list[list[str]], labels: StringTable, unknown: str, weights: list[list[float]] | None = None
) -> Csr:
    """Return the matrix of label names, of ones or weights; see `arborank.TextRanker.encode_labels`."""
    extra: dict[str, int] = {}
    indptr, ids, values = [0], [], []
    for number, row in enumerate(rows):
        for place, name in enumerate(row):
            label = labels.find(name)
            if label is None and unknown == "error":
                raise ValueError(f"labels of row {number} hold {name!r}, which the model does not know")
            if label is None and unknown == "extend":
                label = len(labels) + extra.setdefault(name, len(extra))
            if label is not None:
                ids.append(label)
                values.append(1.0 if weights is None else weights[number][place])
        indptr.append(len(ids))
    shape = (len(rows), len(labels) + len(extra))
    return as_csr(sp.csr_array((np.array(values, np.float32), ids, indptr), shape=shape), "labels")
