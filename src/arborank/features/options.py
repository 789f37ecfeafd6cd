"""Checks of the vectorisers' parameters, made when they are fitted."""

from collections.abc import Collection, Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np

from .._native import TextOptions

__all__ = [
    "check_choice",
    "check_flag",
    "check_max_features",
    "check_texts",
    "document_limits",
    "documents",
    "stop_word_list",
    "text_options",
]


def check_texts(texts: Any) -> Iterable[str]:
    """Refuse one text in place of several; what the texts hold is checked as they are read."""
    if isinstance(texts, (str, bytes)):
        found = type(texts).__name__
        raise ValueError(f"texts must be an iterable of str, found one {found}; wrap it in a list")
    if not isinstance(texts, Iterable):
        raise TypeError(f"texts must be an iterable of str, found {type(texts).__name__}")
    return texts


def check_choice(name: str, value: Any, choices: Collection[Any]) -> Any:
    """Return ``value`` if it is one of ``choices``."""
    if not any(value is choice or (isinstance(value, str) and value == choice) for choice in choices):
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, found {value!r}")
    return value


def check_flag(name: str, value: Any) -> bool:
    """Return ``value`` if it is a bool."""
    if not isinstance(value, (bool, Integral, np.bool_)) or value not in (0, 1):
        raise TypeError(f"{name} must be True or False, found {value!r}")
    return bool(value)


def check_max_features(value: Any) -> int:
    """Return ``max_features``, or 0 for None."""
    if value is None:
        return 0
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"max_features must be an integer or None, found {value!r}")
    if value < 1:
        raise ValueError(f"max_features must be at least 1, found {value}")
    return min(int(value), 2**62)  # beyond what there can be


def document_limits(min_df: Any, max_df: Any, n_texts: int) -> tuple[float, float]:
    """Return the least and the greatest number of documents that a term may occur in."""
    low, high = documents("min_df", min_df, n_texts), documents("max_df", max_df, n_texts)
    if high < low:
        raise ValueError(
            f"max_df={max_df!r} is {high:g} of {n_texts} texts, fewer than min_df={min_df!r}, that is {low:g}"
        )
    return low, high


def documents(name: str, value: Any, n_texts: int) -> float:
    """Return ``min_df`` or ``max_df`` as a number of texts."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a count (int) or a ratio (float), found {value!r}")
    if isinstance(value, Integral):
        if value < 1:
            raise ValueError(f"{name} as a count must be at least 1, found {value}")
        return float(value)
    ratio = float(value)
    if not 0.0 <= ratio <= 1.0:
        raise ValueError(f"{name} as a ratio must be within 0.0 to 1.0, found {value}")
    return ratio * n_texts


def stop_word_list(stop_words: Any, analyzer: str) -> list[str]:
    """Resolve ``stop_words`` to a sorted list."""
    if stop_words is None:
        return []
    if analyzer != "word":
        raise ValueError(f"stop_words needs analyzer='word', found {analyzer!r}; set stop_words=None")
    if isinstance(stop_words, str):
        if stop_words != "english":
            raise ValueError(f"stop_words must be 'english', words or None, found {stop_words!r}")
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        return sorted(ENGLISH_STOP_WORDS)
    if not isinstance(stop_words, Iterable):
        raise TypeError(f"stop_words must be 'english', words or None, found {stop_words!r}")
    words = list(stop_words)
    for word in words:
        if not isinstance(word, str):
            raise TypeError(f"stop_words must hold str, found {word!r}")
    return sorted(set(words))


def text_options(params: dict[str, Any], *, positions: bool = False, graphemes: bool = False) -> TextOptions:
    """Check the parameters that say how a text becomes n-grams, and hand them to the native side."""
    analyzer = check_choice("analyzer", params["analyzer"], ("word", "char", "char_wb"))
    tokens = check_choice("tokens", params["tokens"], ("word2", "word1", "whitespace"))
    if analyzer != "word" and tokens != "word2":
        raise ValueError(f"tokens={tokens!r} needs analyzer='word', found analyzer={analyzer!r}")
    low, high = _ngram_range(params["ngram_range"])
    accents = check_choice("strip_accents", params["strip_accents"], (None, "unicode", "ascii"))
    stop_words = stop_word_list(params["stop_words"], analyzer)
    return TextOptions(
        analyzer=analyzer,
        tokens=tokens,
        min_n=low,
        max_n=high,
        lowercase=check_flag("lowercase", params["lowercase"]),
        strip_accents=accents or "none",
        stop_words=[word.encode("utf-8", "surrogatepass") for word in stop_words],
        positions=positions,
        graphemes=graphemes,
    )


def _ngram_range(value: Any) -> tuple[int, int]:
    pair = isinstance(value, (tuple, list)) and len(value) == 2
    if not pair or not all(isinstance(n, Integral) for n in value):
        raise TypeError(f"ngram_range must be two integers (min, max), found {value!r}")
    low, high = int(value[0]), int(value[1])
    if not 1 <= low <= high <= 1000:
        raise ValueError(f"ngram_range must hold 1 <= min <= max <= 1000, found {value!r}")
    return low, high
