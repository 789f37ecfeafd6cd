"""Which parts suit texts: the choice that `TextFeatures` makes when it is given none."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from .._native import NgramFitter
from .options import text_options
from .part import TfidfPart
from .tfidf import NgramTfidf

__all__ = ["looked_at", "suitable_parts"]

_SAMPLE: Final = 1000  # texts that are looked at, at even distances
_SHORT: Final = (
    30  # different words of a text on average, below which n-grams of characters are worth their time
)
_RARE: Final = 0.3  # share of these words that few texts have, below which they add nothing
_UNSPACED: Final = (
    0.1  # share of the texts in scripts without spaces, above which they have no words to speak of
)
_LETTERS: Final = 3.5  # of a word on average, below which n-grams of characters are shorter
_COMMON: Final = (
    0.01  # share of texts above which an n-gram of characters says little, but takes most of the time
)
_LEAST: Final = 2  # texts with a term


def looked_at(texts: Sequence[str]) -> list[str]:
    """Return the texts that a choice looks at, a thousand at even distances; of these it is all."""
    step = max(len(texts) / _SAMPLE, 1)
    return [texts[int(i * step)] for i in range(min(len(texts), _SAMPLE))]


def suitable_parts(texts: Sequence[str], n_threads: int) -> list[TfidfPart]:
    """Return parts, not fitted, for texts.

    Words and pairs of words, and n-grams of characters beside them where texts are short and many of their words rare.
    Scripts without spaces get n-grams of characters alone.
    """
    sample = looked_at(texts)
    fitter = NgramFitter([text_options(NgramTfidf().get_params(deep=False))], False, n_threads)
    n_texts = fitter.add(sample, None)
    if fitter.unparted(0) > _UNSPACED:
        return [_part(analyzer="char", ngram_range=(1, 3))]
    words = _part(ngram_range=(1, 2))
    if not fitter.found_any(0):
        return [words]
    terms, offsets, _, n_with = fitter.select(0, low=0, high=n_texts, max_features=0, binary=False)
    rare = n_with[n_with <= max(_COMMON * n_texts, _LEAST)]
    if n_with.sum() >= _SHORT * n_texts or rare.sum() < _RARE * n_with.sum():
        return [words]
    n_letters = np.count_nonzero(terms & 0xC0 != 0x80)  # first bytes in UTF-8
    sizes = (5, 5) if n_letters >= _LETTERS * (len(offsets) - 1) else (2, 3)
    most = _COMMON if n_texts == _SAMPLE else 1.0  # of few texts, it would be too few
    characters = _part(analyzer="char_wb", ngram_range=sizes, max_df=most)
    fitter = NgramFitter([text_options(characters.get_params(deep=False))], False, n_threads)
    fitter.add(sample, None)
    *_, n_with = fitter.select(0, low=_LEAST, high=most * n_texts, max_features=0, binary=False)
    return [words, characters] if n_with.size else [words]


def _part(**params: Any) -> NgramTfidf:
    return NgramTfidf(min_df=_LEAST, max_features=300_000, sublinear_tf=True, **params)
