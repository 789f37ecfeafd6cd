"""Models that rank the labels of sparse rows."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ...analysis.explain import explain
from ...core.checks import Missing
from ...core.lazy import sp
from ...core.types import TopK
from ...hybrid import HybridRanker
from ...linear import Ensemble, XRLinear
from ...storage import Savable
from .. import bodies
from ..bodies import Label, RankBody, Row, Scored
from ..problems import Problem
from .base import Kind, Ranked, check_addition, on_one_thread, only, probable, told_ways

__all__ = ["Rows"]


class Rows(Kind[Row]):
    """A model that ranks the labels of sparse rows; labels are numbers."""

    name = "rows"

    model: XRLinear | Ensemble | HybridRanker

    def __init__(self, model: XRLinear | Ensemble | HybridRanker) -> None:
        super().__init__(model)
        self._ranker = on_one_thread(model)

    @property
    def n_labels(self) -> int:
        """How many labels there are."""
        return int(self.model.n_labels_)

    @cached_property
    def n_features(self) -> int:
        """How many features a row has."""
        return _width(self.model)

    def warm(self) -> Callable[[], object]:
        """Return a question: an empty row."""
        return lambda: self._topk([Row([], [])], RankBody())

    def labels(self, prefix: str, limit: int) -> list[Label]:
        """Return label numbers that begin with some digits."""
        numbers = (label for label in range(self.n_labels) if str(label).startswith(prefix))
        return [label for label, _ in zip(numbers, range(limit), strict=False)]

    def items(self, body: RankBody) -> tuple[Sequence[Row], bool]:
        """Return the rows."""
        only(body, "row", "rows")
        return ([body.row], True) if body.row is not None else (body.rows or [], False)

    def size(self, item: Row) -> int:
        """Return how many values a row has."""
        return len(item.indices)

    def query(self, item: Row) -> "sp.csr_array":
        """Return a matrix of one row."""
        return self._matrix([item])

    def ranked(self, items: Sequence[Row], body: RankBody) -> Ranked:
        """Return the best labels of every row."""
        ids, scores = self._topk(items, body)
        least = -np.inf if body.threshold is None else body.threshold
        rows = [
            [Scored(label, score) for label, score in zip(*row, strict=True) if label >= 0 and score >= least]
            for row in zip(ids.tolist(), scores.tolist(), strict=True)
        ]
        return Ranked(rows, sum(not row.indices for row in items))

    def explained(self, body: bodies.ExplainBody) -> list[bodies.Way]:
        """Return every way to a label."""
        if body.row is None or body.text is not None:
            raise Problem(422, "a model of matrices explains a row", "row")
        if not isinstance(body.label, int):
            raise Problem(422, f"label must be a number, found {body.label!r}", "label")
        if not isinstance(self.model, XRLinear):
            raise self._refused("explains nothing")
        ways = explain(self.model, self._matrix([body.row]), body.label, n_features=body.n_features)
        return told_ways(ways)

    def added(self, body: bodies.AddBody, recent: Sequence[bodies.Recent]) -> Savable:
        """Return a model with further labels, whose numbers follow those that are there."""
        check_addition(body, recent)
        first, n_new = self.n_labels, len(body.labels)
        if [one.label for one in body.labels] != list(range(first, first + n_new)):
            raise Problem(422, f"the next label is {first}, and each one more than the last", "label")
        if any(one.texts or one.about for one in body.labels):
            raise Problem(422, "a model of matrices learns from rows", "texts")
        rows = [row for one in body.labels for row in one.rows]
        labels = [[place] for place, one in enumerate(body.labels) for _ in one.rows]
        for one in recent:
            if one.row is None:
                raise Problem(
                    422, "a model of matrices takes recent rows, found none in one of them", "recent"
                )
            rows.append(one.row)
            numbers = _numbers(one.labels, "recent")
            labels.append([label - first for label in numbers if first <= label < first + n_new])
        return self.model.add_labels(self._matrix(rows), labels)

    def removed(self, names: list[str], missing: Missing) -> Savable:
        """Return a model that never answers some labels; the others keep their numbers."""
        for name in names:
            if not name.isdecimal() or int(name) >= 2**31:
                raise Problem(422, f"label must be a number, found {name!r}", "label")
        return self.model.remove_labels([int(name) for name in names], missing=missing)

    def _topk(self, items: Sequence[Row], body: RankBody) -> TopK:
        options: dict[str, Any] = {} if body.beam_size is None else {"beam_size": body.beam_size}
        if body.candidates is not None:
            options["candidates"] = _numbers(body.candidates, "candidates")
        if body.exclude is not None:
            options["exclude"] = _numbers(body.exclude, "exclude")
        if body.label_weights is not None:
            weights = np.ones(self.n_labels, np.float32)
            for label, weight in body.label_weights.items():
                if not label.isdecimal() or int(label) >= self.n_labels:
                    raise Problem(422, f"label_weights holds {label!r}, which is no label", "label_weights")
                weights[int(label)] = weight
            options["label_weights"] = weights
        top: TopK = self._ranker.predict_topk(self._matrix(items), min(body.k, self.n_labels), **options)
        return probable(self.model, top, body) if body.probabilities else top

    def _matrix(self, items: Sequence[Row]) -> "sp.csr_array":
        for row in items:
            if len(row.indices) != len(row.values):
                problem = f"a row has {len(row.indices)} indices and {len(row.values)} values"
                raise Problem(422, problem, "values")
            if row.indices and max(row.indices) >= self.n_features:
                problem = f"a row has column {max(row.indices)}, but the model has {self.n_features} features"
                raise Problem(422, problem, "indices")
        indptr = np.cumsum([0, *(len(row.indices) for row in items)])
        indices = np.array([column for row in items for column in row.indices], np.int32)
        values = np.array([value for row in items for value in row.values], np.float32)
        matrix = sp.csr_array((values, indices, indptr), shape=(len(items), self.n_features))
        matrix.sum_duplicates()
        return matrix


def _width(model: "XRLinear | Ensemble | HybridRanker") -> int:
    """Return how many features the rows of a model have."""
    while not isinstance(model, XRLinear):
        model = model.ranker_ if isinstance(model, HybridRanker) else model.models_[0]
    return model.n_features_in_


def _numbers(labels: list[Label], field: str) -> list[int]:
    numbers = [label for label in labels if isinstance(label, int)]
    if len(numbers) < len(labels):
        raise Problem(422, f"{field} must hold numbers of labels, found a name", field)
    return numbers
