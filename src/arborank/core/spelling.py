"""One spelling of what Unicode can write in several ways."""

import re
import unicodedata
from functools import cache
from typing import Final

from .. import _native

__all__ = ["INVISIBLE", "compose", "spell", "unify", "word_pattern"]

INVISIBLE: Final = (
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian variation selectors and vowel separator
    (0x200E, 0x200F),  # left-to-right and right-to-left marks
    (0x202A, 0x202E),  # embeddings and overrides of direction
    (0x2060, 0x206F),  # word joiner, invisible operators, isolates of direction
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xE0100, 0xE01EF),  # variation selectors for ideographs
)
"""First and last code points of the characters that `unify` drops; the native tables are made from them.

They are what Unicode lets a program ignore, but for the joiners U+200C and U+200D, which tell words apart in Persian
and in Indic scripts and hold emoji together, and for Hangul fillers and tags.
"""


def compose(text: str) -> str:
    """Return the composed form of Unicode (NFC): ``é`` is one code point, however it was typed."""
    return text if text.isascii() else _native.compose(text, False)


def spell(name: str, normalization: str | None) -> str:
    """Return a label name as tables hold it: composed (NFC), or without ``normalization`` as it is."""
    return name if normalization is None else compose(name)


def unify(text: str) -> str:
    """Return `compose` of a text without its `INVISIBLE` characters, and with a space for a zero-width one.

    A zero-width space (U+200B) stands between words, in Khmer and Thai for instance.
    """
    return text if text.isascii() else _native.compose(text, True)


@cache
def word_pattern() -> re.Pattern[str]:
    r"""Return a pattern of the words that vectorisers form: ``\w``, and what follows of it, of marks and of joiners.

    Made when first asked for, in some 20 milliseconds.
    """
    marks = "".join(c for c in map(chr, range(0x300, 0x20000)) if unicodedata.category(c)[0] == "M")
    return re.compile(rf"\w[\w{marks}\u200c\u200d]*")
