"""Vectorisers of scikit-learn in saved models: by skops, which runs no code of a file."""

from typing import Any, Self

import numpy as np

from ..core.state import State

__all__ = ["ForeignVectorizer"]


class ForeignVectorizer:
    """A fitted vectoriser of scikit-learn, as it is saved; needs the extra ``skops``.

    Parameters
    ----------
    vectorizer : estimator of scikit-learn

    Raises
    ------
    ImportError
        If skops is not installed.
    TypeError
        If the vectoriser, or something in it, is of a type that skops does not trust, such as a function.
    """

    def __init__(self, vectorizer: object) -> None:
        self.vectorizer: Any = vectorizer

    def to_state(self) -> State:
        """Return what is saved."""
        kind = type(self.vectorizer).__name__
        sio = _skops(f"saving a {kind}")
        try:
            content = sio.dumps(self.vectorizer)
        except Exception as error:  # of many kinds
            raise TypeError(f"the features are a {kind}, which skops cannot save: {error}") from error
        if unknown := sio.get_untrusted_types(data=content):
            raise TypeError(
                f"the features are a {kind} that holds {', '.join(unknown)}, which cannot be saved without code; "
                "use NgramTfidf with a registered tokenizer, or a vectoriser of scikit-learn without functions"
            )
        return State({}, {"content": np.frombuffer(content, np.uint8)})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Open what was saved; nothing but types that skops trusts.

        Raises
        ------
        ImportError
            If skops is not installed.
        ValueError
            If the content is damaged, or holds other types.
        """
        sio = _skops("opening a model with a vectoriser of scikit-learn")
        content = state.vector("content", np.uint8).tobytes()
        try:
            unknown = sio.get_untrusted_types(data=content)
            found = None if unknown else sio.loads(content)
        except Exception as error:  # of a damaged archive
            raise ValueError(f"the saved vectoriser is damaged: {error}") from error
        if unknown:
            raise ValueError(
                f"the saved vectoriser holds {', '.join(unknown)}, which may be code; it is not opened"
            )
        if not hasattr(found, "transform"):
            raise ValueError(f"the saved vectoriser is a {type(found).__name__}, which has no transform")
        return cls(found)


def _skops(what: str) -> Any:
    try:
        import skops.io
    except ImportError as error:
        raise ImportError(f"{what} needs skops: pip install 'arborank[skops]'") from error
    return skops.io
