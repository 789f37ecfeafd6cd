"""Warnings when terms leave out much of the texts that they were learned from."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .._native import NgramFitter
from ..core.notices import warn

if TYPE_CHECKING:
    from .part import TfidfPart

__all__ = ["warn_of_lost_texts"]

_SHARE = 0.1


def warn_of_lost_texts(
    fitter: NgramFitter, parts: "Sequence[TfidfPart]", n_terms: NDArray[np.int64] | None
) -> None:
    """Warn when more than a tenth of the texts that were learned from has no term, or none that is a word.

    Parameters
    ----------
    fitter : NgramFitter
        Has read the texts.
    parts : sequence of TfidfPart
    n_terms : int64 array of shape (n_texts,), or None
        How many terms the texts have. Without it, terms are not missed that are in too few or too many texts.
    """
    unparted = min(fitter.unparted(i) for i in range(len(parts)))
    if unparted > _SHARE:
        warn(
            f"{unparted:.0%} of what was read is in scripts written without spaces (such as Chinese, Japanese, Thai, "
            "Khmer, Burmese or Javanese), where whole phrases pass for words. Use n-grams of characters, "
            "NgramTfidf(analyzer='char', ngram_range=(1, 3)) or --analyzer char --ngrams 1,3; or put spaces between "
            "the words first"
        )
        return
    n_lost, n_texts, where = fitter.n_without, fitter.n_texts, ""
    if n_terms is not None:
        empty, n_texts = n_terms == 0, n_terms.size
        n_lost, where = int(empty.sum()), f", the first of them at position {int(empty.argmax())}"
    if n_lost > _SHARE * n_texts:
        warn(
            f"{n_lost:,} of {n_texts:,} texts ({n_lost / n_texts:.0%}) have no term{where}: a model learns nothing "
            f"from them. {_ways_out(parts, n_terms is not None)}"
        )


def _ways_out(parts: "Sequence[TfidfPart]", selected: bool) -> str:
    ways = []
    if any(getattr(part, "analyzer", "char") == "word" for part in parts):
        ways.append(
            "use n-grams of characters, NgramTfidf(analyzer='char_wb', ngram_range=(2, 4)) or --analyzer char_wb "
            "--ngrams 2,4"
        )
    dropping = [part.min_df for part in parts if part.min_df not in (0, 1)]
    if selected and dropping:
        ways.append(f"lower min_df={dropping[0]!r}")
    ways.append("leave such texts out")
    return f"{ways[0][0].upper()}{ways[0][1:]}{''.join(f'; or {way}' for way in ways[1:])}"
