"""A model that is served in parts: one of them, or all of them behind a service that asks those which have a say.

The beam of the whole model goes through the upper levels, which the asking service has, and so to some of the parts.
Each of these follows its own branches with a beam as wide, so together they find all that one machine would find.
"""

import http.client
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec
import numpy as np
from msgspec import structs

from ..core.errors import ArgumentError
from ..core.types import FilePath
from ..datasets.lines import read_lines
from ..features.base import rows_of
from ..linear.parts import Parts
from ..text import TextRanker
from .bodies import Label, ModelAnswer, Partial, RankAnswer, RankBody, Scored
from .kinds import Kind, Texts, kind_of
from .kinds.base import probable
from .settings import Settings

__all__ = ["kinds_of"]

_LOG = logging.getLogger(__name__)
_REST = 1.0  # seconds without a question to a part that has not answered


def kinds_of(settings: Settings) -> Callable[[object], Kind[Any]]:
    """Return what makes of a model what is asked: the whole, a part of it, or what asks all parts."""
    if settings.part is not None:
        return partial(_part_of, *settings.part)
    if settings.parts is not None:
        return partial(_Parted, settings.parts, settings.timeout)
    return kind_of


def _part_of(number: int, n_parts: int, model: object) -> Texts:
    ranker = _ranker(model)
    gone = Parts.of(ranker.model_, n_parts).others(number - 1)
    return Texts(ranker.remove_labels(ranker.labels_.take(gone.tolist())) if gone.size else ranker)


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
            _Remote.of(f"{file}:{line}", fields, size, timeout)
            for (line, fields), size in zip(told, sizes, strict=True)
        ]
        self._pool = ThreadPoolExecutor(4 * len(told), "arborank-parts")

    def ranked(self, items: Sequence[str], body: RankBody) -> list[list[Scored]]:
        """Return the best labels of every text, from the parts that its beam goes to."""
        rows = rows_of(self.model.features_, list(items))
        concerned = self._parts.concerned(rows, body.beam_size)
        plain = structs.replace(body, text=None, probabilities=False, explain=False)
        if body.probabilities:
            plain = structs.replace(plain, threshold=None)
        of_names = self._of_names(body)
        if body.candidates is not None:  # the beam goes where they are
            concerned[:] = [bool(own["candidates"]) for own in of_names]
        asked = []
        for number, remote in enumerate(self._remote):
            chosen = np.flatnonzero(concerned[:, number])
            if chosen.size:
                own = structs.replace(plain, texts=[items[i] for i in chosen.tolist()], **of_names[number])
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
        return [
            Partial(labels) if gone else labels for labels, gone in zip(merged, missing.tolist(), strict=True)
        ]

    def _best(self, labels: list[Scored], body: RankBody) -> list[Scored]:
        labels.sort(
            key=lambda one: -one.score
        )  # which keeps the order of parts, and so of nodes, among equals
        del labels[body.k :]
        if not body.probabilities or not labels:
            return labels
        ids = np.array([self.model.labels_.find_each([one.label for one in labels])], np.int64)
        scores = np.array([[one.score for one in labels]], np.float32)
        found, shares = probable(self.model.model_, (ids, scores), body)
        names = self.model.labels_.take(found[0].tolist())
        return [
            Scored(name, share)
            for name, share in zip(names, shares[0].tolist(), strict=True)
            if body.threshold is None or share >= body.threshold
        ]

    def _of_names(self, body: RankBody) -> list[dict[str, Any]]:
        """Return the names in a question that every part knows."""
        own: list[dict[str, Any]] = [{} for _ in self._remote]
        for field_name in ("candidates", "exclude", "label_weights"):
            given = getattr(body, field_name)
            if given is None:
                continue
            parts = self._part_of(list(given), field_name)
            for number, told in enumerate(own):
                names = [name for name, part in zip(given, parts, strict=True) if part == number]
                told[field_name] = {name: given[name] for name in names} if isinstance(given, dict) else names
        return own

    def _part_of(self, names: list[Label], field_name: str) -> list[int]:
        ids = [label for label in self.model.labels_.find_each(map(str, names)) if label is not None]
        if len(ids) < len(names):
            unknown = next(name for name in names if name not in self.model.labels_)
            raise ArgumentError(field_name, f"holds {unknown!r}, which the model does not know")
        parts: list[int] = self._parts.of_labels[ids].tolist()
        return parts


@dataclass
class _Remote:
    """A part of a model, served somewhere."""

    address: str
    key: str | None
    n_labels: int
    timeout: float
    known: bool = False
    silent_until: float = 0.0
    local: threading.local = field(default_factory=threading.local)

    @classmethod
    def of(cls, where: str, fields: list[str], n_labels: int, timeout: float) -> "_Remote":
        url = urlsplit(fields[0])
        if len(fields) > 2 or url.scheme not in ("http", "https") or not url.hostname:
            raise ArgumentError(
                "parts",
                f"{where}: an address such as http://10.0.0.1:8080/v1/models/model was expected, and a key behind it "
                f"if the service there needs one, found {' '.join(fields[:3])!r}",
            )
        return cls(fields[0].rstrip("/"), fields[1] if len(fields) == 2 else None, n_labels, timeout)

    def ask(self, body: RankBody) -> RankAnswer | None:
        """Return the part's answer; None if there is none, which is not asked for again for a moment."""
        if time.monotonic() < self.silent_until:
            return None
        try:
            if not self.known:
                self._know(msgspec.json.decode(self._send("GET", "", None), type=ModelAnswer))
            return msgspec.json.decode(
                self._send("POST", "/rank", msgspec.json.encode(_without_defaults(body))), type=RankAnswer
            )
        except (OSError, http.client.HTTPException, msgspec.MsgspecError, ValueError) as error:
            self.silent_until = time.monotonic() + _REST
            self.known = False
            _LOG.warning("the part at %s does not answer: %s", self.address, error)
            return None

    def _know(self, told: ModelAnswer) -> None:
        if told.n_labels != self.n_labels:
            raise ValueError(
                f"it has {told.n_labels} labels, not {self.n_labels}: another part, or another model"
            )
        self.known = True

    def _send(self, method: str, path: str, body: bytes | None) -> bytes:
        url = urlsplit(self.address)
        headers = {"content-type": "application/json"}
        if self.key is not None:
            headers["authorization"] = f"Bearer {self.key}"
        kept = getattr(self.local, "connection", None)
        if kept is None:
            kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
            kept = self.local.connection = kind(url.netloc, timeout=self.timeout)
        try:
            kept.request(method, url.path + path, body, headers)
            answer = kept.getresponse()
            content: bytes = answer.read()
        except (OSError, http.client.HTTPException):
            kept.close()
            self.local.connection = None
            raise
        if answer.status != 200:
            raise ValueError(f"status {answer.status}: {content[:200].decode(errors='replace')}")
        return content


def _without_defaults(body: RankBody) -> dict[str, Any]:
    plain = RankBody()
    return {name: value for name, value in structs.asdict(body).items() if value != getattr(plain, name)}
