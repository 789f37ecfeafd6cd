"""A model that is served in parts: one of them, or all of them behind a service that asks those which have a say.

The beam of the whole model goes through the upper levels, which the asking service has, and so to some of the parts.
Each of these follows its own branches with a beam as wide, so together they find all that one machine would find.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from ..core.errors import ArgumentError
from ..core.types import FilePath, Json
from ..datasets.lines import read_lines
from ..features.base import rows_of
from ..linear.parts import Parts
from ..text import TextRanker
from ..text.names import label_ids, weight_array
from .bodies import Partial, RankBody, Scored
from .kinds import MakeKind, Ranked, Texts, kind_of
from .kinds.base import probable
from .remote import RemotePart
from .settings import Settings

__all__ = ["kinds_of"]

_LIMITS = ("candidates", "exclude", "label_weights")


def kinds_of(settings: Settings) -> MakeKind:
    """Return what makes of a model what is asked: the whole, a part of it, or what asks all parts."""
    if settings.part is not None:
        return partial(_Part, *settings.part)
    if settings.parts is not None:
        return partial(_Parted, settings.parts, settings.timeout)
    return kind_of


class _Part(Texts):
    """A part of a model, which is opened whole, but of which only the upper levels and the own branches are read."""

    def __init__(self, number: int, n_parts: int, model: object) -> None:
        super().__init__(_ranker(model))
        self._own = Parts.of(self.model.model_, n_parts).labels(number - 1)
        self._filter = self.model.model_.prepare_filter(candidates=self._own)

    @property
    def n_labels(self) -> int:
        """How many labels the part has."""
        return int(self._own.size)

    def options(self, body: RankBody) -> Json:
        """Return what a question says of how to rank, with no other labels than the part's."""
        given, label_filter = super().options(body), self._filter
        if limits := {name: given.pop(name) for name in _LIMITS if name in given}:
            ids = {name: _ids(self.model, name, limits[name]) for name in _LIMITS[:2] if name in limits}
            own = np.intersect1d(self._own, ids.get("candidates", self._own))
            weights = limits.get("label_weights")
            if weights is not None:
                weights = weight_array(self.model.labels_, weights, self.model.normalization)
            label_filter = self.model.model_.prepare_filter(
                candidates=own, exclude=ids.get("exclude"), label_weights=weights
            )
        return {**given, "label_filter": label_filter}


def _ids(ranker: TextRanker, name: str, labels: Iterable[Any]) -> NDArray[np.int64]:
    return np.array(label_ids(ranker.labels_, labels, ranker.normalization, name), np.int64)


def _ranker(model: object) -> TextRanker:
    if not isinstance(model, TextRanker):
        raise TypeError(f"a {type(model).__name__} cannot be served in parts; a TextRanker was expected")
    return model


class _Parted(Texts):
    """A model whose parts are served elsewhere; what they find is merged here.

    It is opened here, too, but only its names and upper levels are read.
    """

    waits = True

    def __init__(self, file: FilePath, timeout: float, model: object) -> None:
        super().__init__(_ranker(model))
        told = [(number, line.split()) for number, line in read_lines(file) if line.strip()]
        self._parts = Parts.of(self.model.model_, max(len(told), 1))
        sizes = np.bincount(self._parts.of_labels[self._parts.of_labels >= 0], minlength=len(told)).tolist()
        if not told:
            raise ArgumentError("parts", f"{file} holds no address")
        self._remote = [
            RemotePart.of(f"{file}:{line}", fields, size, timeout)
            for (line, fields), size in zip(told, sizes, strict=True)
        ]
        self._pool = ThreadPoolExecutor(4 * len(told), "arborank-parts")

    def ranked(self, items: Sequence[str], body: RankBody) -> Ranked:
        """Return the best labels of every text, from the parts that its beam goes to."""
        rows = rows_of(self.model.features_, list(items))
        concerned = self._parts.concerned(rows, body.beam_size)
        plain = structs.replace(body, text=None, probabilities=False, explain=False)
        if body.probabilities:
            plain = structs.replace(plain, threshold=None)
        for name in _LIMITS:
            if (given := getattr(body, name)) is not None:
                ids = _ids(self.model, name, list(given))
                if name == "candidates":  # the beam goes where they are
                    concerned[:] = np.isin(np.arange(self._parts.n_parts), self._parts.of_labels[ids])
        asked = []
        for number, remote in enumerate(self._remote):
            chosen = np.flatnonzero(concerned[:, number])
            if chosen.size:
                own = structs.replace(plain, texts=[items[i] for i in chosen.tolist()])
                asked.append((chosen, self._pool.submit(remote.ask, own)))
        found: list[list[Scored]] = [[] for _ in items]
        missing = np.zeros(len(items), np.bool_)
        revisions = set()
        for chosen, waiting in asked:
            answer = waiting.result()
            if answer is None or answer.results is None:
                missing[chosen] = True
                continue
            revisions.add(answer.revision)
            for item, labels in zip(chosen.tolist(), answer.results, strict=True):
                found[item] += labels
        if len(revisions) > 1:  # some serve an older model, whose parts are others
            missing[:] = True
        merged = [self._best(labels, body) for labels in found]
        answers = [
            Partial(labels) if gone else labels for labels, gone in zip(merged, missing.tolist(), strict=True)
        ]
        return Ranked(answers, 0)

    def _best(self, labels: list[Scored], body: RankBody) -> list[Scored]:
        labels.sort(
            key=lambda one: -one.score
        )  # which keeps the order of parts, and so of nodes, among equals
        del labels[body.k :]
        if not body.probabilities or not labels:
            return labels
        ids = np.array([self.model.labels_.find_each([str(one.label) for one in labels])], np.int64)
        scores = np.array([[one.score for one in labels]], np.float32)
        found, shares = probable(self.model.model_, (ids, scores), body)
        names = self.model.labels_.take(found[0].tolist())
        return [
            Scored(name, share)
            for name, share in zip(names, shares[0].tolist(), strict=True)
            if body.threshold is None or share >= body.threshold
        ]
