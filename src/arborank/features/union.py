"""Several n-gram vectorisers side by side, in one pass over the texts."""

from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_choice
from ..core.estimator import check_fitted, clone
from ..core.sequences import text_list
from ..core.state import State, lasting
from ..core.threads import n_threads
from .base import TextVectorizer
from .choice import suitable_parts
from .part import TfidfPart

__all__ = ["TextFeatures"]


class TextFeatures(TextVectorizer):
    """A union of `NgramTfidf` and `PrefixTfidf` parts, each with a weight, and one normalisation over all.

    Parameters
    ----------
    parts : sequence of NgramTfidf or PrefixTfidf, optional
        By default chosen for the texts, of which a thousand are looked at: words and pairs of words; beside them
        n-grams of characters if texts are short (fewer than 30 different words on average) and many of these words
        rare; n-grams of characters alone in scripts without spaces, such as Chinese. ``parts_`` shows the choice, for
        which a generator of texts is read into a list. Rows of each part are normalised by its own ``norm`` first.
        Threads are set here: a part's ``n_jobs`` must be None.
    weights : sequence of float, one per part, optional
        Each part's values are multiplied by its weight. By default 1.
    norm : {"l2", "l1", None}, default="l2"
        Scales each joint row to unit length.
    n_jobs : int, optional
        Threads; None or -1 for every core. Results do not depend on it.
    verbose : int, default=0
        When 1, work of more than two seconds shows a progress bar.

    Attributes
    ----------
    parts_ : list of NgramTfidf or PrefixTfidf
        The fitted parts; their columns follow one another.

    Examples
    --------
    >>> from arborank import NgramTfidf, TextFeatures
    >>> parts = [NgramTfidf(ngram_range=(1, 2)), NgramTfidf(analyzer="char_wb", ngram_range=(3, 3))]
    >>> features = TextFeatures(parts=parts, weights=[1.0, 0.5])
    >>> features.fit_transform(["red apple", "green apple"]).shape
    (2, 18)
    """

    parts_: list[TfidfPart]

    def __init__(
        self,
        *,
        parts: Sequence[TfidfPart] | None = None,
        weights: Sequence[float] | None = None,
        norm: Literal["l1", "l2"] | None = "l2",
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.parts = parts
        self.weights = weights
        self.norm = norm
        self.n_jobs = n_jobs
        self.verbose = verbose

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return the terms by column, an object array; with several parts as ``"0:term"``, ``"1:term"``..."""
        check_fitted(self, "parts_")
        if len(self.parts_) == 1:
            return self.parts_[0].get_feature_names_out()
        names = [f"{i}:{term}" for i, part in enumerate(self.parts_) for term in part.terms_.names()]
        return np.array(names, dtype=object)

    # ------------------------------------------------------------------ learning

    def _new_parts(
        self, texts: Iterable[str], n_judged: int | None
    ) -> tuple[Sequence[TfidfPart], Iterable[str]]:
        check_choice("norm", self.norm, ("l1", "l2", None))
        if self.parts is None:
            if self.weights is not None:
                raise TypeError(
                    "weights are given, but the parts that they belong to are not; give parts, too"
                )
            texts = text_list(texts)
            return suitable_parts(texts[:n_judged], n_threads(self.n_jobs)), texts
        parts = [clone(part) for part in self._checked_parts(self.parts)]
        self._checked_weights(parts)
        return parts, texts

    def _keep_parts(self, parts: Sequence[TfidfPart]) -> None:
        self.parts_ = list(parts)

    def _weighted_parts(self) -> Sequence[tuple[TfidfPart, float]]:
        check_fitted(self, "parts_")
        return list(zip(self.parts_, self._checked_weights(self.parts_), strict=True))

    def _joint_norm(self) -> str:
        return self.norm or "none"

    def _checked_parts(self, given: object) -> Sequence[TfidfPart]:
        if not isinstance(given, Sequence):
            raise TypeError(f"parts must be a list of NgramTfidf or PrefixTfidf, found {given!r}")
        parts = list(given)
        if not parts:
            raise ValueError("parts is empty; at least one NgramTfidf or PrefixTfidf is needed")
        for i, part in enumerate(parts):
            if not isinstance(part, TfidfPart):
                raise TypeError(
                    f"parts[{i}] must be a NgramTfidf or PrefixTfidf, found {type(part).__name__}"
                )
            if part.n_jobs is not None:
                raise ValueError(f"parts[{i}] has n_jobs={part.n_jobs}; set n_jobs of TextFeatures instead")
        return parts

    def _checked_weights(self, parts: Sequence[TfidfPart]) -> list[float]:
        if self.weights is None:
            return [1.0] * len(parts)
        if not isinstance(self.weights, (Sequence, np.ndarray)):
            raise TypeError(f"weights must be a list of numbers, one per part; found {self.weights!r}")
        weights = list(self.weights)
        if len(weights) != len(parts):
            raise ValueError(f"weights has {len(weights)} entries for {len(parts)} parts; give one per part")
        for i, weight in enumerate(weights):
            if not isinstance(weight, Real) or not 0 < weight < np.inf:
                raise ValueError(f"weights[{i}] must be a positive number, found {weight!r}")
        return [float(weight) for weight in weights]

    # ------------------------------------------------------------------ save

    def to_state(self) -> State:
        """Take the fitted union apart for saving."""
        check_fitted(self, "parts_")
        config = {"weights": self._checked_weights(self.parts_), "norm": self.norm}
        return State(config, {}, {str(i): part for i, part in enumerate(self.parts_)})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved union together again.

        Raises
        ------
        TypeError, ValueError
            If a parameter is out of its range, or a part has another class.
        """
        parts = []
        for i in range(len(state.parts)):
            part = state.parts.get(str(i))
            if not isinstance(part, TfidfPart):
                found = type(part).__name__
                raise ValueError(f"part {i} of saved TextFeatures is {found}, not NgramTfidf or PrefixTfidf")
            parts.append(part)
        features = cls(parts=parts, **lasting(state.config))
        features.parts_ = parts
        features._checked_parts(parts)
        features._checked_weights(parts)
        check_choice("norm", features.norm, ("l1", "l2", None))
        return features
