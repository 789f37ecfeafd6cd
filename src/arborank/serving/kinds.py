"""The kinds of models that are served, asked in the same words."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from ..analysis.explain import Path, explain
from ..autocomplete import Autocompleter
from ..core.checks import Missing
from ..core.estimator import Estimator
from ..core.lazy import sp
from ..core.types import TopK
from ..hybrid import HybridRanker
from ..linear import Ensemble, XRLinear
from ..linear.calibrated import calibration_of
from ..storage import Savable
from ..text import TextRanker
from . import bodies
from .bodies import Completion, Label, RankBody, Row, Scored
from .problems import Problem

__all__ = ["Completions", "Kind", "Rows", "Texts", "kind_of"]

Item = TypeVar("Item", str, Row)  # what is ranked


class Kind(ABC, Generic[Item]):
    """A model as the service asks it. What a kind cannot do is a `Problem`."""

    name: str
    model: Any

    def __init__(self, model: Estimator) -> None:
        self.model = model

    @property
    @abstractmethod
    def n_labels(self) -> int:
        """How many labels there are, or queries."""

    @abstractmethod
    def warm(self) -> Callable[[], object]:
        """Return a question like those to come."""

    @abstractmethod
    def labels(self, prefix: str, limit: int) -> list[Label]:
        """Return labels that begin with a prefix."""

    def items(self, body: RankBody) -> tuple[Sequence[Item], bool]:
        """Return what is to be ranked, and whether it is a single text or row."""
        raise self._refused("ranks no labels")

    def size(self, item: Item) -> int:
        """Return how long an item is, in characters or values."""
        return 0

    def ranked(self, items: Sequence[Item], body: RankBody) -> list[list[Scored]]:
        """Return the best labels of every item."""
        raise self._refused("ranks no labels")

    def completed(self, body: bodies.CompleteBody) -> list[Completion]:
        """Return the likeliest queries."""
        raise self._refused("completes nothing")

    def explained(self, body: bodies.ExplainBody) -> list[bodies.Way]:
        """Return every way to a label."""
        raise self._refused("explains nothing")

    def added(self, body: bodies.AddBody, recent: Sequence[bodies.RecentText]) -> Savable:
        """Return the model with further labels."""
        raise self._refused("takes no labels by name")

    def removed(self, names: list[str], missing: Missing) -> Savable:
        """Return the model without some labels."""
        raise self._refused("takes no labels by name")

    def _refused(self, what: str) -> Problem:
        return Problem(422, f"this model is a {type(self.model).__name__}, which {what}")


class Texts(Kind[str]):
    """A model that ranks the labels of texts."""

    name = "texts"
    model: TextRanker

    @property
    def n_labels(self) -> int:
        """How many labels there are."""
        return len(self.model.labels_)

    def warm(self) -> Callable[[], object]:
        """Return a question: what ranks for the name of a label."""
        text = self.model.labels_[0] if self.n_labels else ""
        return lambda: self.model.rank(text, 10)

    def labels(self, prefix: str, limit: int) -> list[Label]:
        """Return labels that begin with a prefix, in the order of the model."""
        found: list[Label] = []
        for name in self.model.labels_:
            if name.startswith(prefix):
                found.append(name)
                if len(found) == limit:
                    break
        return found

    def items(self, body: RankBody) -> tuple[Sequence[str], bool]:
        """Return the texts."""
        _only(body, "text", "texts")
        return ([body.text], True) if body.text is not None else (body.texts or [], False)

    def size(self, item: str) -> int:
        """Return the characters of a text."""
        return len(item)

    def ranked(self, items: Sequence[str], body: RankBody) -> list[list[Scored]]:
        """Return the best labels of every text."""
        options: dict[str, Any] = {}
        if body.candidates is not None:
            options["candidates"] = _names(body.candidates, "candidates")
        if body.exclude is not None:
            options["exclude"] = _names(body.exclude, "exclude")
        if body.label_weights is not None:
            options["label_weights"] = body.label_weights
        if body.beam_size is not None:
            options["beam_size"] = body.beam_size
        least = -np.inf if body.threshold is None else body.threshold
        top = self.model.predict_topk(items, min(body.k, self.n_labels), **options)
        ids, scores = _probable(self.model.model_, top, body) if body.probabilities else top
        rows = []
        for row, row_scores in zip(ids.tolist(), scores.tolist(), strict=True):
            names = self.model.labels_.take(label for label in row if label >= 0)  # -1 only at the end
            rows.append([Scored(*one) for one in zip(names, row_scores, strict=False) if one[1] >= least])
        return rows

    def explained(self, body: bodies.ExplainBody) -> list[bodies.Way]:
        """Return every way to a label."""
        if body.text is None or body.row is not None:
            raise Problem(422, "a model of texts explains a text", "text")
        if not isinstance(body.label, str):
            raise Problem(422, f"label must be the name of one, found {body.label}", "label")
        return _ways(explain(self.model, body.text, body.label, n_features=body.n_features))

    def added(self, body: bodies.AddBody, recent: Sequence[bodies.RecentText]) -> TextRanker:
        """Return a ranker with further labels, told apart from recent texts."""
        names = [one.label for one in body.labels]
        known = self.model.labels_
        own = {text for one in body.labels for text in one.texts}
        others = [one for one in recent if one.text not in own]
        texts = [text for one in body.labels for text in one.texts] + [one.text for one in others]
        labels = [[one.label] for one in body.labels for _ in one.texts]
        labels += [[name for name in one.labels if name in known or name in names] for one in others]
        about = {one.label: one.about for one in body.labels if one.about}
        return self.model.add_labels(names, texts, labels, label_texts=about or None)

    def removed(self, names: list[str], missing: Missing) -> TextRanker:
        """Return a ranker without some labels."""
        return self.model.remove_labels(names, missing=missing)


class Rows(Kind[Row]):
    """A model that ranks the labels of sparse rows; labels are numbers."""

    name = "rows"

    model: XRLinear | Ensemble | HybridRanker

    def __init__(self, model: XRLinear | Ensemble | HybridRanker) -> None:
        super().__init__(model)
        self.n_features = _width(model)

    @property
    def n_labels(self) -> int:
        """How many labels there are."""
        return int(self.model.n_labels_)

    def warm(self) -> Callable[[], object]:
        """Return a question: an empty row."""
        return lambda: self._topk([Row([], [])], RankBody())

    def labels(self, prefix: str, limit: int) -> list[Label]:
        """Return label numbers that begin with some digits."""
        numbers = (label for label in range(self.n_labels) if str(label).startswith(prefix))
        return [label for label, _ in zip(numbers, range(limit), strict=False)]

    def items(self, body: RankBody) -> tuple[Sequence[Row], bool]:
        """Return the rows."""
        _only(body, "row", "rows")
        return ([body.row], True) if body.row is not None else (body.rows or [], False)

    def size(self, item: Row) -> int:
        """Return how many values a row has."""
        return len(item.indices)

    def ranked(self, items: Sequence[Row], body: RankBody) -> list[list[Scored]]:
        """Return the best labels of every row."""
        ids, scores = self._topk(items, body)
        least = -np.inf if body.threshold is None else body.threshold
        return [
            [Scored(label, score) for label, score in zip(*row, strict=True) if label >= 0 and score >= least]
            for row in zip(ids.tolist(), scores.tolist(), strict=True)
        ]

    def explained(self, body: bodies.ExplainBody) -> list[bodies.Way]:
        """Return every way to a label."""
        if body.row is None or body.text is not None:
            raise Problem(422, "a model of matrices explains a row", "row")
        if not isinstance(body.label, int):
            raise Problem(422, f"label must be a number, found {body.label!r}", "label")
        if not isinstance(self.model, XRLinear):
            raise self._refused("explains nothing")
        ways = explain(self.model, self._matrix([body.row]), body.label, n_features=body.n_features)
        return _ways(ways)

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
        top: TopK = self.model.predict_topk(self._matrix(items), min(body.k, self.n_labels), **options)
        return _probable(self.model, top, body) if body.probabilities else top

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


class Completions(Kind[str]):
    """A model that completes queries."""

    name = "completions"
    model: Autocompleter

    @property
    def n_labels(self) -> int:
        """How many queries there are."""
        return len(self.model.catalogue_)

    def warm(self) -> Callable[[], object]:
        """Return a question: what comes first."""
        return lambda: self.model.complete("")

    def labels(self, prefix: str, limit: int) -> list[Label]:
        """Return queries that begin with a prefix, in the order of the alphabet."""
        catalogue = self.model.catalogue_
        first, end = catalogue.matching(prefix)
        return list(catalogue.texts.take(range(first, min(end, first + limit))))

    def completed(self, body: bodies.CompleteBody) -> list[Completion]:
        """Return the likeliest queries that begin with the prefix."""
        found = self.model.complete(
            body.prefix,
            body.previous,
            body.k,
            history=body.history,
            now=body.now,
            strict=not body.tolerant,
            beam_size=body.beam_size,
        )
        return [Completion(query, score) for query, score in found]

    def removed(self, names: list[str], missing: Missing) -> Autocompleter:
        """Return a completer without some queries."""
        return self.model.remove(names, missing=missing)


def kind_of(model: object) -> Texts | Rows | Completions:
    """Return a model as the service asks it; ``TypeError`` if it is none that answers."""
    if isinstance(model, TextRanker):
        return Texts(model)
    if isinstance(model, Autocompleter):
        return Completions(model)
    if isinstance(model, XRLinear | Ensemble | HybridRanker):
        return Rows(model)
    hint = "; put it into a TextRanker" if hasattr(model, "predict_topk") else ""
    raise TypeError(f"a {type(model).__name__} cannot be served{hint}")


def _width(model: "XRLinear | Ensemble | HybridRanker") -> int:
    """Return how many features the rows of a model have."""
    while not isinstance(model, XRLinear):
        model = model.ranker_ if isinstance(model, HybridRanker) else model.models_[0]
    return model.n_features_in_


def _only(body: RankBody, one: str, several: str) -> None:
    """Check that exactly one of two fields is there, and none that another kind of model takes."""
    given = [name for name in ("text", "texts", "row", "rows") if getattr(body, name) is not None]
    if len(given) != 1 or given[0] not in (one, several):
        found = " and ".join(given) or "neither"
        raise Problem(
            422, f"either {one} or {several} was expected, found {found}", given[0] if given else one
        )


def _names(labels: list[Label], field: str) -> list[str]:
    names = [label for label in labels if isinstance(label, str)]
    if len(names) < len(labels):
        raise Problem(422, f"{field} must hold names of labels, found a number", field)
    return names


def _numbers(labels: list[Label], field: str) -> list[int]:
    numbers = [label for label in labels if isinstance(label, int)]
    if len(numbers) < len(labels):
        raise Problem(422, f"{field} must hold numbers of labels, found a name", field)
    return numbers


def _probable(model: object, top: TopK, body: RankBody) -> TopK:
    """Return the answer of a calibrated model with probabilities in the place of scores."""
    if body.label_weights is not None:
        raise Problem(
            422, "probabilities are of the model's own scores, without label_weights", "label_weights"
        )
    return top[0], calibration_of(model).apply(*top)


def _terms(features: Sequence[tuple[int | str, float]]) -> list[bodies.Term]:
    return [bodies.Term(term, adds) for term, adds in features]


def _ways(paths: Sequence[Path]) -> list[bodies.Way]:
    return [
        bodies.Way(
            path.leaf,
            path.score,
            [bodies.Step(s.node, s.margin, s.score, s.bias, _terms(s.features)) for s in path.steps],
            None
            if path.centroid is None
            else bodies.Likeness(
                path.centroid.similarity, path.centroid.share, _terms(path.centroid.features)
            ),
        )
        for path in paths
    ]
