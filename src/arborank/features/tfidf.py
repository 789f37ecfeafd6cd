"""TF-IDF of word and character n-grams."""

from collections.abc import Collection
from typing import Literal

from .._native import NgramWeights, TextOptions
from ..core.checks import check_flag
from ..core.state import State
from .base import Counts
from .options import stop_word_list, text_options
from .part import TfidfPart
from .reading import Reader, Reading, name_of_reader, reading_of
from .tokens import TokenModel

__all__ = ["NgramTfidf"]


class NgramTfidf(TfidfPart):
    r"""Texts to TF-IDF rows, as scikit-learn's ``TfidfVectorizer`` makes them, several times faster.

    With ``normalization=None``, ``strip_accents=None``, and ``tokens="scikit-learn"`` for words, rows equal those of
    scikit-learn. The defaults differ in what they do for texts beyond ASCII.

    Parameters
    ----------
    analyzer : {"word", "char", "char_wb"}, registered name or callable, default="word"
        n-grams of words, of characters, or of characters within words (each with a space on both sides). A function
        from a text to a list of str gives the terms as they are, and must be registered: see `register`.
    tokenizer : registered name, callable or TokenModel, optional
        Splits a text into words, in place of ``tokens``: a function from a text to a list of str that is registered,
        see `register`; ``"simplemma:fi"`` for the lemmas of a language that simplemma knows (``"simplemma:sv+fi"`` of
        several); or a `TokenModel`. Words are lower-cased, folded and stopped as others; white space within one becomes
        ``_``.
    preprocessor : registered name or callable, optional
        A registered function from a text to a text, before all else.
    tokens : {"word2", "word1", "whitespace", "scikit-learn"}, default="word2"
        What a word is. ``"word1"``: a letter, digit or underscore (``\w``) and what follows of these, of combining
        marks such as the vowel signs of Hindi and Bengali, and of zero-width joiners and non-joiners, which do not
        end it (but for a joiner behind a virama). ``"word2"``: the same, of two code points or more, so that घी
        counts and é does not. ``"whitespace"``: whatever stands between white space. ``"scikit-learn"``: ``\w\w+``,
        its default, which cuts words at combining marks.
    ngram_range : (int, int), default=(1, 1)
        Least and greatest n.
    lowercase : bool, default=True
        As ``str.lower``.
    strip_accents : {None, "unicode", "ascii"}, default=None
        After lower-casing. ``"unicode"`` replaces characters by their compatibility composition (NFKC) without accents:
        the combining marks of Latin, Greek and Cyrillic letters, the vowel points of Hebrew and Arabic, and those of
        Syriac. Other marks make other letters and stay, as do the syllables of Hangul; scikit-learn drops or decomposes
        them. ``"ascii"`` is as in scikit-learn: NFKD, without what is not ASCII.
    normalization : {"NFC", None}, default="NFC"
        After lower-casing: one spelling of what Unicode can write in several ways. ``"NFC"`` composes texts (é is one
        code point, however it was typed), drops invisible characters (soft hyphens, byte order marks, marks of
        direction, variation selectors, word joiners), and makes a zero-width space a space. None leaves texts as
        they are.
    stop_words : collection of str, name of a language or None, default=None
        Words dropped before n-grams are formed; read as texts are, so ``"The"`` stands for ``"the"``. A word that is
        read as several, such as ``"don't"``, is refused unless these are stop words, too. ``"english"`` is
        scikit-learn's list; other languages (``"finnish"``, ``"fi"``) have those of the package stop-words. For
        ``analyzer="word"`` only.
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
    verbose : int, default=0
        When 1, work of more than two seconds shows a progress bar.

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

    def __init__(
        self,
        *,
        analyzer: Literal["word", "char", "char_wb"] | str | Reader = "word",
        tokenizer: str | Reader | TokenModel | None = None,
        preprocessor: str | Reader | None = None,
        tokens: Literal["word2", "word1", "whitespace", "scikit-learn"] = "word2",
        ngram_range: tuple[int, int] = (1, 1),
        lowercase: bool = True,
        strip_accents: Literal["unicode", "ascii"] | None = None,
        normalization: Literal["NFC"] | None = "NFC",
        stop_words: Collection[str] | str | None = None,
        min_df: float = 1,
        max_df: float = 1.0,
        max_features: int | None = None,
        binary: bool = False,
        norm: Literal["l1", "l2"] | None = "l2",
        use_idf: bool = True,
        smooth_idf: bool = True,
        sublinear_tf: bool = False,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.analyzer = analyzer
        self.tokenizer = tokenizer
        self.preprocessor = preprocessor
        self.tokens = tokens
        self.ngram_range = ngram_range
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        self.normalization = normalization
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
        self.verbose = verbose

    def _text_options(self) -> TextOptions:
        params, reading = self.get_params(deep=False), self._reading()
        if reading is not None and reading.tokenizer is not None:
            if self.analyzer != "word" or self.tokens != "word2":
                raise ValueError(
                    f"tokenizer is given, which needs analyzer='word' and the default of tokens; found "
                    f"analyzer={self.analyzer!r}, tokens={self.tokens!r}"
                )
            params["tokens"] = "whitespace"
        if reading is not None and reading.analyzer is not None:
            if self.tokenizer is not None or tuple(self.ngram_range) != (1, 1) or self.stop_words is not None:
                raise ValueError(
                    "analyzer is a function, which gives the terms; tokenizer, ngram_range and stop_words have no use"
                )
            params |= {"analyzer": "word", "tokens": "whitespace", "lowercase": False}
            params |= {"strip_accents": None, "normalization": None}
        return text_options(params)

    def _reading(self) -> Reading | None:
        return reading_of(self.preprocessor, self.tokenizer, self.analyzer)

    def checked(self) -> TextOptions:
        """Check all parameters; return the native text options."""
        check_flag("binary", self.binary)
        return super().checked()

    def _learn(self, counts: Counts, part: int, *, binary: bool = False) -> None:
        super()._learn(counts, part, binary=self.binary)

    def _loosen(self) -> str:
        return (
            f"analyzer={self.analyzer!r}, tokens={self.tokens!r}, ngram_range={self.ngram_range!r} and these "
            "stop_words; tokens='word1' or analyzer='char_wb' find more"
        )

    def _weights(self, weight: float = 1.0) -> NgramWeights:
        idf = self.idf_ if self.use_idf else None
        return NgramWeights(
            binary=self.binary,
            sublinear_tf=self.sublinear_tf,
            norm=self.norm or "none",
            idf=idf,
            weight=weight,
        )

    def to_state(self) -> State:
        """Take the fitted vectoriser apart for saving; stop words are saved as a list."""
        state = super().to_state()
        words: list[str] | None = None
        if self.stop_words is not None:
            words = stop_word_list(self.stop_words, str(self.analyzer)) or None
        config = {**state.config, "stop_words": words}
        for name in ("analyzer", "tokenizer", "preprocessor"):
            config[name] = name_of_reader(name, getattr(self, name))
        parts = {"tokenizer": self.tokenizer} if isinstance(self.tokenizer, TokenModel) else {}
        return State(config, state.arrays, parts)

    def _restore(self, state: State) -> None:
        if "tokenizer" in state.parts:
            self.tokenizer = state.part("tokenizer", TokenModel)
