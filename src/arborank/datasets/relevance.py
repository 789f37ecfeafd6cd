"""How relevant each label of a row is, from a list beside the labels or from an object with a number for each."""

import math
from difflib import SequenceMatcher

from ..core.types import JsonMapping

__all__ = ["relevance_of", "weighed_names", "weight_of"]


def relevance_of(record: JsonMapping, labels_key: str, relevance_key: str) -> list[float] | None:
    """Return one number for each label of a row, or None if the row has none.

    Raises ``ValueError`` if what is there is no finite number of at least 0 for every label, stands in two places, or
    in a list or object by a name such as ``"weights"``, which is not read.
    """
    labels, given = record[labels_key], record.get(relevance_key)
    for key, value in record.items():
        if (
            key not in (labels_key, relevance_key)
            and isinstance(value, (list, dict))
            and _may_weigh(key, relevance_key)
        ):
            raise ValueError(
                f'"{key}" is not read; the relevance of labels stands in "{relevance_key}", a list with one number for '
                f'each of "{labels_key}"'
            )
    if given is not None and isinstance(labels, dict):
        raise ValueError(f'"{labels_key}" and "{relevance_key}" both give a relevance; one was expected')
    place, values = relevance_key, given
    if isinstance(labels, dict):
        place, values = labels_key, list(labels.values())
    if values is None:
        return None
    fits = isinstance(values, list) and len(values) == len(labels)
    if not fits or not all(type(value) in (int, float) and 0 <= value < math.inf for value in values):
        raise ValueError(
            f'"{place}" must hold one finite number of at least 0 for every label, found {repr(record[place])[:60]}'
        )
    return [float(value) for value in values]


def _may_weigh(key: str, relevance_key: str) -> bool:
    """Whether someone may have written the relevance of labels under a key."""
    plain = key.casefold().removeprefix("label").strip("_- ").removesuffix("s")
    return (
        plain in ("weight", "score", "count", "gain")
        or SequenceMatcher(None, plain, relevance_key).ratio() > 0.8
    )


def weighed_names(labels: list[str], separator: str) -> tuple[list[str], list[float]]:
    """Part labels that read ``name::number``; ``ValueError`` if one is none, or its number is not finite or below 0."""
    names, weights = [], []
    for label in labels:
        name, mark, value = label.rpartition(separator)
        try:
            weights.append(weight_of(value) if mark and name else math.nan)
        except ValueError:
            weights.append(math.nan)
        if math.isnan(weights[-1]):
            raise ValueError(f"label{separator}number with a number >= 0 was expected, found {label[:60]!r}")
        names.append(name)
    return names, weights


def weight_of(value: object) -> float:
    """Return how often a row or label counts; ``ValueError`` if it is no finite number of at least 0."""
    try:
        weight = (
            float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
        )
    except (ValueError, OverflowError):
        weight = math.nan
    if not math.isfinite(weight) or weight < 0:
        raise ValueError(f"a weight must be a number of at least 0, found {value!r:.60}")
    return weight
