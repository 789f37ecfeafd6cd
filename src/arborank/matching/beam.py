"""Beam search: from the root of a tree of linear rankers down to the best labels."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import _native
from .._native import Csr, LabelFilter, Searcher
from ..core.checks import check_choice
from ..core.lengths import divide_rows
from ..core.memory import check_answers_fit
from ..core.types import AnyArray
from ..ranking.weights import LayerWeights
from .combine import combination
from .copies import MERGES, Merge
from .options import SearchOptions

__all__ = ["BeamSearch", "Drawn", "LabelFilter", "ShownSlots"]

_MANY = 1000  # ids of a single row's filter: from here on it is compared with the one before

_Last = tuple[NDArray[np.int64] | None, NDArray[np.int64] | None, LabelFilter | None]


class ShownSlots(NamedTuple):
    """Which slots of a tree may be shown to a query.

    Attributes
    ----------
    eligible : int64 array of shape (n_slots + 1,), optional
        How many of the slots before each one may be shown: ascending numbers from 0 on. By default all may.
    removed : int64 array, optional
        Slots, ascending, that may not be shown, of those that ``eligible`` counts.
    best : int64 array, optional
        Slots of the best labels, of a model whose own search finds them; they must be among ``removed``.
    promise : float64 array, optional
        Scores of ``best``, from 0 to 1.
    fresh : bool array of shape (n_slots,), optional
        Whether the label of a slot is new.
    """

    eligible: NDArray[np.int64] | None = None
    removed: NDArray[np.int64] | None = None
    best: NDArray[np.int64] | None = None
    promise: NDArray[np.float64] | None = None
    fresh: NDArray[np.bool_] | None = None


Drawn = tuple[
    tuple[int, ...],
    tuple[float, ...],
    tuple[float, ...],
    tuple[tuple[int, ...], ...],
    tuple[tuple[float, ...], ...],
]
"""Labels, scores, propensities, and for each label the nodes above and their marginals."""

_ALL_SLOTS = ShownSlots()


class BeamSearch:
    """Finds the best labels of an instance by following the best nodes of each level of a tree.

    At every level the children of the beam's nodes are scored, and the ``beam_size`` best form the next beam; at the
    last level the ``k`` best labels are kept. Ties fall to the child of the better-placed parent, then to the child
    that comes first. The answer is the same, to the last bit, for one row or many and for any number of threads.

    Parameters
    ----------
    branches : sequence of int64 arrays
        The tree: children of node ``i`` of level ``t`` are nodes ``branches[t][i]`` to ``branches[t][i + 1]`` of level
        ``t + 1``; level 0 is the root. As many as there are layers: the top of a deeper tree may be searched alone.
    layers : sequence of LayerWeights
        The rankers of each level, top first. Their arrays are shared, not copied.
    labels : int32 array of shape (n_slots,)
        The label of every node of the last level. A label may occur more than once.
    n_labels : int
        Number of labels; ids are below it.
    row_length : float, default 1.0
        What instances are divided by, as those were that the layers learned from.

    Raises
    ------
    ValueError
        If the layers do not fit the tree or one another, or a layer's arrays are corrupt.
    """

    def __init__(
        self,
        branches: Sequence[NDArray[np.int64]],
        layers: Sequence[LayerWeights],
        labels: NDArray[np.int32],
        n_labels: int,
        row_length: float = 1.0,
    ) -> None:
        if len(branches) != len(layers):
            raise ValueError(
                f"the tree has {len(branches)} levels below the root, but there are {len(layers)} layers"
            )
        for level, (branch, layer) in enumerate(zip(branches, layers, strict=True)):
            if branch is not layer.branches and not np.array_equal(branch, layer.branches):
                raise ValueError(
                    f"layer {level} was made for another tree: its branches differ from the tree's"
                )
        labels = np.ascontiguousarray(labels, dtype=np.int32)
        self.n_labels = n_labels
        self._depth = len(layers)
        self._row_length = row_length
        self._last: _Last | None = None
        self._searcher = Searcher([layer.native for layer in layers], labels, n_labels)
        self._given = (branches, layers, labels, n_labels, row_length)

    @property
    def native(self) -> Searcher:
        """The search as other kernels take it; it does not know ``row_length``."""
        return self._searcher

    def filter(
        self,
        *,
        allowed: AnyArray | None = None,
        excluded: AnyArray | None = None,
        weights: NDArray[np.float32] | None = None,
    ) -> LabelFilter:
        """Prepare what holds for all rows of many searches; takes time once, in proportion to the labels.

        Parameters
        ----------
        allowed : int array, optional
            The only labels that may be returned. Only nodes that lead to them enter the beam.
        excluded : int array, optional
            Labels that must not be returned; dropped before the ``k`` best are taken.
        weights : float32 array of shape (n_labels,), optional
            What the final score of every label is multiplied by before the ``k`` best are taken, finite and at least
            0; for the ``log-`` combinations their logarithms are added. A label of weight 0 is excluded. They do not
            count above the last level: the beam is that of a search without weights, and of its labels the answer is
            exactly the ``k`` best. Not with ``noop``, whose scores are not probabilities.

        Raises
        ------
        ValueError
            If a label is outside ``[0, n_labels)``, or ``weights`` do not fit.
        """
        return self._searcher.filter(
            allowed=None if allowed is None else np.ascontiguousarray(allowed, dtype=np.int64),
            excluded=None if excluded is None else np.ascontiguousarray(excluded, dtype=np.int64),
            weights=None if weights is None else np.ascontiguousarray(weights, dtype=np.float32),
        )

    def topk(
        self,
        X: Csr,
        k: int,
        *,
        beam_size: int = SearchOptions.beam_size,
        combine: str = SearchOptions.combine,
        label_filter: LabelFilter | None = None,
        allowed: Csr | NDArray[np.int64] | None = None,
        excluded: Csr | NDArray[np.int64] | None = None,
        ranges: NDArray[np.int64] | None = None,
        weights: NDArray[np.float32] | None = None,
        merge: Merge = SearchOptions.merge,
        n_threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the best labels of every row.

        Parameters
        ----------
        X : Csr of shape (n_rows, n_features)
            Instances.
        k : int
            Labels to return for each row.
        beam_size : int, default 10
            Nodes kept at every level but the last; may exceed the number of nodes, which makes the search exhaustive.
        combine : str, default "l3-hinge"
            Score combination, one of `arborank.matching.combine.COMBINATIONS`.
        label_filter : LabelFilter, optional
            What `filter` of this search has prepared; holds for all rows.
        allowed : int64 array of label ids, or Csr of shape (n_rows, n_labels) or (1, n_labels), optional
            The only labels that a row may get, as ids in any order or by the pattern of non-zeros; ids, and a pattern
            of one row, serve all rows. Only nodes that lead to them enter the beam.
        excluded : like ``allowed``, optional
            Labels that a row must not get; dropped before the ``k`` best are taken.
        ranges : int64 array of shape (n_rows, 2), optional
            In place of ``allowed``: a row may get labels ``ranges[i, 0]`` to before ``ranges[i, 1]``. The search begins
            at the deepest node that holds all of them and scores no node above it, so that scores are relative to that
            node. Made for trees in which labels with neighbouring ids stand together; with others a long range may
            let nodes into the beam that lead to none of its labels.
        weights : float32 array of shape (n_labels,), optional
            As for `filter`.
        merge : {"max", "mean", "log-sum", "average"}, default "max"
            How the scores of a label that is reached in several slots become one before the ``k`` best are taken: the
            best; their mean; ``log(sum(exp(score)))``, for scores that are logarithms of shares, as those of the
            ``log-`` combinations are; or their average over all slots of the label, where slots that were not reached
            count 0 (the average of the shares, for the ``log-`` combinations; with ``noop``, the mean). All but
            ``"max"`` score every slot below the beam.
        n_threads : int, default 1
            Threads; 0 means all cores.
        progress : callable, optional
            Called now and then with the number of rows done.

        Returns
        -------
        ids : int64 array of shape (n_rows, k)
            Labels, best first; -1 where the beam holds fewer.
        scores : float32 array of shape (n_rows, k)
            Their scores; -inf where the beam holds fewer.

        Raises
        ------
        ValueError
            If a shape does not fit, a label is out of range, ``k`` or ``beam_size`` is below 1, ``combine`` or
            ``merge`` is unknown, or there are weights with ``merge="log-sum"`` and no ``log-`` combination.
        MemoryError
            If ``k`` answers per row do not fit into memory.
        """
        check_choice("merge", merge, MERGES)
        check_answers_fit(X.shape[0], k)
        only, allowed = self._shared(allowed, "allowed")
        without, excluded = self._shared(excluded, "excluded")
        if weights is not None or (X.shape[0] != 1 and (only is not None or without is not None)):
            if label_filter is not None:
                raise ValueError("label_filter is given; what else holds for all rows belongs into it")
            label_filter = self.filter(allowed=only, excluded=without, weights=weights)
            only = without = None
        elif label_filter is None and _size(only) + _size(without) >= _MANY:
            label_filter = self._repeated(only, without)
            if label_filter is not None:
                only = without = None
        return self._searcher.topk(
            divide_rows(X, self._row_length),
            k,
            _native_options(beam_size, combine, merge),
            label_filter=label_filter,
            allowed=allowed,
            excluded=excluded,
            only=only,
            without=without,
            ranges=ranges,
            n_threads=n_threads,
            progress=progress,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return BeamSearch, self._given

    def __repr__(self) -> str:
        return f"BeamSearch({self._depth} layers above {self.n_labels} labels)"

    def _repeated(
        self, only: NDArray[np.int64] | None, without: NDArray[np.int64] | None
    ) -> LabelFilter | None:
        """Return the prepared form of a single row's filter if the last one had the same, for the next may, too."""
        last = self._last
        if last is None or not (_equal(only, last[0]) and _equal(without, last[1])):
            self._last = (_copy(only), _copy(without), None)
            return None
        prepared = last[2]
        if prepared is None:
            prepared = self.filter(allowed=only, excluded=without)
            self._last = (last[0], last[1], prepared)
        return prepared

    def _shared(self, mask: Any, name: str) -> tuple[NDArray[np.int64] | None, Csr | None]:
        """Return the ids of a filter that holds for all rows, or the filter of each row."""
        if isinstance(mask, np.ndarray):
            return mask, None
        if mask is None or mask.shape[0] != 1:
            return None, mask
        if mask.shape[1] != self.n_labels:
            raise ValueError(f"{name} has {mask.shape[1]} columns, but there are {self.n_labels} labels")
        return mask.indices.astype(np.int64), None

    def frontier(
        self,
        X: Csr,
        k: int,
        policy: _native.ArmPolicy,
        n_explore: int,
        *,
        slots: ShownSlots = _ALL_SLOTS,
        beam_size: int = SearchOptions.beam_size,
        combine: str = SearchOptions.combine,
    ) -> tuple[
        NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], int
    ]:
        """Return what the search for a single row comes to: the labels reached, and every node that it does not open.

        An arm is a run of slots. Together the arms hold every slot that may be shown once.

        Parameters
        ----------
        X : Csr of shape (1, n_features)
        k : int
            Labels to be shown.
        policy : ArmPolicy
        n_explore : int
            Of the ``k`` places, so many may show another arm than the next best one.
        slots : ShownSlots, optional
            By default all may be shown. Nodes without a slot that may be shown are no arms, and take no place in the
            beam.
        beam_size, combine
            As for `topk`, without ``noop``.

        Returns
        -------
        begin, end : int64 arrays of shape (n_arms,)
            The slots of each arm: those of the labels first, the best ``k`` in order, then those of the nodes.
        count : int64 array of shape (n_arms,)
            How many of them may be shown, at least 1.
        scores : float64 array of shape (n_arms,)
            From 0 to 1; exponentials for the ``log-`` combinations.
        chances : float64 array of shape (n_arms,)
            The probability that a slot of the arm is shown.
        n_labels : int
            How many arms are labels.

        Raises
        ------
        ValueError
            If a shape does not fit, ``combine`` is ``noop``, or ``k`` or ``beam_size`` is below 1.
        """
        options = _native_options(beam_size, combine, SearchOptions.merge)
        rows = divide_rows(X, self._row_length)
        return self._searcher.frontier(rows, k, options, policy, n_explore, **slots._asdict())

    def decide(
        self,
        X: Csr,
        k: int,
        policy: _native.ArmPolicy,
        n_explore: int,
        uniform: float,
        *,
        slots: ShownSlots = _ALL_SLOTS,
        beam_size: int = SearchOptions.beam_size,
        combine: str = SearchOptions.combine,
    ) -> Drawn:
        """Draw what to show from the arms of `frontier`, whose arguments these are, by a number from 0 to below 1.

        Returns
        -------
        labels, scores, propensities : tuples
        nodes, marginals : tuples of tuples
            For each label, top first, the nodes above it, and how many labels below each are shown, as expected.
        """
        options = _native_options(beam_size, combine, SearchOptions.merge)
        rows = divide_rows(X, self._row_length)
        return self._searcher.decide(rows, k, options, policy, n_explore, uniform, **slots._asdict())

    def nodes(
        self,
        X: Csr,
        k: int,
        *,
        beam_size: int | None = None,
        combine: str = SearchOptions.combine,
        n_threads: int = 1,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the ``k`` best nodes of every row, where this is the top of a taller tree.

        As `topk` with a beam of ``beam_size``, by default ``k``, but "labels" are scored as nodes above the labels are.
        """
        above = combination(combine, labels=False)
        options = _native.SearchOptions(beam_size=beam_size or k, above=above, at_labels=above)
        return self._searcher.topk(divide_rows(X, self._row_length), k, options, n_threads=n_threads)


@lru_cache
def _native_options(beam_size: int, combine: str, merge: str) -> _native.SearchOptions:
    return _native.SearchOptions(
        beam_size=min(beam_size, 2**62),  # beyond what there can be
        above=combination(combine, labels=False),
        at_labels=combination(combine),
        merge=MERGES[merge],
    )


def _size(ids: NDArray[np.int64] | None) -> int:
    return 0 if ids is None else ids.size


def _copy(ids: NDArray[np.int64] | None) -> NDArray[np.int64] | None:
    return None if ids is None else ids.copy()


def _equal(a: NDArray[np.int64] | None, b: NDArray[np.int64] | None) -> bool:
    if a is None or b is None:
        return a is b
    if a.size != b.size or (a.size and a[-1] != b[-1]):  # most often, without a look at all of them
        return False
    return bool((a == b).all())
