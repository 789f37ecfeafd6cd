"""Panics of the tokenizers library, which ``except Exception`` does not catch, as errors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

__all__ = ["TextError", "call_on_texts", "panics_raise"]

T = TypeVar("T")


class TextError(ValueError):
    """A text that the tokenizer cannot take.

    Parameters
    ----------
    place : int
        Its number among the texts.
    reason : str
    """

    def __init__(self, place: int, reason: str) -> None:
        super().__init__(f"texts[{place}]: {reason}")
        self.place, self.reason = place, reason


@contextmanager
def panics_raise(what: str) -> Iterator[None]:
    """Raise a ValueError that begins with ``what`` where the library panics."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # the library gives no way to import it
            raise
        raise ValueError(f"{what}: {error}") from None


def call_on_texts(call: Callable[[list[str]], T], texts: list[str], tokenizer: str) -> T:
    """Return ``call(texts)``.

    Raises
    ------
    TextError
        If the library panics; it has the place of the first text on which it does so.
    """
    reason = f"the encoder's tokenizer ({tokenizer}) failed"
    try:
        with panics_raise(reason):
            return call(texts)
    except ValueError:
        for place, text in enumerate(texts):
            try:
                with panics_raise(reason):
                    call([text])
            except ValueError as error:
                raise TextError(place, str(error)) from None
        raise
