"""Checks of the vectorisers' parameters, made when they are fitted."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any

from .._native import TextOptions, ngrams
from ..core.checks import check_choice, check_flag
from ..core.errors import ArgumentError
from ..core.sequences import text_list

__all__ = [
    "check_max_features",
    "document_limits",
    "documents",
    "stop_word_list",
    "text_options",
]


def check_max_features(value: object) -> int:
    """Return ``max_features``, or 0 for None."""
    if value is None:
        return 0
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"max_features must be an integer or None, found {value!r}")
    if value < 1:
        raise ArgumentError("max_features", f"must be at least 1, found {value}")
    return min(int(value), 2**62)  # beyond what there can be


def document_limits(min_df: object, max_df: object, n_texts: int) -> tuple[float, float]:
    """Return the least and the greatest number of documents that a term may occur in."""
    low, high = documents("min_df", min_df, n_texts), documents("max_df", max_df, n_texts)
    if low > n_texts:
        raise ArgumentError(
            "min_df",
            f"{min_df!r} keeps terms that are in at least {low:g} texts, but texts has only {n_texts}; give more "
            "texts, or lower it: it is 1 for NgramTfidf()",
        )
    if high < low:
        raise ArgumentError(
            "max_df",
            f"{max_df!r} is {high:g} of {n_texts} texts, fewer than min_df={min_df!r}, that is {low:g}",
        )
    return low, high


def documents(name: str, value: object, n_texts: int) -> float:
    """Return ``min_df`` or ``max_df`` as a number of texts."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a count (int) or a ratio (float), found {value!r}")
    if isinstance(value, Integral):
        if value < 1:
            raise ArgumentError(name, f"as a count must be at least 1, found {value}")
        return float(value)
    ratio = float(value)
    if not 0.0 <= ratio <= 1.0:
        raise ArgumentError(name, f"as a ratio must be within 0.0 to 1.0, found {value}")
    return ratio * n_texts


def stop_word_list(stop_words: Iterable[str] | str | None, analyzer: str) -> list[str]:
    """Resolve ``stop_words`` to a sorted list."""
    if stop_words is None:
        return []
    if analyzer != "word":
        raise ValueError(f"stop_words needs analyzer='word', found {analyzer!r}; set stop_words=None")
    if isinstance(stop_words, str):
        if stop_words not in ("english", "en"):
            return _of_language(stop_words)
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        return sorted(ENGLISH_STOP_WORDS)
    if isinstance(stop_words, Iterator):  # an iterator would be empty the second time
        raise TypeError(f"stop_words must be 'english', a list of words or None, found {stop_words!r}")
    return sorted(set(text_list(stop_words, "stop_words", ordered=False)))


def _of_language(language: str) -> list[str]:
    try:
        import stop_words
    except ImportError as error:
        raise ImportError(
            f"stop words of the language {language!r} need a package: pip install 'arborank[languages]'"
        ) from error
    try:
        return sorted(set(stop_words.get_stop_words(language)))
    except stop_words.StopWordError:
        raise ValueError(
            f"stop_words must be a language such as 'english' or 'fi', words or None, found {language!r}"
        ) from None


def text_options(params: dict[str, Any], *, positions: bool = False, graphemes: bool = False) -> TextOptions:
    """Check the parameters that say how a text becomes n-grams, and hand them to the native side."""
    analyzer = check_choice("analyzer", params["analyzer"], ("word", "char", "char_wb"))
    tokens = check_choice("tokens", params["tokens"], ("word2", "word1", "whitespace", "scikit-learn"))
    if analyzer != "word" and tokens != "word2":
        raise ValueError(f"tokens={tokens!r} needs analyzer='word', found analyzer={analyzer!r}")
    ngram_range = _ngram_range(params["ngram_range"])
    accents = check_choice("strip_accents", params["strip_accents"], (None, "unicode", "ascii"))
    form = check_choice("normalization", params["normalization"], ("NFC", None))
    make = partial(
        TextOptions,
        analyzer=analyzer,
        lowercase=check_flag("lowercase", params["lowercase"]),
        strip_accents=accents or "none",
        compose=form is not None,
        positions=positions,
        graphemes=graphemes,
    )
    stop_words = stop_word_list(params["stop_words"], analyzer)
    if stop_words:
        one_word = partial(make, ngram_range=(1, 1))
        whole = one_word(tokens="whitespace")
        own = not isinstance(params["stop_words"], str)
        stop_words = _as_read(stop_words, one_word(tokens=tokens), whole, tokens if own else None)
    encoded = [word.encode("utf-8", "surrogatepass") for word in stop_words]
    return make(tokens=tokens, ngram_range=ngram_range, stop_words=encoded)


def _as_read(words: Sequence[str], options: TextOptions, whole: TextOptions, tokens: str | None) -> list[str]:
    """Return stop words as they come out of texts: lower-cased, composed and folded.

    A word that is read as several stays out if these are stop words, too, and is refused otherwise; without ``tokens``,
    in a list of others, it stays out.
    """
    read = {word: ngrams(word, options) for word in words}
    terms = {
        parts[0]
        for word, parts in read.items()
        if len(parts) == 1 and not _has_letters("".join(ngrams(word, whole)).replace(parts[0], "", 1))
    }
    foreign = [word for word, parts in read.items() if not terms.issuperset(parts)]
    if foreign and tokens is not None:
        shown = ", ".join(f"{word!r} (read as {', '.join(map(repr, read[word]))})" for word in foreign[:5])
        more = f" and {len(foreign) - 5} more" if len(foreign) > 5 else ""
        raise ValueError(
            f"stop_words holds what is never a word with tokens={tokens!r}: {shown}{more}; give the words that it is "
            "read as, or leave it out"
        )
    return sorted(terms)


def _has_letters(text: str) -> bool:
    return any(c.isalnum() or c == "_" for c in text)


def _ngram_range(value: Any) -> tuple[int, int]:
    pair = isinstance(value, (tuple, list)) and len(value) == 2
    if not pair or not all(isinstance(n, Integral) for n in value):
        raise TypeError(f"ngram_range must be two integers (min, max), found {value!r}")
    low, high = int(value[0]), int(value[1])
    if not 1 <= low <= high <= 1000:
        raise ArgumentError("ngram_range", f"must hold 1 <= min <= max <= 1000, found {value!r}")
    return low, high
