"""What the features of previous queries may be learned from: nothing blocked, and no word that gives someone away."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import repeat

from ..core.spelling import word_pattern
from .catalogue import holds_phrase
from .normal import normalize

__all__ = ["drop_blocked", "shared_words"]

Context = tuple[str, ...]


def drop_blocked(contexts: Sequence[Context], blocklist: Iterable[str]) -> list[Context]:
    """Drop the queries that hold a blocked phrase.

    Parameters
    ----------
    contexts : sequence of tuple of str
        Normal forms of previous queries.
    blocklist : iterable of str
    """
    phrases = [phrase for phrase in map(normalize, blocklist) if phrase]
    if not phrases:
        return list(contexts)

    @cache
    def is_open(text: str) -> bool:
        return not holds_phrase(text, phrases)

    return [tuple(filter(is_open, context)) for context in contexts]


def shared_words(
    contexts: Sequence[Context], users: Sequence[object] | None, *, min_count: int, min_users: int
) -> list[str]:
    """Return a text for each context that is not empty, without the words that too few have sent.

    Parameters
    ----------
    contexts : sequence of tuple of str
        Normal forms of previous queries.
    users : sequence, optional
        Whose context each is.
    min_count : int
        A word stays if so many contexts hold it,
    min_users : int
        and, where users are known, the contexts of so many different users.
    """
    texts, word_of = [" ".join(context) for context in contexts], word_pattern()
    if min_count > 1 or min_users > 1:
        counts: Counter[str] = Counter()
        senders: dict[str, set[object]] = {}
        for text, user in zip(texts, repeat(None) if users is None else users, strict=users is not None):
            words = set(word_of.findall(text))
            counts.update(words)
            for word in words:
                known = senders.setdefault(word, set())
                if len(known) < min_users:
                    known.add(user)
        enough = 1 if users is None else min_users
        kept = {word for word, count in counts.items() if count >= min_count and len(senders[word]) >= enough}
        texts = [
            word_of.sub(lambda found: found[0] if found[0] in kept else " ", text).strip() for text in texts
        ]
    return [text for text in texts if text]
