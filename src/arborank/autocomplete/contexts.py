"""What came before a query: as it is given, in normal form, and as text to learn features from."""

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeAlias, TypeGuard, Union

import numpy as np

from ..core.lazy import sp
from ..core.sequences import as_column, is_missing
from ..core.spelling import word_pattern
from .normal import normalize
from .own_rows import row_texts
from .threshold import Threshold

__all__ = ["Context", "Previous", "Rows", "as_context", "is_rows", "read_context", "shared_words"]

Context = tuple[str, ...]  # normal forms, oldest first
Rows: TypeAlias = Union["sp.sparray", "sp.spmatrix"]
Previous: TypeAlias = str | Iterable[str] | Rows | None


def is_rows(previous: object) -> TypeGuard[Rows]:
    """Whether contexts are given as rows of features."""
    return bool(sp.issparse(previous))


def as_context(previous: Previous, name: str = "previous") -> Sequence[str]:
    """Return the queries before one, which may be a str, a sequence of them, sparse rows, or missing.

    Raises
    ------
    TypeError
        If it is anything else.
    """
    texts: Sequence[str]
    if isinstance(previous, str):
        return (previous,)
    if type(previous) is tuple or type(previous) is list:  # quick, for it comes with every keystroke
        texts = previous
    elif is_missing(previous):
        return ()
    elif is_rows(previous):
        return row_texts(previous, name)
    else:
        column = as_column(previous, name, "a str, a sequence of str or a sparse row")
        texts = column if isinstance(column, Sequence) else tuple(column)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{name} must be a str or a sequence of str, found {text!r} in it")
    return texts


def read_context(previous: Previous, n_previous: int, name: str = "previous") -> Context:
    """Return the normal forms of the last ``n_previous`` queries that are not blank, oldest first.

    Raises
    ------
    TypeError
        As `as_context`.
    """
    latest: list[str] = []
    for text in reversed(as_context(previous, name)):
        if key := normalize(text):
            latest.append(key)
            if len(latest) == n_previous:
                break
    return tuple(reversed(latest))


def shared_words(
    contexts: Sequence[Context], users: Sequence[Hashable] | None, threshold: Threshold
) -> list[str]:
    """Return a text for each context that is not empty, without the words that too few have sent.

    Parameters
    ----------
    contexts : sequence of tuple of str
        Normal forms of previous queries.
    users : sequence, optional
        Whose context each is.
    threshold : Threshold
        A word stays if enough contexts, of enough users, hold it.
    """
    texts = [" ".join(context) for context in contexts]
    if threshold != Threshold():
        word_of = word_pattern()
        numbers: dict[str, int] = {}
        found = [
            (numbers.setdefault(word, len(numbers)), row)
            for row, text in enumerate(texts)
            for word in set(word_of.findall(text))
        ]
        senders = None if users is None else [users[row] for _, row in found]
        met = threshold.met(np.array([word for word, _ in found], np.int64), senders, len(numbers))
        kept = {word for word, number in numbers.items() if met[number]}
        texts = [
            word_of.sub(lambda word: word[0] if word[0] in kept else " ", text).strip() for text in texts
        ]
    return [text for text in texts if text]
