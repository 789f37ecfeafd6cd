"""A model that reads matrices and ranks labels that have numbers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from .models import Data

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from ..core.checks import Missing
    from ..core.types import TopK
    from ..datasets import MatrixData
    from ..hybrid import HybridRanker
    from ..linear import Ensemble, XRLinear

__all__ = ["MatrixModel"]


class MatrixModel:
    """A model as commands ask it, in the words of `arborank.cli.text_model.TextModel`."""

    known = None

    def __init__(self, estimator: "XRLinear | Ensemble | HybridRanker") -> None:
        self.estimator = estimator

    @property
    def n_labels(self) -> int:
        """How many labels there are."""
        return self.estimator.n_labels_

    def own(self, data: Data, source: str = "the data") -> "MatrixData":
        """Return matrices, or raise."""
        from ..datasets import MatrixData

        if not isinstance(data, MatrixData):
            raise ValueError(
                f"{source} holds texts, but the model takes feature matrices (.npz or N D L files)"
            )
        return data

    def row_ids(self, data: Data) -> None:
        """Return None: files of matrices have no ids."""

    def topk(
        self,
        data: Data,
        k: int,
        beam_size: int | None,
        candidates: list[str] | None = None,
        exclude: list[str] | None = None,
        *,
        probabilities: bool = False,
    ) -> "TopK":
        """Return label numbers and scores of the best labels of every row; only or not of those that are numbered."""
        only = None if candidates is None else _numbers(candidates)
        never = None if exclude is None else _numbers(exclude)
        predict = self.estimator.predict_proba_topk if probabilities else self.estimator.predict_topk
        return predict(self.own(data).X, k, beam_size=beam_size, candidates=only, exclude=never)

    def calibrated(self, data: Data, source: str, *, anew: bool) -> "XRLinear | Ensemble | HybridRanker":
        """Return the model with probabilities learned from held-out rows, ``anew`` or beside what it knows."""
        rows = self.own(data, source)
        calibrate = self.estimator.calibrate if anew else self.estimator.recalibrate
        return calibrate(rows.X, rows.Y)

    @property
    def inner(self) -> "XRLinear | Ensemble | HybridRanker":
        """What ranks numbered labels: the model itself."""
        return self.estimator

    def truth(self, data: Data, *, extend: bool = True) -> "csr_array":
        """Return the labels of every row."""
        Y = self.own(data).Y
        if extend and Y.shape[1] != self.n_labels:
            raise ValueError(f"the data have {Y.shape[1]} labels, but the model has {self.n_labels}")
        return Y

    def matrices(self, data: Data) -> "tuple[csr_array, csr_array]":
        """Return features and labels of every row."""
        own = self.own(data)
        assert own.X is not None
        return own.X, own.Y

    def answer(self, label: int) -> int:
        """Return the number of a label."""
        return label

    def answers(self, labels: Sequence[int]) -> Sequence[int]:
        """Return the numbers of labels."""
        return labels

    def changes(self, data: Data | None, label_texts: Mapping[str, Sequence[str]]) -> "NumberChanges":
        """Begin to change labels by number."""
        from ..linear import Ensemble

        if label_texts:
            raise click.UsageError("--label-texts goes with models of texts")
        if isinstance(self.estimator, Ensemble):
            raise TypeError(f"the labels of {type(self.estimator).__name__} cannot be changed")
        return NumberChanges(self.estimator, None if data is None else self.own(data, "--data"))


class NumberChanges:
    """A model of matrices while its labels change."""

    def __init__(self, model: "XRLinear | HybridRanker", data: "MatrixData | None") -> None:
        self.estimator, self._data = model, data

    def remove(self, names: list[str], missing: "Missing") -> int:
        """Remove labels; return how many."""
        changed = self.estimator.remove_labels(_numbers(names), missing=missing)
        n_removed = _n_labels(self.estimator) - _n_labels(changed)
        self.estimator = changed if n_removed else self.estimator
        return n_removed

    def learn(self) -> int:
        """Learn from the rows that have labels which are there; return how many."""
        from ..core.estimator import fitted_clone
        from ..hybrid import HybridRanker

        if isinstance(self.estimator, HybridRanker):
            raise TypeError("a HybridRanker does not learn from further rows; fit it again")
        assert self._data is not None
        assert self._data.X is not None
        Y = self._data.Y.copy()
        Y.resize(Y.shape[0], self.estimator.n_labels_)
        used = Y.sum(axis=1).nonzero()[0]
        self.estimator = fitted_clone(self.estimator).partial_fit(self._data.X[used], Y[used])
        return int(used.size)

    def refresh(self, names: list[str], options: Mapping[str, float]) -> int:
        """Learn labels again from the data; return how many."""
        from ..linear.updating import NegativeCosts

        numbers = _numbers(names)
        assert self._data is not None
        Y = self._data.Y.copy()
        if max(numbers) >= max(Y.shape[1], self.estimator.n_labels_):
            raise ValueError(
                f"--refresh names label {max(numbers)}, but the model has {self.estimator.n_labels_}"
            )
        Y.resize(Y.shape[0], max(Y.shape[1], self.estimator.n_labels_))
        costs = NegativeCosts(**options)
        self.estimator = self.estimator.refresh_labels(
            numbers,
            self._data.X,
            _filled(Y[:, numbers], numbers),
            negative_share=costs.negative_share,
            negative_cost=costs.negative_cost,
        )
        return len(names)

    def add(self, options: Mapping[str, float], gone: list[str], missing: "Missing") -> int:
        """Add the labels beyond the last that the model knows; return how many."""
        from ..linear.updating import NegativeCosts

        assert self._data is not None
        n_known, width = self.estimator.n_labels_, int(self._data.Y.shape[1])
        if width <= n_known:
            if missing == "ignore":
                return 0
            raise ValueError(f"--data has {width} labels and the model {n_known}; there is nothing to add")
        Y = _filled(self._data.Y[:, n_known:], range(n_known, width))
        costs = NegativeCosts(**options)
        self.estimator = self.estimator.add_labels(
            self._data.X, Y, negative_share=costs.negative_share, negative_cost=costs.negative_cost
        )
        return width - n_known


def _n_labels(model: "XRLinear | HybridRanker") -> int:
    from ..hybrid import HybridRanker

    ranker = model.ranker_ if isinstance(model, HybridRanker) else model
    return len(set(ranker.tree_.labels.tolist()))


def _filled(Y: "csr_array", labels: Sequence[int]) -> "csr_array":
    """Return the columns of labels, or raise if one has no instance, by the number that the user gave it."""
    empty = [label for label, n in zip(labels, Y.sum(axis=0).tolist(), strict=True) if n == 0]
    if empty:
        raise ValueError(
            f"--data has no row with label {empty[0]}{f' and {len(empty) - 1} more' * (len(empty) > 1)}"
        )
    return Y


def _numbers(lines: list[str]) -> list[int]:
    for line in lines:
        if not line.strip().isdecimal():
            raise ValueError(f"{line!r} is not a label id; the labels of a model of matrices are numbers")
    return [int(line) for line in lines]
