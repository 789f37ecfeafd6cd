"""Instances of several fields, each read by a vectoriser of its own: lemmas for words, texts for characters."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_choice
from ..core.errors import ArgumentError
from ..core.estimator import Estimator, check_fitted, clone
from ..core.lazy import sp
from ..core.sequences import frame_rows
from ..core.sparse import as_csr, to_scipy
from ..core.state import State, lasting
from ..storage import SaveMixin
from .base import TextVectorizer
from .tfidf import NgramTfidf

__all__ = ["Fields", "MultiFieldFeatures"]

Fields: TypeAlias = str | Mapping[str, str | Sequence[str]]
"""An instance: a text or a list of tokens for every field; one str stands for all fields."""


class MultiFieldFeatures(SaveMixin, Estimator):
    """A union of vectorisers that read different fields of an instance.

    Parameters
    ----------
    parts : mapping of str to NgramTfidf, PrefixTfidf or TextFeatures
        A vectoriser for every field, by the field's name. A field that holds lists of tokens, such as those of an
        analyzer of your own, is taken as it is: its part must be ``NgramTfidf(tokens="whitespace", lowercase=False)``,
        with other options as you like.
    weights : mapping of str to float, optional
        What the values of a part are multiplied by; by default 1.
    norm : {"l2", "l1", None}, default="l2"
        Scales each joint row to unit length.
    n_jobs : int, optional
        When given, it is set on the parts.

    Attributes
    ----------
    parts_ : dict of str to fitted vectorisers

    Examples
    --------
    >>> from arborank import NgramTfidf
    >>> from arborank.features import MultiFieldFeatures
    >>> lemmas = NgramTfidf(tokens="whitespace", lowercase=False)
    >>> letters = NgramTfidf(analyzer="char_wb", ngram_range=(3, 3))
    >>> features = MultiFieldFeatures({"lemmas": lemmas, "text": letters})
    >>> books = [{"lemmas": ["red", "apple"], "text": "Red apples"}, {"lemmas": ["pear"], "text": "Pears"}]
    >>> features.fit_transform(books).shape
    (2, 16)
    """

    reads_fields: ClassVar[bool] = True  # instances are no plain texts
    parts_: dict[str, TextVectorizer]

    def __init__(
        self,
        parts: Mapping[str, TextVectorizer],
        *,
        weights: Mapping[str, float] | None = None,
        norm: str | None = "l2",
        n_jobs: int | None = None,
    ) -> None:
        self.parts = parts
        self.weights = weights
        self.norm = norm
        self.n_jobs = n_jobs

    def fit(self, instances: Iterable[Fields], y: object = None) -> Self:
        """Learn terms and their weights; parameters and errors are those of `fit_transform`."""
        self.fit_transform(instances)
        return self

    def fit_transform(self, instances: Iterable[Fields], y: object = None) -> "sp.csr_array":
        """Learn terms and their weights, and return the rows of the instances.

        Parameters
        ----------
        instances : iterable of mappings from field to str or list of str, or data frame with a column for each field
        y : ignored

        Raises
        ------
        TypeError, ValueError
            If a field is missing or holds something else, or for the reasons of the parts.
        """
        self._check()
        parts = {name: clone(part) for name, part in self.parts.items()}
        for part in parts.values():
            if self.n_jobs is not None:
                part.set_params(n_jobs=self.n_jobs)
        texts = self._by_field(instances)
        rows = [part.fit_transform(texts[name]) for name, part in parts.items()]
        self.parts_ = parts
        return self._joined(rows)

    def transform(self, instances: Iterable[Fields]) -> "sp.csr_array":
        """Return the rows of instances, float32, of shape (n_instances, n_features); errors as `fit_transform`."""
        check_fitted(self, "parts_")
        texts = self._by_field(instances)
        return self._joined([part.transform(texts[name]) for name, part in self.parts_.items()])

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return the terms by column, as ``"field:term"``."""
        check_fitted(self, "parts_")
        names = [
            f"{name}:{term}" for name, part in self.parts_.items() for term in part.get_feature_names_out()
        ]
        return np.array(names, dtype=object)

    def _fitted_stages(self) -> Mapping[str, TextVectorizer]:
        return getattr(self, "parts_", {})

    def _joined(self, rows: "list[sp.csr_array]") -> "sp.csr_array":
        weights = self.weights or {}
        scaled = [
            one * np.float32(weights.get(name, 1.0)) for name, one in zip(self.parts, rows, strict=True)
        ]
        joint = sp.hstack(scaled, format="csr")
        if self.norm is not None:
            from sklearn.preprocessing import normalize

            joint = normalize(joint, norm=self.norm, copy=False)
        return to_scipy(as_csr(joint, "features"))

    def _by_field(self, instances: Iterable[Fields]) -> dict[str, list[str]]:
        texts: dict[str, list[str]] = {name: [] for name in self.parts}
        rows = frame_rows(instances, "instances")
        for number, instance in enumerate(instances if rows is None else rows):
            if not isinstance(instance, (str, Mapping)):
                found = type(instance).__name__
                raise TypeError(f"instance {number} must map fields to texts, or be a str; found {found}")
            for name, own in texts.items():
                given: Any = instance if isinstance(instance, str) else instance.get(name)
                given = given.tolist() if isinstance(given, np.ndarray) else given  # as in frames of pandas
                own.append(given if isinstance(given, str) else self._line(given, name, number))
        return texts

    def _line(self, tokens: object, name: str, number: int) -> str:
        where = f"field {name!r} of instance {number}"
        if not isinstance(tokens, (list, tuple)) or not all(isinstance(token, str) for token in tokens):
            raise TypeError(f"{where} must be a str or a list of str, found {tokens!r}")
        part = self.parts[name]
        if not isinstance(part, NgramTfidf) or part.tokens != "whitespace" or part.lowercase:
            raise TypeError(
                f"{where} is a list of tokens; its part must be NgramTfidf(tokens='whitespace', lowercase=False), "
                f"found {part!r}"
            )
        return " ".join("_".join(token.split()) for token in tokens)

    def _check(self) -> None:
        if not isinstance(self.parts, Mapping) or not self.parts:
            raise TypeError(f"parts must map the names of fields to vectorisers, found {self.parts!r}")
        for name, part in self.parts.items():
            if not isinstance(name, str) or not (name.isidentifier() and name.isascii()):
                raise ArgumentError(
                    "parts", f"names a field {name!r}; letters, digits and underscores were expected"
                )
            if not isinstance(part, TextVectorizer):
                raise TypeError(
                    f"parts[{name!r}] must be a vectoriser of arborank, found {type(part).__name__}"
                )
        check_choice("norm", self.norm, ("l1", "l2", None))
        for name, weight in (self.weights or {}).items():
            if name not in self.parts:
                raise ArgumentError("weights", f"has {name!r}, which is no field of parts")
            if not isinstance(weight, (int, float)) or not 0 < weight < np.inf:
                raise ArgumentError("weights", f"has {weight!r} for {name!r}; a positive number was expected")

    def to_state(self) -> State:
        """Take the fitted union apart for saving."""
        check_fitted(self, "parts_")
        weights = (
            None if self.weights is None else {name: float(value) for name, value in self.weights.items()}
        )
        config = {"fields": list(self.parts_), "weights": weights, "norm": self.norm}
        return State(config, {}, {f"field_{name}": part for name, part in self.parts_.items()})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved union together again.

        Raises
        ------
        TypeError, ValueError
            If a parameter is out of its range, or a part is missing or of another class.
        """
        config = lasting(state.config)
        parts = {name: state.part(f"field_{name}", TextVectorizer) for name in config.pop("fields")}  # type: ignore[type-abstract]
        features = cls(parts, **config)
        features._check()
        features.parts_ = parts
        return features
