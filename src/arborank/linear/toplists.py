"""Merges the top lists of several rankers into one list."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.checks import check_choice, check_integer, check_top_ids
from ..core.memory import check_answers_fit
from ..core.topk import best_columns, no_answers

__all__ = ["Method", "TopK", "check_method", "check_weights", "combine_topk"]

TopK = tuple[NDArray[np.int64], NDArray[np.float32]]
Method = Literal["average", "rank", "softmax", "sigmoid", "round-robin"]


def combine_topk(
    predictions: Sequence[tuple[ArrayLike, ArrayLike]],
    method: Method = "average",
    k: int | None = None,
    *,
    weights: ArrayLike | None = None,
) -> TopK:
    r"""Merge the top lists of several rankers.

    A label's new score is the weighted mean, over all rankers, of what its score ``s`` or its place ``r``
    (from 0) in a ranker's list is turned into; a ranker that does not list the label adds 0.

    - ``"average"``: ``s`` itself. Scores must be >= 0, as probabilities are: an absent label would otherwise
      outrank a listed one.
    - ``"rank"``: ``w - r``, where ``w`` is the number of columns of the widest list. Scores do not matter.
    - ``"softmax"``: ``exp(s) / sum(exp(s))`` over the ranker's list in that row.
    - ``"sigmoid"``: ``1 / (1 + exp(-s))``.
    - ``"round-robin"``: no mean. The lists are dealt in turn, every ranker's first label, then every ranker's
      second, and a label keeps its best turn. Of ``M`` rankers the ``m``-th (from 0) gives
      ``w - r + (M - m) / (M + 1)``, and the score is the largest of these divided by ``M``.

    These are the ensembles of PECOS, save that its ``w`` is the longest row of the batch, and that it
    averages negative scores too.

    Parameters
    ----------
    predictions : sequence of (ids, scores)
        One pair a ranker: ids of shape (n_rows, width), padded at the end with -1, best first, and scores of
        that shape. Widths may differ.
    method : {"average", "rank", "softmax", "sigmoid", "round-robin"}, default "average"
    k : int, optional
        Columns of the result; default: the width of the widest list.
    weights : array-like of shape (n_rankers,), optional
        Weights of the rankers, >= 0 and not all zero; default: equal. Not for "round-robin".

    Returns
    -------
    ids : int64 array of shape (n_rows, k)
        Best first, padded with -1; ties by the smaller id.
    scores : float32 array of shape (n_rows, k)
        Padded with -inf.

    Raises
    ------
    TypeError
        If ids are not integers.
    ValueError
        If the shapes differ, a row repeats an id or has padding before an id, a score is not finite, or an
        argument is out of its range.
    MemoryError
        If ``k`` answers per row do not fit into memory.

    Examples
    --------
    >>> from arborank.linear.toplists import combine_topk
    >>> a = [[3, 1]], [[0.75, 0.5]]
    >>> b = [[1, 2]], [[0.5, 0.25]]
    >>> ids, scores = combine_topk([a, b], "average")
    >>> ids.tolist(), scores.tolist()
    ([[1, 3]], [[0.5, 0.375]])
    """
    check_method(method)
    lists = [_check_list(pair, number) for number, pair in enumerate(predictions)]
    if not lists:
        raise ValueError("predictions is empty; one pair (ids, scores) a ranker was expected")
    rows = [len(ids) for ids, _ in lists]
    if len(set(rows)) > 1:
        raise ValueError(f"the predictions have different numbers of rows: {rows}")
    width = max(ids.shape[1] for ids, _ in lists)
    k = width if k is None else check_integer("k", k, 1)
    check_answers_fit(rows[0], k)
    if method == "round-robin":
        if weights is not None:
            raise ValueError("round-robin takes no weights; the order of the rankers decides")
        gains = [_turn(ids, number, len(lists), width) for number, (ids, _) in enumerate(lists)]
        return _merge([ids for ids, _ in lists], gains, k, np.maximum)
    shares = check_weights(weights, len(lists))
    gains = [
        share * _GAINS[method](ids, scores, width) for share, (ids, scores) in zip(shares, lists, strict=True)
    ]
    return _merge([ids for ids, _ in lists], gains, k, np.add)


Gain = Callable[[NDArray[np.int64], NDArray[np.float64], int], NDArray[np.float64]]


def _average(ids: NDArray[np.int64], scores: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    if (scores[ids >= 0] < 0).any():
        lowest = scores[ids >= 0].min()
        raise ValueError(f"average needs scores >= 0, found {lowest:g}; use rank, softmax or sigmoid")
    return scores


def _rank(ids: NDArray[np.int64], scores: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    gain: NDArray[np.float64] = np.broadcast_to(width - np.arange(ids.shape[1], dtype=np.float64), ids.shape)
    return gain


def _softmax(ids: NDArray[np.int64], scores: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    listed = np.where(ids >= 0, scores, -np.inf)
    top = listed.max(axis=1, keepdims=True, initial=np.finfo(np.float64).min)
    weights: NDArray[np.float64] = np.exp(listed - top)
    weights /= np.maximum(
        weights.sum(axis=1, keepdims=True), 1.0
    )  # the best one is 1, unless the row is empty
    return weights


def _sigmoid(ids: NDArray[np.int64], scores: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    small = np.exp(-np.abs(scores))  # never overflows
    gain: NDArray[np.float64] = np.where(scores >= 0, 1.0, small) / (1.0 + small)
    return gain


_GAINS: dict[str, Gain] = {"average": _average, "rank": _rank, "softmax": _softmax, "sigmoid": _sigmoid}


def _turn(ids: NDArray[np.int64], number: int, n_models: int, width: int) -> NDArray[np.float64]:
    turns = width - np.arange(ids.shape[1]) + (n_models - number) / (n_models + 1.0)
    return np.broadcast_to(turns / n_models, ids.shape)


def _merge(
    all_ids: list[NDArray[np.int64]],
    gains: list[NDArray[np.float64]],
    k: int,
    join: Callable[..., NDArray[Any]],
) -> TopK:
    """Join the gains of equal ids in every row and keep the k best."""
    ids = np.concatenate(all_ids, axis=1)
    total = np.concatenate(gains, axis=1)
    order = np.argsort(ids, axis=1, kind="stable")
    ids, total = np.take_along_axis(ids, order, axis=1), np.take_along_axis(total, order, axis=1)
    single = total.copy()
    for step in range(
        1, min(len(all_ids), ids.shape[1])
    ):  # a run of equal ids has one entry per ranker at most
        same = ids[:, step:] == ids[:, :-step]
        total[:, :-step] = np.where(same, join(total[:, :-step], single[:, step:]), total[:, :-step])
    first = np.diff(ids, axis=1, prepend=-1) > 0
    total[~first] = -np.inf
    best = best_columns(total, k)
    found, scores = no_answers(len(ids), k)
    chosen = np.take_along_axis(total, best, axis=1)
    listed = chosen > -np.inf
    found[:, : best.shape[1]] = np.where(listed, np.take_along_axis(ids, best, axis=1), -1)
    scores[:, : best.shape[1]] = chosen
    return found, scores


def check_method(method: str) -> None:
    """Raise ``ValueError`` unless the method is known."""
    check_choice("method", method, (*_GAINS, "round-robin"))


def check_weights(weights: ArrayLike | None, n_models: int) -> NDArray[np.float64]:
    """Return the weights scaled to the sum 1; ``TypeError`` or ``ValueError`` if they do not fit."""
    if weights is None:
        return np.full(n_models, 1.0 / n_models)
    shares = np.asarray(weights)
    if shares.dtype.kind not in "biuf":
        raise TypeError(f"weights must be numbers, found {weights!r}")
    shares = shares.astype(np.float64)
    if shares.shape != (n_models,):
        raise ValueError(f"weights have shape {shares.shape}, but there are {n_models} models")
    if not (np.isfinite(shares).all() and (shares >= 0).all() and shares.sum() > 0):
        raise ValueError(f"weights are {shares.tolist()}; finite numbers >= 0, not all zero, were expected")
    scaled: NDArray[np.float64] = shares / shares.sum()
    return scaled


def _check_list(
    pair: tuple[ArrayLike, ArrayLike], number: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    name = f"predictions[{number}]"
    ids, scores = check_top_ids(name, pair[0]), np.asarray(pair[1], np.float64)
    if ids.shape != scores.shape:
        raise ValueError(
            f"{name}: ids have shape {ids.shape} and scores {scores.shape}; equal shapes were expected"
        )
    if not np.isfinite(scores[ids >= 0]).all():
        raise ValueError(f"{name}: a score is not finite")
    return ids, np.where(ids >= 0, scores, 0.0)
