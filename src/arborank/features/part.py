"""One vocabulary with its weights: what the vectorisers of n-grams share, and what a union consists of."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from .._native import NgramPart, NgramWeights, TextOptions, ngrams
from ..core.checks import check_choice, check_flag
from ..core.errors import ArgumentError
from ..core.estimator import check_fitted
from ..core.state import State, lasting
from .base import Counts, TextVectorizer
from .options import check_max_features, document_limits, documents
from .reading import Reading
from .vocabulary import Vocabulary

__all__ = ["TfidfPart"]


class TfidfPart(TextVectorizer):
    """TF-IDF of some kind of n-grams."""

    terms_: Vocabulary
    idf_: NDArray[np.float64]

    ngram_range: tuple[int, int]
    min_df: float
    max_df: float
    max_features: int | None
    norm: Literal["l1", "l2"] | None
    use_idf: bool
    smooth_idf: bool
    sublinear_tf: bool

    def analyze(self, text: str) -> list[str]:
        """Return the n-grams of one text, as often as they occur, known or not; needs no fitting."""
        if not isinstance(text, str):
            raise TypeError(f"text must be a str, found {type(text).__name__}")
        options, reading = self._text_options(), self._reading()
        result: list[str] = ngrams(text if reading is None else reading(text), options)
        return result

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return the terms by column, as an object array of str."""
        check_fitted(self, "terms_")
        return np.array(self.terms_.names(), dtype=object)

    @property
    def vocabulary_(self) -> dict[str, int]:
        """Columns by term; made at every access."""
        check_fitted(self, "terms_")
        return {term: column for column, term in enumerate(self.terms_.names())}

    @abstractmethod
    def _text_options(self) -> TextOptions:
        """Check the parameters that say how a text becomes n-grams, and hand them to the native side."""

    def _reading(self) -> Reading | None:
        """Return what is done with texts before they are read natively; None for nothing."""
        return None

    @abstractmethod
    def _weights(self, weight: float = 1.0) -> NgramWeights:
        """Return how the counts of this part become values; ``weight`` is its own within a union."""

    # ------------------------------------------------------------------ learning

    def _new_parts(
        self, texts: Iterable[str], n_judged: int | None
    ) -> tuple[Sequence["TfidfPart"], Iterable[str]]:
        return [self], texts

    def _keep_parts(self, parts: Sequence["TfidfPart"]) -> None:
        pass

    def _weighted_parts(self) -> Sequence[tuple["TfidfPart", float]]:
        check_fitted(self, "terms_")
        return [(self, 1.0)]

    def _joint_norm(self) -> str:
        return "none"  # its own norm is applied to the part

    def checked(self) -> TextOptions:
        """Check all parameters; return the native text options."""
        for name in ("use_idf", "smooth_idf", "sublinear_tf"):
            check_flag(name, getattr(self, name))
        check_choice("norm", self.norm, ("l1", "l2", None))
        check_max_features(self.max_features)
        documents("min_df", self.min_df, 0)
        documents("max_df", self.max_df, 0)
        return self._text_options()

    def _learn(self, counts: Counts, part: int, *, binary: bool = False) -> None:
        """Take terms and idf from the counts of all texts.

        With ``binary``, ``max_features`` are the terms in most texts, not those that occur most often.
        """
        n_texts = counts.n_texts
        if n_texts == 0:
            raise ValueError("texts is empty; at least one text is needed")
        low, high = document_limits(self.min_df, self.max_df, n_texts)
        if not counts.found_any(part):
            raise ValueError(f"no n-gram at all in {n_texts} texts with {self._loosen()}")
        limit = check_max_features(self.max_features)
        terms, offsets, slots, df = counts.select(part, low=low, high=high, max_features=limit, binary=binary)
        if len(df) == 0:
            raise ArgumentError(
                "min_df",
                f"{self.min_df!r} and max_df={self.max_df!r} leave no term of {n_texts} texts: none is in at least "
                f"{low:g} and at most {high:g} of them; lower the first, or raise the second",
            )
        self.terms_ = Vocabulary(terms, offsets, slots)
        if self.use_idf:
            smooth = int(self.smooth_idf)
            self.idf_ = np.log((n_texts + smooth) / (df.astype(np.float64) + smooth)) + 1.0
        elif hasattr(self, "idf_"):
            del self.idf_
        self.__dict__.pop("_encoder", None)

    def _loosen(self) -> str:
        """Say which parameters leave texts without n-grams, and what to do about it."""
        return f"ngram_range={self.ngram_range!r}"

    def _native_part(self, weight: float) -> NgramPart:
        v = self.terms_
        return NgramPart(self._text_options(), v.terms, v.offsets, v.slots, self._weights(weight))

    # ------------------------------------------------------------------ save

    def to_state(self) -> State:
        """Take the fitted vectoriser apart for saving."""
        check_fitted(self, "terms_")
        config = lasting(self.get_params(deep=False))
        config["ngram_range"] = [int(n) for n in self.ngram_range]
        for name in ("min_df", "max_df", "max_features"):
            if isinstance(config[name], np.generic):
                config[name] = config[name].item()
        v = self.terms_
        arrays: dict[str, NDArray[Any]] = {"terms": v.terms, "offsets": v.offsets, "slots": v.slots}
        if self.use_idf:
            arrays["idf"] = self.idf_
        return State(config, arrays, {})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved vectoriser together again; arrays are used where they lie.

        Raises
        ------
        TypeError, ValueError
            If a parameter is out of its range, or the arrays do not fit together.
        """
        features = cls(**lasting(state.config))
        if isinstance(features.ngram_range, list):  # JSON has no tuples
            features.ngram_range = tuple(features.ngram_range)
        features.terms_ = Vocabulary(state.arrays["terms"], state.arrays["offsets"], state.arrays["slots"])
        if features.use_idf:
            features.idf_ = state.arrays["idf"]
        features._restore(state)
        features.checked()
        features._native_part(1.0)  # checks the arrays
        return features

    def _restore(self, state: State) -> None:
        """Take over what a subclass adds to the state."""
