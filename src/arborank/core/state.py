"""What a savable object gives to be saved, and is rebuilt from: plain settings, arrays and savable parts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .types import Json

P = TypeVar("P")
AT_WORK = ("n_jobs", "verbose")
"""Parameters that say how an estimator works, and nothing of what it is."""


def lasting(params: Mapping[str, Any]) -> Json:
    """Return parameters without those that say how an estimator works, ``n_jobs`` and ``verbose``.

    They are neither saved nor taken from a saved model: whoever opens it decides about threads and progress bars.
    """
    return {name: value for name, value in params.items() if name not in AT_WORK}


@runtime_checkable
class Savable(Protocol):
    """An object that can be taken apart into a `State` and put together again."""

    def to_state(self) -> "State":
        """Return the state; its arrays may be views of the object's own."""
        ...

    @classmethod
    def from_state(cls, state: "State") -> Self:
        """Rebuild the object.

        The arrays of ``state`` may be read-only memory maps, to be kept without a copy. Raises ``ValueError``
        if they do not fit each other.
        """
        ...


@dataclass(frozen=True)
class State:
    """One object taken apart.

    Attributes
    ----------
    config : mapping of str to JSON values
        Settings: strings, finite numbers, booleans, None, lists and string-keyed dictionaries of these. A
        tuple comes back as a list.
    arrays : mapping of str to numeric ndarray
        Fitted values.
    parts : mapping of str to Savable
        Objects with a state of their own, each of a class known to `arborank.storage`.
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    parts: Mapping[str, Any] = field(default_factory=dict)

    def part(self, name: str, kind: type[P]) -> P:
        """Return a part that must be of a class.

        Raises
        ------
        KeyError
            If there is none of this name.
        TypeError
            If it is of another class than ``kind``.
        """
        part = self.parts[name]
        if not isinstance(part, kind):
            raise TypeError(f"{name} must be {kind.__name__}, found {type(part).__name__}")
        return part

    def vector(self, name: str, dtype: type[np.generic]) -> NDArray[Any]:
        """Return an array that must be a vector of a dtype.

        Raises
        ------
        KeyError
            If there is none of this name.
        ValueError
            If it has another dtype, or not one dimension.
        """
        array = self.arrays[name]
        if array.dtype != dtype or array.ndim != 1:
            raise ValueError(
                f"{name} must be a vector of {dtype.__name__}, found {array.dtype} of shape {array.shape}"
            )
        return array
