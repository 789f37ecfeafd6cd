"""The features of models that read text themselves: none."""

from collections.abc import Sequence
from typing import Any, Self

from ..core.estimator import Estimator
from ..core.sequences import text_list
from ..core.state import State

__all__ = ["PlainTexts"]


class PlainTexts(Estimator):
    """Hand texts on as they are; the ``features`` of a `TextRanker` whose model takes texts."""

    def fit_transform(self, texts: Sequence[str], y: object = None) -> list[str]:
        """Return the texts."""
        return self.transform(texts)

    def transform(self, texts: Sequence[str]) -> list[str]:
        """Return the texts."""
        return list(text_list(texts))

    def to_state(self) -> State:
        """Return what is saved: nothing."""
        return State()

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Make one."""
        return cls()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags
