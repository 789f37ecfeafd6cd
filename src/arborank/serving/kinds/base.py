"""What every kind of model is asked."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from copy import copy
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from ...analysis.explain import Path
from ...core.checks import Missing
from ...core.estimator import Estimator
from ...core.lazy import sp
from ...core.types import TopK
from ...exploration import ExploringRanker
from ...features.base import TextVectorizer
from ...linear import XRLinear
from ...linear.calibrated import calibration_of
from ...storage import Savable
from .. import bodies
from ..bodies import Completion, Label, RankBody, Row, Scored
from ..problems import Problem

__all__ = ["Kind", "Ranked", "check_addition", "on_one_thread", "only", "probable", "told_ways"]

Item = TypeVar("Item", str, Row)  # what is ranked
Stage = TypeVar("Stage")


class Ranked(NamedTuple):
    """The best labels of several items, and how many of these have nothing that the model knows."""

    rows: list[list[Scored]]
    n_unknown: int


class Kind(ABC, Generic[Item]):
    """A model as the service asks it. What a kind cannot do is a `Problem`."""

    name: str
    model: Any
    waits = False  # for other services, so that it is asked in threads

    def __init__(self, model: Estimator) -> None:
        self.model = model

    @property
    @abstractmethod
    def n_labels(self) -> int:
        """How many labels there are, or queries."""

    @property
    def n_features(self) -> int | None:
        """How many features a row has, or what is made of a text; None if that is not known."""
        return None

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

    def ranked(self, items: Sequence[Item], body: RankBody) -> Ranked:
        """Return the best labels of every item."""
        raise self._refused("ranks no labels")

    @cached_property
    def explorer(self) -> ExploringRanker:
        """The model as it explores; ``TypeError`` or ``ValueError`` if it cannot."""
        return ExploringRanker(self.model)

    def query(self, item: Item) -> "str | sp.csr_array":
        """Return an item as models take it."""
        raise self._refused("ranks no labels")

    def completed(self, body: bodies.CompleteBody) -> list[Completion]:
        """Return the likeliest queries."""
        raise self._refused("completes nothing")

    def explained(self, body: bodies.ExplainBody) -> list[bodies.Way]:
        """Return every way to a label."""
        raise self._refused("explains nothing")

    def added(self, body: bodies.AddBody, recent: Sequence[bodies.Recent]) -> Savable:
        """Return the model with further labels."""
        raise self._refused("takes no new labels")

    def removed(self, names: list[str], missing: Missing) -> Savable:
        """Return the model without some labels."""
        raise self._refused("gives no labels up")

    def _refused(self, what: str) -> Problem:
        return Problem(422, f"this model is a {type(self.model).__name__}, which {what}")


def on_one_thread(model: Stage) -> Stage:
    """Return a fitted stage that starts no threads, which takes as long as an answer: the service has its own."""
    if not isinstance(model, XRLinear | TextVectorizer):
        return model
    same = copy(model)
    same.n_jobs = 1
    return same


def only(body: RankBody, one: str, several: str) -> None:
    """Check that exactly one of two fields is there, and none that another kind of model takes."""
    given = [name for name in ("text", "texts", "row", "rows") if getattr(body, name) is not None]
    if len(given) != 1 or given[0] not in (one, several):
        found = " and ".join(given) or "neither"
        raise Problem(
            422, f"either {one} or {several} was expected, found {found}", given[0] if given else one
        )


def check_addition(body: bodies.AddBody, recent: Sequence[bodies.Recent]) -> None:
    """Check that labels are given, and what to tell them apart from."""
    if not body.labels or body.log:
        detail = "labels to add were expected" + ("; a log is for completers" if body.log else "")
        raise Problem(422, detail, "log" if body.log else "labels")
    if not recent:
        detail = (
            "new labels are told apart from recent texts, like the queries to come; none were sent or set"
        )
        raise Problem(422, detail, "recent")


def probable(model: object, top: TopK, body: RankBody) -> TopK:
    """Return the answer of a calibrated model with probabilities in the place of scores."""
    if body.label_weights is not None:
        raise Problem(
            422, "probabilities are of the model's own scores, without label_weights", "label_weights"
        )
    return top[0], calibration_of(model).apply(*top)


def _terms(features: Sequence[tuple[int | str, float]]) -> list[bodies.Term]:
    return [bodies.Term(term, adds) for term, adds in features]


def told_ways(paths: Sequence[Path]) -> list[bodies.Way]:
    """Return ways to a label as they are answered."""
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
