"""What the vectorisers make of a text, in plain Python: slow, and short enough to be seen to be right."""

import re
import unicodedata
from itertools import groupby

from arborank.core.spelling import INVISIBLE

__all__ = ["prepare", "unify", "words"]

# Latin, Greek and Cyrillic marks, those of Hebrew, Arabic and Syriac, and marks for symbols.
_ACCENTS = """
    0300-036F 0483-0487 0591-05C7 0610-061A 064B-065F 0670-0670 06D6-06ED 0711-074A 0898-08FF 1AB0-1AFF 1DC0-1DFF
    20D0-20FF 2DE0-2DFF A66F-A69F FE20-FE2F 10EC0-10EFF
"""
_RANGES = [tuple(int(end, 16) for end in pair.split("-")) for pair in _ACCENTS.split()]
_JOINERS = "\u200c\u200d"
_NON_JOINER, _JOINER = _JOINERS


def prepare(text, *, lowercase=True, normalization="NFC", strip_accents=None):
    """Lower-case, compose and fold a text."""
    text = text.lower() if lowercase else text
    text = unify(text) if normalization else text
    if strip_accents == "ascii":
        return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    if strip_accents == "unicode":
        decomposed = unicodedata.normalize("NFKD", text)
        return unicodedata.normalize("NFC", "".join(c for c in decomposed if not _is_accent(c)))
    return text


def unify(text):
    """Drop what is invisible, make zero-width spaces spaces, and compose."""
    visible = (c for c in text if not any(first <= ord(c) <= last for first, last in INVISIBLE))
    return unicodedata.normalize("NFC", "".join(visible).replace("\u200b", " "))


def words(text, least):
    """Return the words of a prepared text: of letters, digits and underscores, with their marks and joiners."""
    found = []
    for inside, run in groupby(text, lambda c: _is_letter(c) or _is_mark(c) or c in _JOINERS):
        word = "".join(run) if inside else ""
        while word and not _is_letter(word[0]):
            word = word[1:]
        while word.endswith((_NON_JOINER, _JOINER)):
            if word[-1] == _JOINER and unicodedata.combining(word[-2]) == 9:  # behind a virama
                break
            word = word[:-1]
        if len(word) >= least:
            found.append(word)
    return found


def _is_accent(c):
    return unicodedata.combining(c) > 0 and any(first <= ord(c) <= last for first, last in _RANGES)


def _is_letter(c):
    return re.match(r"\w", c) is not None


def _is_mark(c):
    return unicodedata.category(c).startswith("M")
