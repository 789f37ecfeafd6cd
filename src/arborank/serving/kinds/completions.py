"""Models that complete queries."""

from collections.abc import Callable, Sequence

from ...autocomplete import Autocompleter
from ...core.checks import Missing
from .. import bodies
from ..bodies import Completion, Label
from ..problems import Problem
from .base import Kind

__all__ = ["Completions"]


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
        first, end = catalogue.matching(catalogue.compare.form(prefix))
        return list(catalogue.texts.take(range(first, min(end, first + limit))))

    def completed(self, body: bodies.CompleteBody) -> list[Completion]:
        """Return the likeliest queries that begin with the prefix."""
        found = self.model.complete(
            body.prefix,
            body.previous,
            body.k,
            history=body.history,
            now=body.now,
            candidates=body.candidates,
            exclude=body.exclude,
            weights=body.weights,
            strict=not body.tolerant,
            beam_size=body.beam_size,
        )
        return [Completion(query, score) for query, score in found]

    def added(self, body: bodies.AddBody, recent: Sequence[bodies.Recent]) -> Autocompleter:
        """Return a completer that has learned a log, too."""
        if not body.log or body.labels:
            raise Problem(422, "a completer learns queries from a log", "labels" if body.labels else "log")
        if len({one.user is None for one in body.log}) > 1:
            raise Problem(422, "the user of some queries is missing; give all or none", "user")
        if body.log[0].user is None:
            return self.model.update([(one.session, one.time, one.query) for one in body.log])
        return self.model.update([(one.session, one.time, one.query, one.user) for one in body.log])

    def removed(self, names: list[str], missing: Missing) -> Autocompleter:
        """Return a completer without some queries."""
        return self.model.remove(names, missing=missing)
