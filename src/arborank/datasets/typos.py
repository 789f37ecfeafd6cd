"""Typing errors made to order: how a ranker stands up to them can be measured without a log of real ones."""

import random
import re
from collections.abc import Callable, Collection, Iterable

from ..core.sequences import text_list

__all__ = ["KINDS", "add_typos"]

KINDS = ("insert", "delete", "substitute", "transpose")

_ROWS = (("qwertyuiop", 0.0), ("asdfghjkl", 0.25), ("zxcvbnm", 0.75))  # keys, and how far a row is set in
_KEYS = {key: (inset + i, row) for row, (keys, inset) in enumerate(_ROWS) for i, key in enumerate(keys)}
_WORD = re.compile(r"\w+")


def _touch(a: tuple[float, int], b: tuple[float, int]) -> bool:
    return a != b and abs(a[0] - b[0]) <= 1 and abs(a[1] - b[1]) <= 1


_NEIGHBOURS = {
    key: "".join(other for other, there in _KEYS.items() if _touch(at, there)) for key, at in _KEYS.items()
}


def add_typos(
    texts: Iterable[str],
    *,
    rate: float = 0.2,
    min_length: int = 4,
    kinds: Collection[str] = KINDS,
    seed: int = 0,
) -> list[str]:
    """Return texts with a typing error in some of their words.

    The errors are the four single-letter ones that Damerau (1964) found behind 80 % of misspellings, each equally
    likely: a letter too many (a neighbour on the QWERTY keyboard of the one before it, or that letter again), a
    letter missing, a neighbour in its place, two adjacent letters swapped. The first letter of a word is spared, as
    it is seldom wrong in what people type; words that are not all letters (numbers, names with digits) too.

    Parameters
    ----------
    texts : iterable of str
    rate : float, default=0.2
        Probability that a word gets an error; one at most.
    min_length : int, default=4
        Words with fewer letters stay as they are; at least 2.
    kinds : collection of str, default=("insert", "delete", "substitute", "transpose")
        Which errors there are.
    seed : int, default=0
        The errors of a text depend on it, the options and the text alone, so they are the same wherever the text
        stands, on every machine and under every version of Python.

    Raises
    ------
    TypeError
        If ``texts`` is not a list of texts (one str, a data frame of several columns, a dict), or one is not a str.
    ValueError
        If an option is out of range.

    Examples
    --------
    >>> from arborank.datasets import add_typos
    >>> add_typos(["renewable energy in education"], rate=1.0)
    ['renewbale eergy in educatiin']
    """
    texts = text_list(texts)
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must be within 0 to 1, found {rate!r}")
    if min_length < 2:
        raise ValueError(f"min_length must be at least 2, found {min_length!r}")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds or isinstance(kinds, str):
        raise ValueError(f"kinds must be some of {', '.join(map(repr, KINDS))}, found {kinds!r}")
    chosen = [kind for kind in KINDS if kind in kinds]
    return [_text_with_typos(text, rate, min_length, chosen, seed) for text in texts]


def _text_with_typos(text: str, rate: float, min_length: int, kinds: list[str], seed: int) -> str:
    draw = random.Random(f"{seed} {text}".encode("utf-8", "surrogatepass")).random

    def change(match: re.Match[str]) -> str:
        word = match.group()
        if len(word) < min_length or not word.isalpha() or draw() >= rate:
            return word
        return _misspelt(word, kinds[int(draw() * len(kinds))], draw)

    return _WORD.sub(change, text)


def _misspelt(word: str, kind: str, draw: Callable[[], float]) -> str:
    if kind == "transpose":
        places = [i for i in range(1, len(word) - 1) if word[i] != word[i + 1]]
        if places:
            i = places[int(draw() * len(places))]
            return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
        kind = "delete"  # nothing to swap
    i = 1 + int(draw() * (len(word) - 1))
    if kind == "delete":
        return word[:i] + word[i + 1 :]
    if kind == "insert":
        return word[: i + 1] + _near(word[i], draw, itself=True) + word[i + 1 :]
    return word[:i] + _near(word[i], draw, itself=False) + word[i + 1 :]


def _near(letter: str, draw: Callable[[], float], *, itself: bool) -> str:
    """Return a neighbour on the keyboard; letters that are not on it have any of its keys as neighbours."""
    keys = _NEIGHBOURS.get(letter.lower(), "".join(_KEYS)) + (letter.lower() if itself else "")
    key = keys[int(draw() * len(keys))]
    return key.upper() if letter.isupper() else key
