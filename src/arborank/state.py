"""What an object hands over when it is saved, and gets back when it is loaded."""

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

__all__ = ["State"]


@dataclass
class State:
    """The contents of a savable object.

    Attributes
    ----------
    config : dict
        Plain values that JSON can hold.
    arrays : dict of str to ndarray
        When handed to ``from_state`` these may be read-only memory maps.
    parts : dict of str to savable object
        Objects with ``to_state`` and ``from_state`` of their own.
    """

    config: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)
