"""Any indexer, matcher and ranker, composed: the generic form of what `XRLinear` does in one native structure."""

import copy
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..calibration import Calibration
from ..core.checks import check_flag, check_integer
from ..core.estimator import check_fitted
from ..core.lazy import sp
from ..core.memory import check_answers_fit
from ..core.sparse import Csr, as_csr, lists_to_csr, places_of, to_scipy
from ..core.topk import no_answers, put_best
from ..core.types import LabelIds, MatrixLike, Targets
from ..indexing import LabelTree
from ..linear.calibrated import CalibratedMixin, take_rows
from ..linear.crossfitting import cross_fitted
from ..linear.filters import label_filter
from ..linear.targets import as_indicator
from ..matching import combination
from ..matching.combine import is_logarithmic
from ..matching.copies import Merge, merge_copies
from ..matching.options import SearchOptions
from ..ranking.negatives import parse_scheme
from . import Indexer, Matcher, Ranker
from .protocols import checked_matches, checked_scores, checked_tree, require_stage

__all__ = ["StagedRanker"]

_SCORES = 1 << 22  # scored at a time, at most one row's if they are more; some 60 bytes each


class StagedRanker(CalibratedMixin):
    """A label ranker of three replaceable stages.

    Parameters
    ----------
    indexer : Indexer or LabelTree
        Groups the labels, or the finished tree.
    matcher : Matcher
    ranker : Ranker
        See `arborank.stages.protocols` for what the three promise.
    beam_size : int, default 10
        Clusters matched to an instance.
    combine : str, default "l3-hinge"
        How a ranker's value joins its cluster's score; see `arborank.matching.combine`. With ``"noop"`` the ranker's
        values are the scores.
    merge : {"max", "mean", "log-sum", "average"}, default "max"
        How scores of a label that was reached in several clusters become one; see `arborank.matching.copies`.
    negatives : {"tfn", "tfn+man"}, default "tfn"
        Examples of a cluster for the ranker: instances with a label in it, and with ``man`` those that the matcher
        sends there, too.
    calibrate : bool, default False
        Whether `fit` also learns what scores mean as probabilities, for `predict_proba_topk`: it fits copies of the
        stages, made with `copy.deepcopy`, to nine tenths of the rows, and ranks the others; see `XRLinear`.

    Attributes
    ----------
    tree_ : LabelTree
    calibration_ : Calibration or None
    n_labels_, n_features_in_ : int

    Notes
    -----
    Stages are used as they are given, and are fitted in place. A model is not saved: its stages are the user's.
    `XRLinear` is the same composition of `KMeansIndexer`, `LinearMatcher` and `LinearRanker`, many times faster.
    """

    def __init__(
        self,
        indexer: Indexer | LabelTree,
        matcher: Matcher,
        ranker: Ranker,
        *,
        beam_size: int = SearchOptions.beam_size,
        combine: str = SearchOptions.combine,
        merge: Merge = SearchOptions.merge,
        negatives: str = "tfn",
        calibrate: bool = False,
    ) -> None:
        if not isinstance(indexer, LabelTree):
            require_stage(indexer, Indexer, "indexer")
        require_stage(matcher, Matcher, "matcher")
        require_stage(ranker, Ranker, "ranker")
        sources = parse_scheme(negatives)
        if "usn" in sources or "tfn" not in sources:
            raise ValueError(f"negatives is {negatives!r}; expected 'tfn' or 'tfn+man'")
        self.indexer = indexer
        self.matcher = matcher
        self.ranker = ranker
        SearchOptions(beam_size, combine, merge)  # which checks them
        self.beam_size = beam_size
        self.combine = combine
        self.merge = merge
        self.negatives = negatives
        vars(self)["calibrate"] = check_flag("calibrate", calibrate)  # also the name of a method

    def fit(self, X: MatrixLike, Y: Targets) -> Self:
        """Index the labels, then train the matcher, then the ranker.

        Parameters
        ----------
        X : sparse matrix or array of shape (n_instances, n_features)
        Y : what `XRLinear.fit` takes, classes excepted

        Raises
        ------
        TypeError, ValueError
            If an argument does not fit, or a stage breaks its promise; the message names the stage.
        """
        instances = as_csr(X, "X")
        labels, classes = as_indicator(Y, instances.shape[0])
        if classes is not None:
            raise ValueError(
                "Y is 1-dimensional; StagedRanker takes an indicator matrix or lists of label ids"
            )
        calibration = self._cross_fitted(instances, labels) if vars(self)["calibrate"] else None
        rows, targets = to_scipy(instances), to_scipy(labels)
        tree = self._index(rows, targets)
        inner = _ones(tree.lift(labels, tree.depth - 1))
        top = tree.above_labels()
        # stages are fitted in place: should one fail, no tree is left that the others do not fit
        for name in ("tree_", "n_labels_", "n_features_in_", "calibration_"):
            vars(self).pop(name, None)
        self.matcher.fit(rows, inner, top)
        active = inner
        if "man" in parse_scheme(self.negatives):
            found, _ = self._match(rows, tree)
            active = _ones(inner + lists_to_csr(found, inner.shape[1]))
        self.ranker.fit(rows, targets, tree, active)
        self.tree_, self.n_labels_, self.n_features_in_ = tree, tree.n_labels, instances.shape[1]
        self.calibration_ = calibration
        return self

    def _cross_fitted(self, X: Csr, Y: Csr) -> Calibration:
        def fit(rest: NDArray[np.bool_], part: int) -> "StagedRanker":
            twin = copy.deepcopy(self)
            vars(twin)["calibrate"] = False
            return twin.fit(take_rows(X, rest), take_rows(Y, rest))

        counts = np.bincount(Y.indices, minlength=Y.shape[1])
        return cross_fitted(X, Y, counts, fit)

    def predict_topk(
        self,
        X: MatrixLike,
        k: int = 10,
        *,
        candidates: LabelIds | None = None,
        exclude: LabelIds | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the best labels of every instance, best first.

        Parameters
        ----------
        X : sparse matrix or array of shape (n_instances, n_features)
        k : int, default 10
        candidates, exclude
            As in `XRLinear.predict_topk`, but ``candidates`` do not steer the matcher: a label is scored only if one of
            its clusters is matched.

        Returns
        -------
        ids : int64 array of shape (n_instances, k), padded with -1
        scores : float32 array of shape (n_instances, k), padded with -inf
        """
        check_fitted(self, "tree_")
        check_integer("k", k, 1)
        instances = as_csr(X, "X", n_cols=self.n_features_in_)
        n = instances.shape[0]
        check_answers_fit(n, k)
        allowed = label_filter(candidates, "candidates", n, self.n_labels_)
        excluded = label_filter(exclude, "exclude", n, self.n_labels_)
        rows = to_scipy(instances)
        ids, scores = no_answers(n, k)
        widest = int(np.diff(self.tree_.branches[-1]).max())
        step = max(1, _SCORES // min(self.beam_size * widest, self.tree_.labels.size))
        for begin in range(0, n, step):
            part = slice(begin, min(begin + step, n))
            row, label, score = self._score(rows[part], self.tree_)
            kept = _admitted(allowed, row + begin, label, True)
            kept &= _admitted(excluded, row + begin, label, False)
            put_best(row[kept], label[kept], score[kept], (ids[part], scores[part]))
        return ids, scores

    def _index(self, X: "sp.csr_array", Y: "sp.csr_array") -> LabelTree:
        if isinstance(self.indexer, LabelTree):
            if self.indexer.n_labels != Y.shape[1] or self.indexer.depth < 2:
                raise ValueError(
                    f"indexer is a tree of {self.indexer.n_labels} labels and {self.indexer.depth} layers; "
                    f"{Y.shape[1]} labels and at least 2 layers were expected"
                )
            return self.indexer
        return checked_tree(self.indexer, self.indexer.index(X, Y), Y.shape[1])

    def _match(self, X: "sp.csr_array", tree: LabelTree) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        n_clusters = tree.level_sizes[-2]
        k = min(self.beam_size, n_clusters)
        return checked_matches(self.matcher, self.matcher.match(X, k), X.shape[0], k, n_clusters)

    def _score(
        self, X: "sp.csr_array", tree: LabelTree
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Return (row, label, score) of everything in the matched clusters, in the order of ties."""
        clusters, worth = self._match(X, tree)
        values = checked_scores(self.ranker, self.ranker.score(X, clusters), clusters, tree)
        row = np.repeat(np.arange(values.shape[0]), np.diff(values.indptr)).astype(np.int64)
        slot = values.indices
        place = (clusters[row] == tree.parents(tree.depth)[slot][:, None]).argmax(axis=1)
        score = combination(self.combine)(
            np.ascontiguousarray(values.data, np.float32), np.ascontiguousarray(worth[row, place])
        )
        order = np.lexsort((slot, place, row))  # better-placed clusters first
        row, label, score = row[order], tree.labels[slot[order]].astype(np.int64), score[order]
        if tree.overlapping:
            n_slots = None if self.combine == "noop" else np.bincount(tree.labels)[label]
            first, score = merge_copies(
                row * tree.n_labels + label,
                score,
                self.merge,
                n_slots=n_slots,
                logarithms=is_logarithmic(self.combine),
            )
            by_place = np.argsort(first)
            row, label, score = row[first[by_place]], label[first[by_place]], score[by_place]
        return row, label, score


def _admitted(
    pattern: Csr | None, row: NDArray[np.int64], label: NDArray[np.int64], inside: bool
) -> NDArray[np.bool_]:
    """Whether every (row, label) is inside a filter, or outside of it; a filter of one row holds for all."""
    if pattern is None:
        return np.ones(row.size, bool)
    own = row if pattern.shape[0] > 1 else np.zeros_like(row)
    found: NDArray[np.bool_] = np.isin(own * pattern.shape[1] + label, places_of(pattern))
    return found if inside else ~found


def _ones(matrix: Any) -> "sp.csr_array":
    """Return the pattern of a matrix, canonical, as float32 ones."""
    clean = to_scipy(as_csr(matrix))
    return sp.csr_array((np.ones(clean.nnz, np.float32), clean.indices, clean.indptr), shape=clean.shape)
