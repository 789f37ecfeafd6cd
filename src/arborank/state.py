"""What a savable object hands over to be saved."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

__all__ = ["State"]


@dataclass
class State:
    """An object taken apart.

    Attributes
    ----------
    config : dict
        Whatever JSON holds.
    arrays : dict from name to array
        On loading they may be read-only memory maps.
    parts : dict from name to a savable object
        Savable: with ``to_state(self) -> State`` and a classmethod ``from_state(cls, state)``.
    """

    config: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    parts: dict[str, Any]
