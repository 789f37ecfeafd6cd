"""Text from data, made safe to show on a terminal."""

import re

__all__ = ["printable", "printable_json", "printable_lines"]

# Controls of both ranges, line and paragraph separators, lone surrogates; formats that turn the writing direction of
# what follows.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Escape the characters of a name or text that a terminal would obey instead of showing.

    Examples
    --------
    >>> printable("red\x1b[31m\nfruit")
    'red\\x1b[31m\\nfruit'
    """
    if text.isprintable():
        return text
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def printable_lines(text: str) -> str:
    """Escape all that `printable` does but the ends of lines."""
    return "\n".join(map(printable, text.split("\n")))


def printable_json(text: str) -> str:
    """Escape what a terminal would obey in JSON, which means the same then."""
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
