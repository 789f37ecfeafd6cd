"""Text from data, made safe to show on a terminal."""

from unicodedata import category

__all__ = ["printable"]

# Controls, lone surrogates, line and paragraph separators; formats that turn the writing direction of what follows.
_UNSAFE = {"Cc", "Cs", "Zl", "Zp"}
_TURNING = {"\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"}


def printable(text: str) -> str:
    r"""Escape the characters of a name or text that a terminal would obey instead of showing.

    Examples
    --------
    >>> printable("red\x1b[31m\nfruit")
    'red\\x1b[31m\\nfruit'
    """
    if text.isprintable():
        return text
    return "".join(
        char.encode("unicode_escape").decode("ascii")
        if category(char) in _UNSAFE or char in _TURNING
        else char
        for char in text
    )
