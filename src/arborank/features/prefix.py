"""TF-IDF of character n-grams that weigh by where they stand: for what is being typed."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .._native import NgramWeights, TextOptions
from ..core.checks import check_choice
from ..core.state import State
from .base import Counts
from .options import text_options
from .part import TfidfPart
from .positions import PositionWeight, position_weights

__all__ = ["PrefixTfidf"]


class PrefixTfidf(TfidfPart):
    """Character n-grams weighted by position (Yadav et al., KDD 2021), for prefixes and for what they complete.

    An n-gram that begins at position ``i`` (the first is 0) counts ``position_weight(i)`` in place of
    1. The value of an n-gram is the sum over its occurrences, times idf; rows are normalised then. With
    ``position_weight="none"`` rows equal those of ``NgramTfidf(analyzer="char")``.

    Text is taken in the order in which it is stored, so a right-to-left text begins where its reader begins. Chinese,
    Japanese and Korean need no word boundaries. A run of several white-space characters counts as one space; white
    space at the beginning takes positions, so strip it where it means nothing.

    Parameters
    ----------
    ngram_range : (int, int), default=(1, 3)
        Least and greatest n.
    position_weight : {"reciprocal", "none"}, sequence of float or callable, default="reciprocal"
        Weight by position: ``1 / (i + 1)``, or 1; or the weights of the first positions, the last of which holds for
        all beyond; or a function of ``i``, called when fitted for the first 1024 positions. Positive numbers.
    unit : {"code point", "grapheme"}, default="code point"
        What a character is. With ``"grapheme"``, a base with its combining marks is one, as are a Hangul syllable spelt
        in letters, a flag and a joined emoji: the extended grapheme clusters of Unicode (UAX 29, as before version
        15.1 without the rule for Indic conjuncts).
    lowercase : bool, default=True
        As ``str.lower``.
    strip_accents : {None, "unicode", "ascii"}, default=None
        As for `NgramTfidf`.
    normalization : {"NFC", None}, default="NFC"
        As for `NgramTfidf`.
    min_df, max_df : int or float, default=1 and 1.0
        Keep terms in at least, at most, so many texts (int), or such a share of the texts (float).
    max_features : int, optional
        Keep only the terms that occur most often; among equals, those first in code point order.
    norm : {"l2", "l1", None}, default="l2"
        Scale each row to unit length.
    use_idf : bool, default=True
        Multiply by ``idf_``: ``log((1 + n_texts) / (1 + df)) + 1``, or without ``smooth_idf``
        ``log(n_texts / df) + 1``.
    smooth_idf : bool, default=True
        See ``use_idf``.
    sublinear_tf : bool, default=False
        The mean weight of the occurrences times ``1 + log(count)``, in place of the sum.
    n_jobs : int, optional
        Threads; None or -1 for every core. Results do not depend on it.
    verbose : int, default=0
        When 1, work of more than two seconds shows a progress bar.

    Attributes
    ----------
    terms_ : Vocabulary
        The terms, in code point order.
    idf_ : float64 array of shape (n_features,)
        Only with ``use_idf``.
    position_weights_ : float64 array
        Weights of the first positions; the last holds for all beyond.

    Examples
    --------
    >>> from arborank import PrefixTfidf
    >>> features = PrefixTfidf(ngram_range=(1, 1), use_idf=False, norm=None)
    >>> features.fit_transform(["abba"]).toarray().tolist()
    [[1.25, 0.8333333134651184]]
    """

    position_weights_: NDArray[np.float64]

    def __init__(
        self,
        *,
        ngram_range: tuple[int, int] = (1, 3),
        position_weight: PositionWeight = "reciprocal",
        unit: Literal["code point", "grapheme"] = "code point",
        lowercase: bool = True,
        strip_accents: Literal["unicode", "ascii"] | None = None,
        normalization: Literal["NFC"] | None = "NFC",
        min_df: float = 1,
        max_df: float = 1.0,
        max_features: int | None = None,
        norm: Literal["l1", "l2"] | None = "l2",
        use_idf: bool = True,
        smooth_idf: bool = True,
        sublinear_tf: bool = False,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.ngram_range = ngram_range
        self.position_weight = position_weight
        self.unit = unit
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        self.normalization = normalization
        self.min_df = min_df
        self.max_df = max_df
        self.max_features = max_features
        self.norm = norm
        self.use_idf = use_idf
        self.smooth_idf = smooth_idf
        self.sublinear_tf = sublinear_tf
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _text_options(self) -> TextOptions:
        params = {"analyzer": "char", "tokens": "word2", "stop_words": None, **self.get_params(deep=False)}
        unit = check_choice("unit", self.unit, ("code point", "grapheme"))
        return text_options(params, positions=True, graphemes=unit == "grapheme")

    def checked(self) -> TextOptions:
        """Check all parameters; return the native text options."""
        position_weights(self.position_weight)
        return super().checked()

    def _learn(self, counts: Counts, part: int, *, binary: bool = False) -> None:
        weights = position_weights(self.position_weight)
        super()._learn(counts, part, binary=binary)
        self.position_weights_ = weights

    def _weights(self, weight: float = 1.0) -> NgramWeights:
        idf = self.idf_ if self.use_idf else None
        return NgramWeights(
            sublinear_tf=self.sublinear_tf,
            norm=self.norm or "none",
            idf=idf,
            weight=weight,
            positions=self.position_weights_,
        )

    def to_state(self) -> State:
        """Take the fitted vectoriser apart for saving; a function is saved as the weights it gave."""
        state = super().to_state()
        if isinstance(self.position_weight, str):
            return state
        arrays = {**state.arrays, "position_weights": self.position_weights_}
        return State({**state.config, "position_weight": None}, arrays)

    def _restore(self, state: State) -> None:
        if not isinstance(self.position_weight, str):
            self.position_weight = state.arrays["position_weights"]
        self.position_weights_ = position_weights(self.position_weight)
