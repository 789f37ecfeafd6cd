"""How texts are read before n-grams are taken: functions of the user's, known by names that are saved.

A saved model holds names and never code, so whoever opens it must have registered the same functions.
"""

import contextlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .batches import map_texts
from .tokens import TokenModel, lemmatizer

__all__ = ["Reader", "Reading", "find_reader", "name_of_reader", "reading_of", "register"]

Reader = Callable[[str], Any]
"""A function of a text."""

_REGISTERED: dict[str, Reader] = {}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_LEMMAS: Final = "simplemma:"
_CARRIED: Final = "_arborank_name"  # the attribute of a function that holds its name
_OWN = ("word", "char", "char_wb")


def register(name: str, function: Reader) -> Reader:
    """Give a function of texts a name, under which a model that uses it is saved and opened.

    Do this in every process that opens such a model, before `arborank.load`. A function itself that is given as a
    parameter takes its name along where scikit-learn sends an estimator to other processes.

    Parameters
    ----------
    name : str
        Letters, digits, "_", "." and "-". A name that is known already gets the new function.
    function : callable
        As ``preprocessor``: from a text to a text; as ``tokenizer`` or ``analyzer``: from a text to a list of str.

    Returns
    -------
    callable
        The function itself.

    Raises
    ------
    TypeError, ValueError
        If the function cannot be called, or the name is none.

    Examples
    --------
    >>> from arborank import NgramTfidf
    >>> from arborank.features import register
    >>> split = register("at-commas", lambda text: text.split(","))
    >>> NgramTfidf(tokenizer="at-commas").analyze("red apple,pear")
    ['red_apple', 'pear']
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in _OWN:
        raise ValueError(
            f"name must be letters, digits, '_', '.' and '-', and none of {_OWN}; found {name!r}"
        )
    if not callable(function):
        raise TypeError(f"function must be callable, found {function!r}")
    _REGISTERED[name] = function
    with contextlib.suppress(AttributeError, TypeError):  # of a function of C
        setattr(function, _CARRIED, name)
    return function


def find_reader(argument: str, value: object) -> Reader:
    """Return the function that a parameter names or holds.

    Raises
    ------
    TypeError, ValueError
        If it is neither registered nor a `TokenModel`, so that a model with it could not be saved.
    ImportError
        If it needs a package that is missing.
    """
    if isinstance(value, TokenModel):
        return value
    if isinstance(value, str):
        if value.startswith(_LEMMAS):
            return lemmatizer(value.removeprefix(_LEMMAS))
        if value not in _REGISTERED:
            known = ", ".join(map(repr, sorted(_REGISTERED))) or "none"
            raise ValueError(
                f"{argument} is {value!r}, a name that is not registered here (there are: {known}); "
                f"arborank.features.register({value!r}, function) does that"
            )
        return _REGISTERED[value]
    if not callable(value):
        raise TypeError(f"{argument} must be a function or the name of one, found {value!r}")
    name_of_reader(argument, value)
    return value


def name_of_reader(argument: str, value: object) -> str | None:
    """Return the name that is saved of a parameter; None for a `TokenModel`, which is saved as a part.

    Raises ``ValueError`` for a function that has none.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, TokenModel):
        return None
    for name, function in _REGISTERED.items():
        if function is value:
            return name
    carried = getattr(value, _CARRIED, None)
    if callable(value) and isinstance(carried, str) and carried not in _REGISTERED:
        _REGISTERED[carried] = value  # it comes from another process, as of joblib
        return carried
    called = getattr(value, "__name__", type(value).__name__)
    raise ValueError(
        f"{argument} is the function {called!r}, which is not registered, so that a model with it could not be saved; "
        f"arborank.features.register('a-name', {called if called.isidentifier() else 'function'}) first"
    )


@dataclass(frozen=True)
class Reading:
    """What is done with a text before n-grams are taken.

    Attributes
    ----------
    preprocessor, tokenizer, analyzer : callable, optional
    """

    preprocessor: Reader | None = None
    tokenizer: Reader | None = None
    analyzer: Reader | None = None

    def __call__(self, text: str) -> str:
        """Return a text in which white space stands between tokens, if there is a tokenizer or analyzer."""
        return self._joined([text])[0]

    def many(self, texts: Sequence[str], n_threads: int) -> list[str]:
        """Return what a call does for every text; large batches in several processes where there are threads."""
        return map_texts(self._joined, texts, n_threads, self._works_in_threads)

    @property
    def _works_in_threads(self) -> bool:
        return isinstance(self.tokenizer, TokenModel) and self.preprocessor is None

    def _joined(self, texts: Sequence[str]) -> list[str]:
        if self.preprocessor is not None:
            texts = [self._text(self.preprocessor(text)) for text in texts]
        split, argument = (self.analyzer, "analyzer") if self.analyzer else (self.tokenizer, "tokenizer")
        if split is None:
            return list(texts)
        if isinstance(split, TokenModel):
            return [_line(tokens, argument) for tokens in split.many(texts)]
        return [_line(split(text), argument) for text in texts]

    @staticmethod
    def _text(text: Any) -> str:
        if not isinstance(text, str):
            raise TypeError(f"preprocessor must return a str, found {type(text).__name__}")
        return text


def reading_of(preprocessor: object, tokenizer: object, analyzer: object) -> Reading | None:
    """Return how the parameters of these names read texts; None if all is left to n-grams of the package."""
    own = isinstance(analyzer, str) and analyzer in _OWN
    if preprocessor is None and tokenizer is None and own:
        return None
    given = {"preprocessor": preprocessor, "tokenizer": tokenizer, "analyzer": None if own else analyzer}
    if isinstance(analyzer, str) and not (own or analyzer in _REGISTERED or analyzer.startswith(_LEMMAS)):
        raise ValueError(
            f"analyzer must be one of {', '.join(map(repr, _OWN))} or a registered name, found {analyzer!r}"
        )
    return Reading(
        **{name: None if value is None else find_reader(name, value) for name, value in given.items()}
    )


def _line(tokens: Any, argument: str) -> str:
    if type(tokens) is not list and (isinstance(tokens, str) or not isinstance(tokens, Iterable)):
        raise TypeError(f"{argument} must return a list of str, found {type(tokens).__name__}")
    words = tokens if type(tokens) is list else list(tokens)
    if not all(
        issubclass(kind, str) for kind in set(map(type, words))
    ):  # quick, for it comes with every text
        wrong = next(word for word in words if not isinstance(word, str))
        raise TypeError(f"{argument} must return a list of str, found {wrong!r} in it")
    line = " ".join(words)
    if line.count(" ") != len(words) - 1 or not line.isprintable():
        line = " ".join("_".join(word.split()) for word in words)
    return line
