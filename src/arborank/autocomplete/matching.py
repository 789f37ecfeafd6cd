"""Which spellings a prefix is taken to begin: queries and prefixes are compared by their forms."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, takewhile
from typing import Literal, get_args

from ..core.checks import check_choice
from ..core.sequences import described
from .infix import word_starts
from .normal import normalize

__all__ = ["FOLDS", "PLAIN", "Fold", "Forms", "Matching", "check_folds"]

Fold = Literal["accents", "letters", "hangul"]
FOLDS: tuple[Fold, ...] = get_args(Fold)

_STROKES = re.compile(r"LATIN SMALL LETTER (?:([A-Z]) WITH .*|DOTLESS (I))")  # they have no decomposition
_DOT = "\u0307"  # what is left of a Turkish İ in lower case
_LETTERS = {"æ": "ae", "œ": "oe", "ı": "i", _DOT: ""}

# jamo of syllables (first consonants, vowels, last consonants) by the letters of a keyboard; some take two keys
_JAMO = {
    0x1100: "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ",
    0x1161: "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ",
    0x11A8: "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ",
}
_TWO = (
    "ㅘㅗㅏ ㅙㅗㅐ ㅚㅗㅣ ㅝㅜㅓ ㅞㅜㅔ ㅟㅜㅣ ㅢㅡㅣ ㄳㄱㅅ ㄵㄴㅈ "
    "ㄶㄴㅎ ㄺㄹㄱ ㄻㄹㅁ ㄼㄹㅂ ㄽㄹㅅ ㄾㄹㅌ ㄿㄹㅍ ㅀㄹㅎ ㅄㅂㅅ"
)
_KEYS = {three[0]: three[1:] for three in _TWO.split()}
_TYPED = {
    chr(first + place): _KEYS.get(key, key) for first, keys in _JAMO.items() for place, key in enumerate(keys)
}


@dataclass(frozen=True)
class Matching:
    """How prefixes are compared with queries.

    Attributes
    ----------
    fold : tuple of {"accents", "letters", "hangul"}
        Which differences do not count; see `Autocompleter`.
    infix : bool
        Whether a prefix may begin any word of a query.
    """

    fold: tuple[Fold, ...] = ()
    infix: bool = False

    @classmethod
    def of(cls, fold: Collection[Fold], infix: bool = False) -> "Matching":
        """Take the differences in any order."""
        return cls(tuple(kind for kind in FOLDS if kind in fold), infix)

    def form(self, key: str) -> str:
        """Return the form of a normal form, or of the beginning of one; forms are compared character by character."""
        if not self.fold or key.isascii():
            return key
        if "letters" in self.fold:
            key = normalize(unicodedata.normalize("NFKC", key).casefold(), prefix=True)
        return unicodedata.normalize("NFC", key.translate(_folding(self.fold)))

    def starts(self, form: str) -> list[int]:
        """Return the places of a form where a prefix may begin."""
        return word_starts(form) if self.infix else [0]

    def matches(self, key: str, prefix: str) -> bool:
        """Whether a normal form matches the form of a prefix."""
        form = self.form(key)
        if form.startswith(prefix) or not self.infix:
            return form.startswith(prefix)
        return any(form.startswith(prefix, place) for place in word_starts(form))

    def sorted(self, keys: Iterable[str]) -> list[str]:
        """Return normal forms in the order of their forms; those of one form in their own order."""
        return sorted(keys, key=lambda key: (self.form(key), key)) if self.fold else sorted(keys)


PLAIN = Matching()


class Forms:
    """The forms of a few queries, to find those that begin with a prefix.

    Parameters
    ----------
    compare : Matching
    queries : iterable of (str, int)
        Normal forms, each with its number.
    """

    def __init__(self, compare: Matching, queries: Iterable[tuple[str, int]]) -> None:
        self.compare = compare
        forms = [(compare.form(key), number) for key, number in queries]
        self._sorted = sorted(
            (form[start:], number) for form, number in forms for start in compare.starts(form)
        )

    def matching(self, prefix: str) -> list[int]:
        """Return the numbers of the queries that match the form of a prefix, each once."""
        behind = islice(self._sorted, bisect_left(self._sorted, (prefix, -1)), None)
        found = takewhile(lambda one: one[0].startswith(prefix), behind)
        return list(dict.fromkeys(number for _, number in found))


def check_folds(name: str, value: object) -> None:
    """Raise an error that has ``name`` unless a value is a collection of differences that may be folded."""
    if isinstance(value, str) or not isinstance(value, Collection) or isinstance(value, Mapping):
        raise TypeError(
            f"{name} must be a collection of {', '.join(map(repr, FOLDS))}, found {described(value)}"
        )
    for one in value:
        check_choice(f"{name}[...]", one, FOLDS)


class _Folding(dict[int, str]):
    """What stands for a character, found out when it first occurs."""

    def __init__(self, fold: tuple[Fold, ...]) -> None:
        self.fold = fold

    def __missing__(self, point: int) -> str:
        text = chr(point)
        if "accents" in self.fold:
            text = _without_accents(text)
        if "letters" in self.fold:
            text = "".join(_LETTERS.get(char, char) for char in text)
        if "hangul" in self.fold:
            text = "".join(_typed(char) for char in text)
        self[point] = text
        return text


@lru_cache
def _folding(fold: tuple[Fold, ...]) -> _Folding:
    return _Folding(fold)


def _without_accents(char: str) -> str:
    base = "".join(one for one in unicodedata.normalize("NFD", char) if not _is_accent(one))
    if found := _STROKES.fullmatch(unicodedata.name(base, "") if len(base) == 1 else ""):
        base = (found[1] or found[2]).lower()
    return unicodedata.normalize("NFC", base)


def _is_accent(char: str) -> bool:
    """Whether a mark is one of Latin, Greek and Cyrillic letters, or a vowel sign of Hebrew or Arabic.

    Marks of Indian scripts, of Thai and of kana are letters of their own, which have other classes.
    """
    kind = unicodedata.combining(char)
    return kind == 1 or 10 <= kind <= 36 or kind >= 200


def _typed(char: str) -> str:
    jamo = unicodedata.normalize("NFKD", char)
    return "".join(map(_TYPED.__getitem__, jamo)) if jamo and all(one in _TYPED for one in jamo) else char
