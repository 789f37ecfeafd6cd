"""Lists of label lists: the labels of every row, by name or by id, as users write them."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .checks import check_real
from .sequences import as_column, is_missing
from .spelling import spell
from .types import Relevance, Targets, WeightedLabels

__all__ = ["id_rows", "is_row", "name_rows", "weighted_rows"]


def name_rows(labels: WeightedLabels, normalization: str | None, argument: str = "labels") -> list[list[str]]:
    """Return the distinct label names of every row, spelt alike.

    Parameters
    ----------
    labels : sequence with one entry per row
        A list, set or other collection of str, or one str for a single label.
    normalization : "NFC" or None
        As for `arborank.core.spelling.spell`.
    argument : str, default "labels"
        Its name, for error messages.

    Raises
    ------
    TypeError
        If it is anything else, such as a data frame of several columns, a mapping or a set, or if a row is missing or
        holds anything else than str. Rows that map names to weights are for `weighted_rows`.
    """
    rows = _rows(labels, argument, "one list of label names per text")
    for number, row in enumerate(rows):
        _check_weightless(row, f"{argument} of row {number}")
    return [
        list(dict.fromkeys(_names(row, normalization, f"{argument} of row {number}")))
        for number, row in enumerate(rows)
    ]


def weighted_rows(
    labels: WeightedLabels, relevance: Relevance | None, normalization: str | None
) -> tuple[list[list[str]], list[list[float]] | None]:
    """Return the label names of every row and, if anything tells of it, the weight of each.

    Parameters
    ----------
    labels
        As for `name_rows`; or rows that map label names to weights.
    relevance : sequence with one entry per row, or None
        A number for every label of the row, in the order of ``labels``.
    normalization
        As for `name_rows`.

    Returns
    -------
    rows : list of lists of distinct str
    weights : list of lists of float, or None
        1 in rows without weights.

    Raises
    ------
    TypeError, ValueError
        As `name_rows`, or if a weight is not a finite number of at least 0, there are not as many as labels, or weights
        come in both ways.
    """
    entries = _rows(labels, "labels", "one list of label names per text")
    if relevance is None and not any(isinstance(row, Mapping) for row in entries):
        return name_rows(entries, normalization), None
    rows = [
        _names(row.keys() if isinstance(row, Mapping) else row, normalization, f"labels of row {number}")
        for number, row in enumerate(entries)
    ]
    if relevance is None:
        given = [
            row.values() if isinstance(row, Mapping) else [1.0] * len(names)
            for row, names in zip(entries, rows, strict=True)
        ]
    else:
        for number, row in enumerate(entries):
            _check_weightless(row, f"relevance is given, but labels of row {number}")
        given = _rows(relevance, "relevance", "one list of numbers per text")
        if len(given) != len(rows):
            raise ValueError(
                f"relevance has {len(given)} entries but labels has {len(rows)}; they go in pairs"
            )
    return rows, [_weights(*pair, number) for number, pair in enumerate(zip(rows, given, strict=True))]


def id_rows(labels: Targets, argument: str) -> list[list[int]]:
    """Return the label ids of every row.

    Raises
    ------
    TypeError
        As `name_rows`, for integers in place of str.
    ValueError
        If an id is negative, or the rows are not ids but the zeros and ones of an indicator: one holds an id twice, or
        each holds 0 and 1, some in this order and some in the other.
    """
    rows = []
    for number, row in enumerate(_rows(labels, argument, "one list of label ids per row")):
        where = f"{argument} row {number}"
        if not is_row(row):
            hint = "; [] is a row without labels" if is_missing(row) else ""
            raise TypeError(f"{where} is {row!r}; a list of label ids was expected{hint}")
        _check_weightless(row, where)
        ids = list(as_column(row, where, "a list of label ids", ordered=False))
        for label in ids:
            if not isinstance(label, (int, np.integer)) or isinstance(label, bool):
                raise TypeError(
                    f"{argument} must hold integer label ids, found {label!r} in row {number}{_hint(label, argument)}"
                )
            if label < 0:
                raise ValueError(f"{where} holds {label}; label ids start at 0")
        rows.append(ids)
    _check_no_indicator(rows, argument)
    return rows


def is_row(value: object) -> bool:
    """Whether a value holds the labels of a row, rather than being one."""
    single = isinstance(value, (str, bytes)) or getattr(value, "shape", None) == ()
    return isinstance(value, Iterable) and not single


def _rows(labels: Any, argument: str, wanted: str) -> list[Any]:
    if isinstance(labels, np.ndarray) and labels.ndim == 2:
        return labels.tolist()  # type: ignore[no-any-return]
    return list(as_column(labels, argument, wanted))


def _names(row: Any, normalization: str | None, where: str) -> list[str]:
    if isinstance(row, str):
        return [spell(row, normalization)]
    if is_missing(row):
        raise TypeError(f"{where} are missing ({row!r}); [] is a row without labels")
    names = list(as_column(row, where, "a list of label names", ordered=False))
    for name in names:
        if not isinstance(name, str):
            kind = "a list within a list" if is_row(name) else "label names are str (ids go to XRLinear)"
            raise TypeError(f"{where} hold {name!r}; {kind}")
    return [spell(name, normalization) for name in names]


def _weights(names: list[str], values: Any, number: int) -> list[float]:
    where = f"relevance of row {number}"
    numbers = list(as_column(values, where, "a list of numbers") if is_row(values) else [values])
    if len(numbers) != len(names):
        raise ValueError(f"{where} has {len(numbers)} numbers, but labels has {len(names)} there")
    if len(set(names)) < len(names):
        raise ValueError(
            f"labels of row {number} hold a name twice; with a relevance each may stand there once"
        )
    return [
        check_real(f"{where} for {name!r}", value, least=0.0)
        for name, value in zip(names, numbers, strict=True)
    ]


def _check_weightless(row: Any, where: str) -> None:
    if isinstance(row, Mapping):
        raise TypeError(f"{where} map labels to weights, which have no use here; give list(row)")


def _check_no_indicator(rows: list[list[int]], argument: str) -> None:
    twice = next((number for number, row in enumerate(rows) if len(set(row)) < len(row)), None)
    of_two = all(len(row) == 2 and row[0] + row[1] == 1 for row in rows)  # every row would have both labels
    if twice is not None or (of_two and any(row != rows[0] for row in rows)):
        found = (
            f"repeats a label in row {twice}"
            if twice is not None
            else "holds 0 and 1, in any order, in every row"
        )
        raise ValueError(
            f"{argument} {found}; lists hold label ids, and an indicator of zeros and ones must be an array, such as "
            f"np.asarray({argument})"
        )


def _hint(label: Any, argument: str) -> str:
    if isinstance(label, str):
        return "; names go to TextRanker, whose encode_labels gives their ids"
    if isinstance(label, (bool, float, np.bool_, np.floating)):
        return f"; an indicator must be an array, such as np.asarray({argument})"
    return "; a list within a list" if is_row(label) else ""
