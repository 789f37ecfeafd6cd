"""Write ``native/text/unicode_tables.hpp`` from the Unicode database of the Python that runs this script, and `regex`.

    python tools/make_unicode_tables.py > native/text/unicode_tables.hpp

The tables are committed, so that a model tokenises the same way under every Python version.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

import regex

from arborank.core.spelling import INVISIBLE

CODE_POINTS = range(0x110000)
HANGUL = range(0xAC00, 0xD7A4)  # decomposed by arithmetic
WORD = re.compile(r"\w")
SPACE = re.compile(r"\s")
# Blocks of the marks that Latin, Greek, Cyrillic, Hebrew, Syriac and Arabic texts may be written without.
ACCENTS = (
    (0x300, 0x36F),
    (0x483, 0x487),
    (0x591, 0x5C7),
    (0x610, 0x61A),
    (0x64B, 0x65F),
    (0x670, 0x670),
    (0x6D6, 0x6ED),
    (0x711, 0x74A),
    (0x898, 0x8FF),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0x2DE0, 0x2DFF),
    (0xA66F, 0xA69F),
    (0xFE20, 0xFE2F),
    (0x10EC0, 0x10EFF),
)


def ranges(inside: Callable[[str], bool]) -> Iterator[int]:
    """First and last code point of every run of characters that are ``inside``."""
    previous = False
    for c in CODE_POINTS:
        now = inside(chr(c))
        if now != previous:
            yield c if now else c - 1
        previous = now
    if previous:
        yield CODE_POINTS[-1]


def is_ignorable(c: str) -> bool:
    """Case_Ignorable, told from what ``str.lower`` makes of a capital sigma before the character."""
    return ("A\u03a3" + c).lower()[1] == "\u03c2" and ("A\u03a3" + c + "A").lower()[1] == "\u03c3"


def is_cased(c: str) -> bool:
    """Cased and not case-ignorable, told in the same way."""
    return ("A\u03a3" + c).lower()[1] == "\u03c3"


def is_accent(c: str) -> bool:
    """Tell the combining marks that accent folding drops; those of Indic scripts, Thai or kana make other letters."""
    return unicodedata.combining(c) > 0 and any(first <= ord(c) <= last for first, last in ACCENTS)


def fold(c: str) -> str:
    """Compatibility composition without accents."""
    decomposed = unicodedata.normalize("NFKD", c)
    return unicodedata.normalize("NFC", without_accents(decomposed))


def without_accents(text: str) -> str:
    """Drop what `is_accent` tells."""
    return "".join(c for c in text if not is_accent(c))


def canonical_fold(c: str) -> str:
    """Return what the tables make of a character that `kFold` lacks."""
    decomposed = unicodedata.normalize("NFD", c)
    kept = without_accents(decomposed)
    return c if kept == decomposed and unicodedata.is_normalized("NFC", c) else kept


def continues(c: str) -> bool:
    """Tell marks and joiners, which go on with a word that a letter has begun."""
    return unicodedata.category(c)[0] == "M" or c in "\u200c\u200d"


def compositions() -> list[tuple[int, int, int]]:
    """Return two characters and what they compose to, but for Hangul."""
    found = []
    for c in CODE_POINTS:
        parts = unicodedata.decomposition(chr(c)).split()
        if len(parts) == 2 and parts[0][0] != "<" and unicodedata.is_normalized("NFC", chr(c)):
            found.append((int(parts[0], 16), int(parts[1], 16), c))
    return sorted(found)


def is_invisible(c: str) -> bool:
    """Tell what is dropped from texts."""
    return any(first <= ord(c) <= last for first, last in INVISIBLE)


def classes() -> Iterator[int]:
    """First and last of every run of characters of one combining class above 0, and the class."""
    for value, run in groupby(CODE_POINTS, lambda c: unicodedata.combining(chr(c))):
        if value:
            run = list(run)
            yield from (run[0], run[-1], value)


def has(properties: str) -> Callable[[str], bool]:
    """Tell the characters, of those that Python knows, of some properties of grapheme clusters."""
    pattern = regex.compile(f"[{properties}]")
    return lambda c: unicodedata.category(c) != "Cn" and pattern.match(c) is not None


def table(name: str, values: Iterable[int], comment: str) -> None:
    """Print one array."""
    print(f"\n// {comment}\ninline constexpr std::uint32_t {name}[] = {{")
    line = "   "
    for value in values:
        piece = f" {value:#x}," if value > 9 else f" {value},"
        if len(line) + len(piece) > 118:
            print(line)
            line = "   "
        line += piece
    print(line + "};")


def mapping(name: str, function: Callable[[str], str], skip: Callable[[str], bool], comment: str) -> None:
    """Print a map of characters, as runs of those with results of one length; a run may hold one that stays."""
    runs: list[list[str]] = []
    end = -1
    for c in map(chr, CODE_POINTS[0x80:]):
        if skip(c) or (result := function(c)) == c:
            continue
        run = runs[-1] if runs else []
        if run and len(run[1]) == len(result) and ord(c) == end:
            run.append(result)
        elif run and len(run[1]) == len(result) == 1 and ord(c) == end + 1:
            run += [chr(end), result]
        else:
            runs.append([c, result])
        end = ord(c) + 1
    values: list[int] = []
    for first, *results in runs:
        values += [ord(first), len(results), len(results[0]), *map(ord, "".join(results))]
    table(name, values, f"Runs: first code point, how many, length of a result, results. {comment}")


def main() -> None:
    """Print the header."""
    print("// Generated by tools/make_unicode_tables.py; do not edit.\n#pragma once\n#include <cstdint>\n")
    print("namespace arborank::text::unicode {\n")
    print(f'inline constexpr char kVersion[] = "{unicodedata.unidata_version}";')
    table("kWord", ranges(lambda c: WORD.match(c) is not None), r"First, last of runs of \w.")
    table("kSpace", ranges(lambda c: SPACE.match(c) is not None), r"First, last of runs of \s.")
    table("kCased", ranges(is_cased), "First, last of runs of cased, not case-ignorable characters.")
    table("kIgnorable", ranges(is_ignorable), "First, last of runs of case-ignorable characters.")
    joined = has(r"\p{GCB=Extend}\p{GCB=SpacingMark}\p{GCB=ZWJ}")
    table(
        "kPrepend",
        ranges(has(r"\p{GCB=Prepend}")),
        "First, last of runs of characters that belong to the next one.",
    )
    pictographs = ranges(has(r"\p{Extended_Pictographic}"))
    table("kPictograph", pictographs, "First, last of runs of pictures that a zero-width joiner joins.")
    table("kContinue", ranges(continues), "First, last of runs of marks and joiners.")
    table(
        "kApart",
        ranges(lambda c: continues(c) and not joined(c)),
        "First, last of runs of those that do not belong to the character before.",
    )
    table(
        "kJoined",
        ranges(lambda c: joined(c) and not continues(c)),
        "First, last of runs of others that belong to the character before.",
    )
    pairs = compositions()
    composed = {chr(c) for _, _, c in pairs}
    table("kInvisible", ranges(is_invisible), "First, last of runs of what is dropped.")
    table("kCombining", classes(), "First, last, combining class.")
    table(
        "kAccents", (c for block in ACCENTS for c in block), "First, last of blocks whose marks are accents."
    )
    mapping(
        "kLower",
        str.lower,
        lambda c: c == "\u03a3",
        "str.lower, but for capital sigma, which depends on context.",
    )
    mapping(
        "kFold",
        fold,
        lambda c: fold(c) == canonical_fold(c),
        "NFKC without accents, where it is not what NFD leaves without accents.",
    )
    mapping(
        "kDecompose",
        lambda c: unicodedata.normalize("NFD", c),
        lambda c: ord(c) in HANGUL or c in composed,
        "NFD, but for Hangul syllables and what two characters compose to.",
    )
    table(
        "kCompose",
        (c for pair in pairs for c in pair),
        "Two characters and what they compose to, but for Hangul.",
    )
    print("\n}  // namespace arborank::text::unicode")


if __name__ == "__main__":
    main()
