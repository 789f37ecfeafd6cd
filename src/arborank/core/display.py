"""Text from data, made safe to show on a terminal."""

import os
import re
import textwrap
import unicodedata
from collections.abc import Sequence
from typing import IO

__all__ = [
    "aligned",
    "clip",
    "columns",
    "cut",
    "fold",
    "printable",
    "printable_json",
    "printable_lines",
    "significant",
    "terminal_width",
]

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


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)


def cut(text: str, width: int) -> str:
    """Keep as much of a text as fits into so many columns."""
    taken = 0
    for end, char in enumerate(text):
        taken += columns(char)
        if taken > width:
            return text[:end]
    return text


def clip(text: str, width: int) -> str:
    """Shorten a text to so many columns, between two words where it has some, with an ellipsis at its end."""
    if columns(text) <= width:
        return text
    kept = cut(text, width - 1)
    if text[len(kept)] != " ":
        kept = kept.rpartition(" ")[0] or kept
    return kept.rstrip() + "…"


def fold(text: str, width: int) -> str:
    """Break the lines of a text that are longer than so many columns, between words; what goes on is set in."""
    lines = []
    for line in text.split("\n"):
        if columns(line) > width:
            margin = " " * (len(line) - len(line.lstrip()) + 2)
            line = textwrap.fill(
                line,
                max(width, len(margin) + 1),
                subsequent_indent=margin,
                break_long_words=False,
                break_on_hyphens=False,
            )
        lines.append(line)
    return "\n".join(lines)


def significant(value: float) -> str:
    """Return a number with three decimals, or with three significant digits where these would lose some.

    Examples
    --------
    >>> [significant(value) for value in (12.5, 0.25, 0.0123456, 4e-7, 0.0)]
    ['12.500', '0.250', '0.0123', '4.00e-07', '0.000']
    """
    if abs(value) >= 0.1 or value == 0:
        return f"{value:.3f}"
    return f"{value:#.3g}"


def terminal_width(stream: IO[str] | None) -> int | None:
    """Return how many columns the terminal has that a stream goes to; None if it goes elsewhere."""
    if stream is None or not stream.isatty():
        return None
    try:
        width = int(os.environ.get("COLUMNS", 0)) or os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        width = 0
    return width if width > 0 else 80  # some do not tell


def aligned(rows: Sequence[Sequence[object]], n_left: int = 1) -> list[str]:
    """Return rows as lines of text: the first ``n_left`` columns begin, and the others end, below each other."""
    cells = [[str(cell) for cell in row] for row in rows]
    sizes = [max(map(columns, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        gaps = [" " * (size - columns(cell)) for cell, size in zip(row, sizes, strict=True)]
        placed = [
            cell + gap if i < n_left else gap + cell
            for i, (cell, gap) in enumerate(zip(row, gaps, strict=True))
        ]
        lines.append("  ".join(placed).rstrip())
    return lines
