"""A model that reads texts and ranks labels that have names."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from .models import Data

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from ..core.checks import Missing
    from ..core.types import LabelModel, TopK
    from ..datasets import TextData
    from ..text import TextRanker

__all__ = ["TextModel"]


class TextModel:
    """A model as commands ask it: data of the kind that it does not read are an error naming their ``source``."""

    def __init__(self, estimator: "TextRanker") -> None:
        self.estimator = estimator

    @property
    def n_labels(self) -> int:
        """How many labels there are."""
        return len(self.estimator.labels_)

    @property
    def known(self) -> Container[str]:
        """The label names."""
        return self.estimator.labels_

    def own(self, data: Data, source: str = "the data") -> "TextData":
        """Return texts, or raise."""
        from ..datasets import TextData

        if not isinstance(data, TextData):
            raise ValueError(f"{source} holds a matrix, but the model ranks texts")
        return data

    def rank(
        self, text: str, k: int, beam_size: int | None, *, probabilities: bool = False
    ) -> list[tuple[str, float]]:
        """Return names and scores, or probabilities, of the best labels of a text."""
        return self.estimator.rank(text, k, beam_size=beam_size, probabilities=probabilities)

    def calibrated(self, data: Data, source: str, *, anew: bool) -> "TextRanker":
        """Return the model with probabilities learned from held-out texts, ``anew`` or beside what it knows."""
        texts = self.own(data, source)
        calibrate = self.estimator.calibrate if anew else self.estimator.recalibrate
        return calibrate(texts.texts, texts.labels)

    def row_ids(self, data: Data) -> list[str] | None:
        """Return what the file of the texts calls each."""
        return self.own(data).ids

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
        """Return label numbers and scores of the best labels of every text; only or not of those that are named."""
        predict = self.estimator.predict_proba_topk if probabilities else self.estimator.predict_topk
        return predict(self.own(data).texts, k, beam_size=beam_size, candidates=candidates, exclude=exclude)

    @property
    def inner(self) -> "LabelModel":
        """What ranks numbered labels."""
        model: LabelModel = self.estimator.model_
        return model

    def truth(self, data: Data, *, extend: bool = True) -> "csr_array":
        """Return the labels of every text; unknown ones get columns of their own, or are left out."""
        return self.estimator.encode_labels(self.own(data).labels, "extend" if extend else "ignore")

    def first_unknown(self, data: Data) -> str:
        """Return the first label of the texts that the model does not know."""
        from ..core.label_lists import name_rows

        rows = name_rows(self.own(data).labels, self.estimator.normalization)
        return next(name for row in rows for name in row if name not in self.estimator.labels_)

    def matrices(self, data: Data) -> "tuple[csr_array, csr_array]":
        """Return features and labels of every text."""
        X: csr_array = self.estimator.features_.transform(self.own(data).texts)
        return X, self.truth(data)

    def answer(self, label: int) -> str:
        """Return the name of a label."""
        return self.estimator.labels_[label]

    def answers(self, labels: Sequence[int]) -> list[str]:
        """Return the names of labels."""
        return self.estimator.labels_.take(labels)

    def changes(self, data: Data | None, label_texts: Mapping[str, Sequence[str]]) -> "NameChanges":
        """Begin to change labels by name."""
        return NameChanges(self.estimator, None if data is None else self.own(data, "--data"), label_texts)


class NameChanges:
    """A model of texts while its labels change."""

    def __init__(
        self, model: "TextRanker", data: "TextData | None", about: Mapping[str, Sequence[str]]
    ) -> None:
        from ..core.label_lists import name_rows
        from ..text.names import by_name

        self.estimator = model
        self._texts = [] if data is None else data.texts
        self._rows = [] if data is None else name_rows(data.labels, model.normalization, "--data")
        self._about = by_name("--label-texts", about, model.normalization)
        self._known = set(model.labels_)  # before anything is removed

    def remove(self, names: list[str], missing: "Missing") -> int:
        """Remove labels; return how many."""
        changed = self.estimator.remove_labels(names, missing=missing)
        n_removed = len(self.estimator.labels_) - len(changed.labels_)
        self.estimator = changed if n_removed else self.estimator
        return n_removed

    def learn(self) -> int:
        """Learn from the texts that have labels which are there; return how many."""
        from ..core.estimator import fitted_clone

        known = [[name for name in row if name in self.estimator.labels_] for row in self._rows]
        used = [number for number, row in enumerate(known) if row]
        learned = fitted_clone(self.estimator)
        self.estimator = learned.partial_fit([self._texts[i] for i in used], [known[i] for i in used])
        return len(used)

    def refresh(self, names: list[str], options: Mapping[str, float]) -> int:
        """Learn labels again from the data; return how many."""
        rows, about = self._lesson(names)
        self.estimator = self.estimator.refresh_labels(names, self._texts, rows, label_texts=about, **options)
        return len(names)

    def add(self, options: Mapping[str, float], gone: list[str], missing: "Missing") -> int:
        """Add the labels that are new in the data, but not those that are ``gone``; return how many."""
        left_out = self._known | self._spelt(gone)
        found = [name for row in (*self._rows, self._about) for name in row]
        new = [name for name in dict.fromkeys(found) if name not in left_out]
        if not new:
            if missing == "ignore":
                return 0
            raise ValueError("--data has no label that the model does not know; there is nothing to add")
        rows, about = self._lesson(new)
        self.estimator = self.estimator.add_labels(new, self._texts, rows, label_texts=about, **options)
        return len(new)

    def _lesson(self, names: Iterable[str]) -> tuple[list[list[str]], dict[str, Sequence[str]] | None]:
        """Return the labels of every text, and texts about labels, but for labels that the model will not have."""
        there = self._spelt(names) | set(self.estimator.labels_)
        rows = [[name for name in row if name in there] for row in self._rows]
        return rows, {name: texts for name, texts in self._about.items() if name in there} or None

    def _spelt(self, names: Iterable[str]) -> set[str]:
        from ..core.spelling import spell

        return {spell(name, self.estimator.normalization) for name in names}
