"""What was found for the last keys, so that it need not be found again."""

from typing import TypeVar

__all__ = ["Remembered"]

K = TypeVar("K")
V = TypeVar("V")


class Remembered(dict[K, V]):
    """A dictionary that forgets everything when it has no room: quicker than one that forgets what is oldest.

    Parameters
    ----------
    most : int
        Keys that it has room for.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: K, value: V) -> None:
        if len(self) >= self._most:
            self.clear()
        super().__setitem__(key, value)
