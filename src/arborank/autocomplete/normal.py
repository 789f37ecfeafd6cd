"""When two spellings are the same query."""

import re
import unicodedata

__all__ = ["normalize"]

_SPACES = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_SURROGATES = re.compile("[\ud800-\udfff]")


def normalize(text: str, *, prefix: bool = False) -> str:
    """Return the form in which queries are compared.

    Lower case, with ``σ`` for a final ``ς``, as a prefix may end anywhere; in composed Unicode (NFC), so that ``é`` is
    one code point however it was typed; runs of white space and control characters are one space, none at the ends;
    lone surrogates become U+FFFD. Everything is by code point: a combining mark without a composed form counts as a
    character of its own, and right-to-left text is in the order in which it is read. Joiners, which Persian words and
    emoji need, stay.

    Parameters
    ----------
    text : str
    prefix : bool, default False
        Whether the text goes on: a space at its end then stays, for a word has ended there.
    """
    if text.isascii() and text.isalnum():  # most of what is typed
        return text.lower()
    text = _SPACES.sub(" ", _SURROGATES.sub("\ufffd", text))
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower().replace("ς", "σ"))
    return text.lstrip(" ") if prefix else text.strip(" ")
