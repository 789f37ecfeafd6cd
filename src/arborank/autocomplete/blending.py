"""From what followed a context, what is frequent and what the model says to one ranking."""

import numpy as np
from numpy.typing import NDArray

from .catalogue import Catalogue
from .followers import Found

__all__ = ["blend"]

_FREQUENCY = 0.03  # share of the frequency where nothing followed: it orders what the model holds alike


def blend(
    catalogue: Catalogue, run: tuple[int, int], k: int, ids: list[int], scores: list[float], after: Found
) -> tuple[list[int], list[float]]:
    """Rank the queries of a range of ids.

    With ``f`` the share of a query in what was sent, of that range, and ``q`` its score by the model (0 where the
    model does not reach it), the score of one that followed ``n`` times of ``N`` is ``(n + f (1 + q) / 2) / (N + 1)``:
    counts come first, and weigh the more the more there are; all else counts as one more sending. Where nothing of the
    range followed, it is ``0.97 q + 0.03 f``, and ``f`` where the model has nothing either.

    Parameters
    ----------
    catalogue : Catalogue
    run : (int, int)
        The first id, and the one behind the last.
    k : int
        Most queries.
    ids, scores : lists
        What the model ranks highest; -1 stands for nothing.
    after : (int32 array, float64 array)
        Ids that followed, and how often.

    Returns
    -------
    ids : list of int, best first
    scores : list of float
        From 0 to 1.
    """
    model = {i: score for i, score in zip(ids, scores, strict=True) if i >= 0}
    labels, times = after
    if labels.size and catalogue.blocked.size:
        open_ = ~np.isin(labels, catalogue.blocked)
        labels, times = labels[open_], times[open_]
    total, n = catalogue.total(*run), 0.0
    if labels.size > k:  # those that the model does not rank are as many as can be in the result
        n = float(times.sum())
        places = _top(times + catalogue.counts[labels] * (0.5 / total), k)
        more = labels.searchsorted(list(model))
        places = np.concatenate([places, more[more < labels.size]])
        labels, times = labels[places], times[places]
    followed = dict(zip(labels.tolist(), times.tolist(), strict=True))
    n = n or sum(followed.values())
    chosen = {**followed, **model}
    if len(followed) < k and len(chosen) < run[1] - run[0]:
        chosen |= dict.fromkeys(catalogue.frequent(*run, k).tolist())
    sent, weight = catalogue.counts.data, _FREQUENCY if model else 1.0
    rows = []
    for i in chosen:
        share, score = sent[i] / total, model.get(i, 0.0)
        if n:
            value = (followed.get(i, 0.0) + share * (1 + score) / 2) / (n + 1)
        else:
            value = (1 - weight) * score + weight * share
        rows.append((-value, i))
    rows.sort()
    del rows[k:]
    return [i for _, i in rows], [-value for value, _ in rows]


def _top(values: NDArray[np.float64], k: int) -> NDArray[np.intp]:
    places: NDArray[np.intp] = np.argpartition(values, values.size - k)[-k:]
    return places
