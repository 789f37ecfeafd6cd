"""TF-IDF of word and character n-grams."""

from collections.abc import Collection, Iterable
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._native import NgramEncoder, NgramFitter, NgramPart, NgramWeights, ngrams
from ..sparse import Csr, to_scipy
from ..state import State
from ..threads import n_threads
from .options import (
    check_choice,
    check_flag,
    check_max_features,
    check_texts,
    document_limits,
    documents,
    stop_word_list,
    text_options,
)
from .vocabulary import Vocabulary

__all__ = ["NgramTfidf"]


class NgramTfidf(TransformerMixin, BaseEstimator):
    r"""Texts to TF-IDF rows; equal to scikit-learn's ``TfidfVectorizer``, and several times faster.

    Parameters
    ----------
    analyzer : {"word", "char", "char_wb"}, default="word"
        n-grams of words, of characters, or of characters within words (each with a space on both sides).
    tokens : {"word2", "word1", "whitespace"}, default="word2"
        What a word is: ``\w\w+`` (scikit-learn's default), ``\w+``, or whatever stands between white space.
    ngram_range : (int, int), default=(1, 1)
        Least and greatest n.
    lowercase : bool, default=True
        As ``str.lower``.
    strip_accents : {None, "unicode", "ascii"}, default=None
        After lower-casing: replace characters by their compatibility decomposition without combining marks;
        ``"ascii"`` also drops what is not ASCII then.
    stop_words : collection of str, "english" or None, default=None
        Words dropped before n-grams are formed; compared after lower-casing and accent folding. ``"english"``
        is scikit-learn's list. For ``analyzer="word"`` only.
    min_df, max_df : int or float, default=1 and 1.0
        Keep terms in at least, at most, so many texts (int), or such a share of the texts (float).
    max_features : int, optional
        Keep only the terms that occur most often (with ``binary``: in most texts); among equals, those first
        in code point order.
    binary : bool, default=False
        Count a term once a text.
    norm : {"l2", "l1", None}, default="l2"
        Scale each row to unit length.
    use_idf : bool, default=True
        Multiply by ``idf_``: ``log((1 + n_texts) / (1 + df)) + 1``, or without ``smooth_idf``
        ``log(n_texts / df) + 1``.
    smooth_idf : bool, default=True
        See ``use_idf``.
    sublinear_tf : bool, default=False
        Replace a count by ``1 + log(count)``.
    n_jobs : int, optional
        Threads; None or -1 for every core. Results do not depend on it.

    Attributes
    ----------
    terms_ : Vocabulary
        The terms, in code point order.
    idf_ : float64 array of shape (n_features,)
        Only with ``use_idf``.

    Examples
    --------
    >>> from arborank import NgramTfidf
    >>> features = NgramTfidf(ngram_range=(1, 2)).fit(["red apple", "green apple"])
    >>> features.get_feature_names_out().tolist()
    ['apple', 'green', 'green apple', 'red', 'red apple']
    >>> features.transform(["a red car"]).shape
    (1, 5)
    """

    terms_: Vocabulary
    idf_: NDArray[np.float64]

    def __init__(
        self,
        *,
        analyzer: Literal["word", "char", "char_wb"] = "word",
        tokens: Literal["word2", "word1", "whitespace"] = "word2",
        ngram_range: tuple[int, int] = (1, 1),
        lowercase: bool = True,
        strip_accents: Literal["unicode", "ascii"] | None = None,
        stop_words: Collection[str] | None = None,
        min_df: float = 1,
        max_df: float = 1.0,
        max_features: int | None = None,
        binary: bool = False,
        norm: Literal["l1", "l2"] | None = "l2",
        use_idf: bool = True,
        smooth_idf: bool = True,
        sublinear_tf: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.analyzer = analyzer
        self.tokens = tokens
        self.ngram_range = ngram_range
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        self.stop_words = stop_words
        self.min_df = min_df
        self.max_df = max_df
        self.max_features = max_features
        self.binary = binary
        self.norm = norm
        self.use_idf = use_idf
        self.smooth_idf = smooth_idf
        self.sublinear_tf = sublinear_tf
        self.n_jobs = n_jobs

    def fit(self, texts: Iterable[str], y: Any = None) -> Self:
        """Learn terms and idf.

        Parameters
        ----------
        texts : iterable of str
            May be a generator; it is read once.
        y : ignored

        Raises
        ------
        TypeError
            If a text is not a str (its position is named), or a parameter has the wrong type.
        ValueError
            If ``texts`` is one str or empty, no term is left, or a parameter is out of range.
        """
        self._fit(texts, keep_rows=False)
        return self

    def fit_transform(self, texts: Iterable[str], y: Any = None) -> sp.csr_array:
        """Equal to ``fit(texts).transform(texts)``, with one pass over the texts."""
        return to_scipy(self.fit_encode(texts))

    def fit_encode(self, texts: Iterable[str]) -> Csr:
        """`fit_transform` with a `Csr` as result."""
        fitter = self._fit(texts, keep_rows=True)
        return Csr(*fitter.rows([self._weights()], "none"), len(self.terms_))

    def transform(self, texts: Iterable[str]) -> sp.csr_array:
        """Return the TF-IDF rows of texts: float32, of shape (n_texts, n_features).

        A text without any known term gets an empty row.

        Raises
        ------
        TypeError
            If a text is not a str.
        ValueError
            If ``texts`` is one str.
        """
        return to_scipy(self.encode(texts))

    def encode(self, texts: Iterable[str]) -> Csr:
        """`transform` with a `Csr` as result, which models take without a further check."""
        if not hasattr(self, "terms_"):
            check_is_fitted(self, "terms_")
        arrays = self._encoder.encode(check_texts(texts), n_threads(self.n_jobs))
        return Csr(*arrays, len(self.terms_))

    def analyze(self, text: str) -> list[str]:
        """Return the n-grams of one text, as often as they occur, known or not; needs no fitting."""
        if not isinstance(text, str):
            raise TypeError(f"text must be a str, found {type(text).__name__}")
        result: list[str] = ngrams(text, text_options(self.get_params()))
        return result

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the terms by column, as an object array of str."""
        check_is_fitted(self, "terms_")
        return np.array(self.terms_.names(), dtype=object)

    @property
    def vocabulary_(self) -> dict[str, int]:
        """Columns by term; made anew at every access."""
        check_is_fitted(self, "terms_")
        return {term: column for column, term in enumerate(self.terms_.names())}

    # ------------------------------------------------------------------ parts of a union

    def _fit(self, texts: Iterable[str], keep_rows: bool) -> NgramFitter:
        fitter = NgramFitter([self._checked()], keep_rows, n_threads(self.n_jobs))
        self._learn(fitter, 0, fitter.add(check_texts(texts)))
        return fitter

    def _checked(self) -> Any:
        """Check all parameters; return the native text options."""
        for name in ("binary", "use_idf", "smooth_idf", "sublinear_tf"):
            check_flag(name, getattr(self, name))
        check_choice("norm", self.norm, ("l1", "l2", None))
        check_max_features(self.max_features)
        documents("min_df", self.min_df, 0)
        documents("max_df", self.max_df, 0)
        return text_options(self.get_params(deep=False))

    def _learn(self, fitter: NgramFitter, part: int, n_texts: int) -> None:
        """Take terms and idf from a fitter that has read all texts."""
        if n_texts == 0:
            raise ValueError("texts is empty; at least one text is needed")
        low, high = document_limits(self.min_df, self.max_df, n_texts)
        if not fitter.found_any(part):
            raise ValueError(
                f"no n-gram at all in {n_texts} texts with analyzer={self.analyzer!r}, "
                f"tokens={self.tokens!r}, ngram_range={self.ngram_range!r} and these stop_words; "
                "tokens='word1' or analyzer='char_wb' find more"
            )
        terms, offsets, slots, df = fitter.select(
            part, low, high, check_max_features(self.max_features), self.binary
        )
        if len(df) == 0:
            raise ValueError(
                f"no term is in at least {low:g} (min_df={self.min_df!r}) and at most {high:g} "
                f"(max_df={self.max_df!r}) of {n_texts} texts; lower min_df or raise max_df"
            )
        self.terms_ = Vocabulary(terms, offsets, slots)
        if self.use_idf:
            smooth = int(self.smooth_idf)
            self.idf_ = np.log((n_texts + smooth) / (df.astype(np.float64) + smooth)) + 1.0
        elif hasattr(self, "idf_"):
            del self.idf_
        self.__dict__.pop("_encoder", None)

    def _weights(self, weight: float = 1.0) -> NgramWeights:
        idf = self.idf_ if self.use_idf else None
        return NgramWeights(self.binary, self.sublinear_tf, self.norm or "none", idf, weight)

    def _part(self, weight: float = 1.0) -> NgramPart:
        v = self.terms_
        options = text_options(self.get_params(deep=False))
        return NgramPart(options, v.terms, v.offsets, v.slots, self._weights(weight))

    @cached_property
    def _encoder(self) -> NgramEncoder:
        return NgramEncoder([self._part()], "none")

    # ------------------------------------------------------------------ save

    def to_state(self) -> State:
        """Take the fitted vectoriser apart for saving; stop words are saved as a list."""
        check_is_fitted(self, "terms_")
        config = self.get_params(deep=False)
        config["ngram_range"] = [int(n) for n in self.ngram_range]
        config["stop_words"] = stop_word_list(self.stop_words, self.analyzer) or None
        for name in ("min_df", "max_df", "max_features", "n_jobs"):
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
        ValueError
            If the arrays do not fit together.
        """
        features = cls(**{**state.config, "ngram_range": tuple(state.config["ngram_range"])})
        features.terms_ = Vocabulary(state.arrays["terms"], state.arrays["offsets"], state.arrays["slots"])
        if features.use_idf:
            features.idf_ = state.arrays["idf"]
        features._part()  # checks the arrays
        return features

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_encoder"}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags
