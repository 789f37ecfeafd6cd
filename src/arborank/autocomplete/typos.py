"""Which queries begin with something that is a typo or two away from a prefix."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .._native import near
from .catalogue import Catalogue

__all__ = ["near_queries"]

_SHORTEST, _LONG, _LONGEST = 3, 6, 64
_MOST = 4096


def near_queries(catalogue: Catalogue, prefix: str, typos: int = 1) -> Iterator[NDArray[np.int64]]:
    """Return the ids of queries that begin with a prefix but for one typo, then of those but for two.

    A typo is an extra, missing or wrong character, or two neighbours swapped (optimal string alignment). The first
    character is taken to be right, as are prefixes of fewer than 3 or more than 64 characters; a second typo is looked
    for in prefixes of 6 and more. Of very many queries, the 4096 that were sent most often are returned.

    Parameters
    ----------
    catalogue : Catalogue
    prefix : str
        A form.
    typos : int, default 1
        1 or 2, at most.

    Yields
    ------
    int64 array, ascending, not empty
    """
    if not _SHORTEST <= len(prefix) <= _LONGEST:
        return
    most = min(typos, 2 if len(prefix) >= _LONG else 1)
    forms = catalogue.forms
    if catalogue.compare.infix:
        labels = catalogue.starts.labels
        runs = catalogue.starts.near(forms, prefix, most)
    else:
        labels, runs = None, near(forms.text, forms.offsets, None, None, prefix.encode(), most)
    seen = np.zeros(0, np.int64)
    for errors in range(most + 1):
        places = [np.arange(first, end) for first, end, of in runs if of == errors]
        if places:
            ids = np.concatenate(places)
            ids = ids if labels is None else np.unique(labels[ids]).astype(np.int64)
            ids = np.setdiff1d(ids, seen)
            seen = np.union1d(seen, ids)
            if ids.size > _MOST:
                ids = np.sort(ids[np.argsort(-catalogue.counts[ids], kind="stable")[:_MOST]])
            if errors and ids.size:
                yield ids
