"""Models that rank the labels of texts."""

from collections.abc import Callable, Sequence
from copy import copy
from itertools import islice, pairwise

from ...analysis.explain import explain
from ...core.checks import Missing
from ...core.sparse import Csr
from ...core.types import Json
from ...features.base import n_columns, rows_of
from ...text import TextRanker
from .. import bodies
from ..bodies import Label, RankBody, Scored
from ..problems import Problem
from .base import Kind, Ranked, check_addition, on_one_thread, only, probable, told_ways

__all__ = ["Texts"]


class Texts(Kind[str]):
    """A model that ranks the labels of texts."""

    name = "texts"
    model: TextRanker

    def __init__(self, model: TextRanker) -> None:
        super().__init__(model)
        self._ranker = copy(model)
        self._ranker.features_ = on_one_thread(model.features_)
        self._ranker.model_ = on_one_thread(model.model_)

    @property
    def n_labels(self) -> int:
        """How many labels there are."""
        return len(self.model.labels_)

    @property
    def n_features(self) -> int | None:
        """How many features are made of a text."""
        return n_columns(self.model.features_)

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
        only(body, "text", "texts")
        return ([body.text], True) if body.text is not None else (body.texts or [], False)

    def size(self, item: str) -> int:
        """Return the characters of a text."""
        return len(item)

    def query(self, item: str) -> str:
        """Return the text."""
        return item

    def ranked(self, items: Sequence[str], body: RankBody) -> Ranked:
        """Return the best labels of every text."""
        labels = self.model.labels_
        rows = rows_of(self._ranker.features_, items)
        top = self._ranker.predict_topk(rows, min(body.k, len(labels)), **self.options(body))
        ids, scores = probable(self.model.model_, top, body) if body.probabilities else top
        n_unknown = 0
        if isinstance(rows, Csr):
            n_unknown = sum(start == end for start, end in pairwise(rows.indptr.tolist()))
        found = ids.tolist()
        names = iter(labels.take([label for row in found for label in row if label >= 0]))
        lengths = [row.index(-1) if row and row[-1] < 0 else len(row) for row in found]  # -1 only at the end
        answers = [
            list(map(Scored, islice(names, n), row)) for n, row in zip(lengths, scores.tolist(), strict=True)
        ]
        if body.threshold is not None:
            answers = [[one for one in row if one.score >= body.threshold] for row in answers]
        return Ranked(answers, n_unknown)

    def options(self, body: RankBody) -> Json:
        """Return what the model is asked beside rows and ``k``."""
        options: Json = {} if body.beam_size is None else {"beam_size": body.beam_size}
        if body.candidates is not None:
            options["candidates"] = _names(body.candidates, "candidates")
        if body.exclude is not None:
            options["exclude"] = _names(body.exclude, "exclude")
        if body.label_weights is not None:
            options["label_weights"] = body.label_weights
        return options

    def explained(self, body: bodies.ExplainBody) -> list[bodies.Way]:
        """Return every way to a label."""
        if body.text is None or body.row is not None:
            raise Problem(422, "a model of texts explains a text", "text")
        if not isinstance(body.label, str):
            raise Problem(422, f"label must be the name of one, found {body.label}", "label")
        return told_ways(explain(self.model, body.text, body.label, n_features=body.n_features))

    def added(self, body: bodies.AddBody, recent: Sequence[bodies.Recent]) -> TextRanker:
        """Return a ranker with further labels, told apart from recent texts."""
        check_addition(body, recent)
        names = _names([one.label for one in body.labels], "label")
        if any(one.rows for one in body.labels):
            raise Problem(422, "a model of texts learns from texts", "rows")
        known = {
            name for one in recent for name in _names(one.labels, "recent") if name in self.model.labels_
        }
        known.update(names)
        texts = [text for one in body.labels for text in one.texts]
        labels = [[name] for name, one in zip(names, body.labels, strict=True) for _ in one.texts]
        own = set(texts)
        for one in recent:
            if one.text is None:
                raise Problem(422, "a model of texts takes recent texts, found none in one of them", "recent")
            if one.text not in own:
                texts.append(one.text)
                labels.append([name for name in _names(one.labels, "recent") if name in known])
        about = {name: one.about for name, one in zip(names, body.labels, strict=True) if one.about}
        return self.model.add_labels(names, texts, labels, label_texts=about or None)

    def removed(self, names: list[str], missing: Missing) -> TextRanker:
        """Return a ranker without some labels."""
        return self.model.remove_labels(names, missing=missing)


def _names(labels: list[Label], field: str) -> list[str]:
    names = [label for label in labels if isinstance(label, str)]
    if len(names) < len(labels):
        raise Problem(422, f"{field} must hold names of labels, found a number", field)
    return names
