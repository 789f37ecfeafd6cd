"""Several n-gram vectorisers side by side, in one pass over the texts."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from numbers import Real
from typing import Any, Literal, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted

from .._native import NgramEncoder, NgramFitter
from ..sparse import Csr, to_scipy
from ..state import State
from ..threads import n_threads
from .options import check_choice, check_texts
from .tfidf import NgramTfidf

__all__ = ["TextFeatures"]


class TextFeatures(TransformerMixin, BaseEstimator):
    """A union of `NgramTfidf` parts, each with a weight, and one normalisation over all.

    Parameters
    ----------
    parts : sequence of NgramTfidf, optional
        By default one part: words and pairs of words that occur in two texts or more, sublinear, at most
        300 000. Rows of each part are normalised by its own ``norm`` first. Threads are set here: a part's
        ``n_jobs`` must be None.
    weights : sequence of float, one a part, optional
        Each part's values are multiplied by its weight. By default 1.
    norm : {"l2", "l1", None}, default="l2"
        Scales each joint row to unit length.
    n_jobs : int, optional
        Threads; None or -1 for every core. Results do not depend on it.

    Attributes
    ----------
    parts_ : list of NgramTfidf
        The fitted parts; their columns follow one another.

    Examples
    --------
    >>> from arborank import NgramTfidf, TextFeatures
    >>> parts = [NgramTfidf(ngram_range=(1, 2)), NgramTfidf(analyzer="char_wb", ngram_range=(3, 3))]
    >>> features = TextFeatures(parts=parts, weights=[1.0, 0.5])
    >>> features.fit_transform(["red apple", "green apple"]).shape
    (2, 16)
    """

    parts_: list[NgramTfidf]

    def __init__(
        self,
        *,
        parts: Sequence[NgramTfidf] | None = None,
        weights: Sequence[float] | None = None,
        norm: Literal["l1", "l2"] | None = "l2",
        n_jobs: int | None = None,
    ) -> None:
        self.parts = parts
        self.weights = weights
        self.norm = norm
        self.n_jobs = n_jobs

    def fit(self, texts: Iterable[str], y: Any = None) -> Self:
        """Learn the terms of every part; see `NgramTfidf.fit`. ``y`` is ignored."""
        self._fit(texts, keep_rows=False)
        return self

    def fit_transform(self, texts: Iterable[str], y: Any = None) -> sp.csr_array:
        """Equal to ``fit(texts).transform(texts)``, with one pass over the texts."""
        return to_scipy(self.fit_encode(texts))

    def fit_encode(self, texts: Iterable[str]) -> Csr:
        """`fit_transform` with a `Csr` as result."""
        fitter = self._fit(texts, keep_rows=True)
        pairs = zip(self.parts_, self._checked_weights(self.parts_), strict=True)
        weights = [part._weights(weight) for part, weight in pairs]
        return Csr(*fitter.rows(weights, self.norm or "none"), self._width())

    def transform(self, texts: Iterable[str]) -> sp.csr_array:
        """Return the joint rows of texts, of shape (n_texts, n_features); see `NgramTfidf.transform`."""
        return to_scipy(self.encode(texts))

    def encode(self, texts: Iterable[str]) -> Csr:
        """`transform` with a `Csr` as result, which models take without a further check."""
        if not hasattr(self, "parts_"):
            check_is_fitted(self, "parts_")
        arrays = self._encoder.encode(check_texts(texts), n_threads(self.n_jobs))
        return Csr(*arrays, self._width())

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the terms by column, an object array; with several parts as ``"0:term"``, ``"1:term"``..."""
        check_is_fitted(self, "parts_")
        if len(self.parts_) == 1:
            return self.parts_[0].get_feature_names_out()
        names = [f"{i}:{term}" for i, part in enumerate(self.parts_) for term in part.terms_.names()]
        return np.array(names, dtype=object)

    def _fit(self, texts: Iterable[str], keep_rows: bool) -> NgramFitter:
        parts = [clone(part) for part in self._checked_parts()]
        self._checked_weights(parts)
        check_choice("norm", self.norm, ("l1", "l2", None))
        fitter = NgramFitter([part._checked() for part in parts], keep_rows, n_threads(self.n_jobs))
        n_texts = fitter.add(check_texts(texts))
        for i, part in enumerate(parts):
            try:
                part._learn(fitter, i, n_texts)
            except ValueError as error:
                raise ValueError(f"parts[{i}]: {error}" if len(parts) > 1 else str(error)) from None
        self.parts_ = parts
        self.__dict__.pop("_encoder", None)
        return fitter

    def _width(self) -> int:
        return sum(len(part.terms_) for part in self.parts_)

    def _checked_parts(self) -> Sequence[NgramTfidf]:
        if self.parts is None:
            return [NgramTfidf(ngram_range=(1, 2), min_df=2, max_features=300_000, sublinear_tf=True)]
        parts = list(self.parts)
        if not parts:
            raise ValueError("parts is empty; at least one NgramTfidf is needed")
        for i, part in enumerate(parts):
            if not isinstance(part, NgramTfidf):
                raise TypeError(f"parts[{i}] must be a NgramTfidf, found {type(part).__name__}")
            if part.n_jobs is not None:
                raise ValueError(f"parts[{i}] has n_jobs={part.n_jobs}; set n_jobs of TextFeatures instead")
        return parts

    def _checked_weights(self, parts: Sequence[NgramTfidf]) -> list[float]:
        if self.weights is None:
            return [1.0] * len(parts)
        weights = list(self.weights)
        if len(weights) != len(parts):
            raise ValueError(f"weights has {len(weights)} entries for {len(parts)} parts; give one a part")
        for i, weight in enumerate(weights):
            if not isinstance(weight, Real) or not 0 < weight < np.inf:
                raise ValueError(f"weights[{i}] must be a positive number, found {weight!r}")
        return [float(weight) for weight in weights]

    @cached_property
    def _encoder(self) -> NgramEncoder:
        pairs = zip(self.parts_, self._checked_weights(self.parts_), strict=True)
        return NgramEncoder([part._part(weight) for part, weight in pairs], self.norm or "none")

    def to_state(self) -> State:
        """Take the fitted union apart for saving."""
        check_is_fitted(self, "parts_")
        config = {"weights": self._checked_weights(self.parts_), "norm": self.norm, "n_jobs": self.n_jobs}
        return State(config, {}, {str(i): part for i, part in enumerate(self.parts_)})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved union together again."""
        parts = []
        for i in range(len(state.parts)):
            part = state.parts[str(i)]
            if not isinstance(part, NgramTfidf):
                raise ValueError(f"part {i} of saved TextFeatures is {type(part).__name__}, not NgramTfidf")
            parts.append(part)
        features = cls(parts=parts, **state.config)
        features.parts_ = parts
        return features

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_encoder"}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags
