"""Sources of tokens from other libraries: lemmas of simplemma, and models of ``tokenizers`` and ``sentencepiece``."""

import re
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from ..core.state import State
from ..core.types import FilePath

__all__ = ["TokenModel", "lemmatizer"]

_WORD = re.compile(r"\w+(?:[-'’]\w+)*")


class TokenModel:
    """A tokenizer that was learned: of the library ``tokenizers``, or of ``sentencepiece``.

    It is saved with the model that uses it. Give it to ``NgramTfidf(tokenizer=...)``.

    Parameters
    ----------
    content : bytes
        Of the file.
    kind : {"tokenizers", "sentencepiece"}
        Which library reads it. Both are in the extra ``languages``.

    Raises
    ------
    ImportError
        If the library is not installed.
    ValueError
        If it cannot read the content.
    """

    def __init__(self, content: bytes, kind: Literal["tokenizers", "sentencepiece"]) -> None:
        if kind not in ("tokenizers", "sentencepiece"):
            raise ValueError(f"kind must be 'tokenizers' or 'sentencepiece', found {kind!r}")
        self.content, self.kind = bytes(content), kind
        self._model  # noqa: B018  so that what cannot be read is refused now

    @classmethod
    def load(cls, path: FilePath) -> Self:
        """Read a file: ``tokenizer.json`` of ``tokenizers``, or a ``.model`` of ``sentencepiece``.

        Raises
        ------
        FileNotFoundError, ImportError, ValueError
            If there is no such file, the library is missing or cannot read it.
        """
        content = Path(path).read_bytes()
        return cls(content, "tokenizers" if content.lstrip()[:1] == b"{" else "sentencepiece")

    def __call__(self, text: str) -> list[str]:
        """Return the tokens of a text."""
        return self.many([text])[0]

    def many(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the tokens of every text; the library uses threads of its own."""
        if self.kind == "tokenizers":
            found = self._model.encode_batch(list(texts), add_special_tokens=False)
            return [one.tokens for one in found]
        tokens: list[list[str]] = self._model.encode(list(texts), out_type=str)
        return tokens

    @cached_property
    def _model(self) -> Any:
        try:
            if self.kind == "tokenizers":
                from tokenizers import Tokenizer

                return Tokenizer.from_str(self.content.decode())
            from sentencepiece import SentencePieceProcessor
        except ImportError as error:
            raise ImportError(
                f"this tokenizer needs {self.kind}: pip install 'arborank[languages]'"
            ) from error
        except Exception as error:  # what the library raises is of no class of its own
            raise ValueError(f"content is no tokenizer that {self.kind} can read: {error}") from None
        try:
            return SentencePieceProcessor(model_proto=self.content)
        except Exception as error:
            raise ValueError(f"content is no tokenizer that sentencepiece can read: {error}") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TokenModel) and (self.kind, self.content) == (other.kind, other.content)

    def __hash__(self) -> int:
        return hash((self.kind, self.content))

    def __deepcopy__(self, memo: object) -> Self:
        return self  # nothing of it changes

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.content, self.kind)

    def __repr__(self) -> str:
        return f"TokenModel({self.kind!r}, {len(self.content):,} bytes)"

    def to_state(self) -> State:
        """Return what is saved."""
        return State({"kind": self.kind}, {"content": np.frombuffer(self.content, np.uint8)})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved tokenizer together again; errors are those of the class."""
        return cls(state.vector("content", np.uint8).tobytes(), state.config["kind"])


@lru_cache
def lemmatizer(language: str) -> Callable[[str], list[str]]:
    """Return a function that gives the words of a text as simplemma's lemmas, in lower case.

    Raises
    ------
    ImportError
        If simplemma is not installed.
    ValueError
        If it does not know the language.
    """
    try:
        import simplemma
    except ImportError as error:
        raise ImportError("lemmas need simplemma: pip install 'arborank[languages]'") from error
    languages = tuple(language.split("+"))
    try:
        simplemma.lemmatize("a", lang=languages)
    except ValueError:
        raise ValueError(
            f"simplemma does not know the language {language!r}; give a code such as 'fi' or 'de'"
        ) from None

    @lru_cache(1 << 18)
    def lemma(word: str) -> str:
        return str(simplemma.lemmatize(word, lang=languages)).lower()

    def lemmas(text: str) -> list[str]:
        return [lemma(word) for word in _WORD.findall(text)]

    return lemmas
