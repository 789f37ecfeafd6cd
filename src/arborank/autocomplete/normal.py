"""When two spellings are the same query, and how a spelling is shown."""

import re

from ..core.spelling import INVISIBLE, compose, unify

__all__ = ["NormalForms", "normalize", "spelling"]

_SPACES = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_SURROGATES = re.compile("[\ud800-\udfff]")
_JOINERS = re.compile("[\u200b-\u200d]+")  # and the zero-width space
_SELECTORS = (0xFE00, 0xE0100)
_UNSEEN = re.compile(
    "[\u200b"
    + "".join(f"{chr(first)}-{chr(last)}" for first, last in INVISIBLE if first not in _SELECTORS)
    + "]+"
)
_ALIKE = str.maketrans(
    {
        **dict.fromkeys("`´‘’‚‛′ʹʻʼ׳＇", "'"),
        **dict.fromkeys("“”„‟″ʺ״＂", '"'),
        **dict.fromkeys("‐‑‒–—―−－", "-"),
        "ς": "σ",
    }
)


def normalize(text: str, *, prefix: bool = False) -> str:
    """Return the form in which queries are compared.

    Lower case, with ``σ`` for a final ``ς``, as a prefix may end anywhere; in composed Unicode (NFC), so that ``é`` is
    one code point however it was typed; without characters that have no width (soft hyphens, joiners, zero-width
    spaces, byte-order marks and the others of `arborank.core.spelling.INVISIBLE`); apostrophes, quotation marks and
    dashes of all shapes are ``'``, ``"`` and ``-``; runs of white space and control characters are one space, none at
    the ends; lone surrogates become U+FFFD. Everything is by code point: a combining mark without a composed form
    counts as a character of its own, and right-to-left text is in the order in which it is read.

    Parameters
    ----------
    text : str
    prefix : bool, default False
        Whether the text goes on: a space at its end then stays, for a word has ended there.
    """
    if text.isascii():
        if text.isalnum():  # most of what is typed
            return text.lower()
        text = text.replace("`", "'").lower()
        if "  " in text or not text.isprintable():
            text = _SPACES.sub(" ", text)
    else:
        text = unify(_JOINERS.sub("", _SURROGATES.sub("\ufffd", text)))
        text = _SPACES.sub(" ", compose(text.lower()).translate(_ALIKE))
    return text.lstrip(" ") if prefix else text.strip(" ")


class NormalForms(dict[str, str]):
    """Normal forms of texts that come again and again, each found when it is first asked for."""

    def __missing__(self, text: str) -> str:
        key = self[text] = normalize(text)
        return key


def spelling(text: str) -> str:
    """Return how a query is shown: as it was sent, without what cannot be seen or harms a line of text.

    Joiners and variation selectors stay, which Persian words and emoji need; other `arborank.core.spelling.INVISIBLE`
    characters and zero-width spaces go, controls and runs of white space are one space, none at the ends; lone
    surrogates become U+FFFD.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip(" ")
    text = _UNSEEN.sub("", _SURROGATES.sub("\ufffd", text))
    return _SPACES.sub(" ", text).strip(" ")
