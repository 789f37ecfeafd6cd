"""Words and phrases that no suggestion may hold."""

import re
import unicodedata
from collections.abc import Iterable

from .normal import normalize

__all__ = ["UNSPACED", "holds_phrase", "normal_phrases"]

# written without spaces: Thai, Lao, Burmese, Khmer, Tai Le, New Tai Lue, Tai Tham, Balinese, Javanese, Tai Viet;
# Chinese, Japanese, Yi, Tangut, Nushu
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u1b00-\u1b7f\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua980-\ua9ff\uaa60-\uaadf"
    "\uf900-\ufaff\uff66-\uff9f\U00017000-\U00018d7f\U0001b000-\U0001b2ff\U00020000-\U0003ffff]"
)


def normal_phrases(phrases: Iterable[str]) -> tuple[str, ...]:
    """Return the normal forms of some phrases in their order, without repetitions and blank ones."""
    return tuple(dict.fromkeys(filter(None, map(normalize, phrases))))


def holds_phrase(key: str, phrases: Iterable[str]) -> bool:
    """Whether a normal form holds one of some normal forms as whole words.

    A word ends at anything but letters, digits, ``_`` and combining marks. In scripts written without spaces it may end
    anywhere: there, a phrase is found within longer words too.
    """
    return any(_holds(key, phrase) for phrase in phrases if phrase in key)


def _holds(key: str, phrase: str) -> bool:
    start = key.find(phrase)
    while start >= 0:
        end = start + len(phrase)
        begins = start == 0 or not _same_word(key[start - 1], phrase[0])
        if begins and (end == len(key) or not _same_word(phrase[-1], key[end])):
            return True
        start = key.find(phrase, start + 1)
    return False


def _same_word(*neighbours: str) -> bool:
    return all(
        (char.isalnum() or char == "_" or unicodedata.category(char)[0] == "M") and not UNSPACED.match(char)
        for char in neighbours
    )
