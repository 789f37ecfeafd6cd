"""Millions of strings in two arrays, which can be mapped from a file."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from operator import index
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from .._native import starting_with, strings_at
from .errors import ArgumentError, Remedy
from .sequences import as_column
from .state import State

__all__ = ["StringTable", "find_all", "shown_first"]

_BEYOND = 1 << 20  # bytes that a damaged table may give beyond the text that it has
_AT_ONCE = 1024  # strings of an iteration, which costs less than one by one


class StringTable(Sequence[str]):
    """An immutable sequence of strings.

    Its memory is the UTF-8 text and 8 bytes per string. Looking a string up by its position needs nothing else;
    the dictionary for the other way round is made when first asked for.

    Parameters
    ----------
    strings : iterable of str
        Any strings, empty, multi-line and repeated ones included.

    Attributes
    ----------
    text : uint8 array
        All strings in UTF-8, one after the other.
    offsets : int64 array of shape (n_strings + 1,)
        String ``i`` is ``text[offsets[i]:offsets[i + 1]]``.

    Raises
    ------
    TypeError
        If ``strings`` is a single string, or holds something else than strings.
    ValueError
        If a string holds a lone surrogate, which UTF-8 cannot store.
    """

    def __init__(self, strings: Iterable[str]) -> None:
        strings = as_column(strings, "strings", "an iterable of str")
        encoded: list[bytes] = []
        for position, string in enumerate(strings):
            if not isinstance(string, str):
                raise TypeError(f"strings[{position}] is {string!r}; a str was expected")
            try:
                encoded.append(string.encode())
            except UnicodeEncodeError as error:
                raise ValueError(f"strings[{position}] cannot be stored as UTF-8: {error}") from None
        offsets = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(string) for string in encoded], out=offsets[1:])
        self._set(np.frombuffer(b"".join(encoded), np.uint8), offsets)

    def _set(self, text: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        self.text, self.offsets = text.view(), offsets.view()
        self.text.flags.writeable = self.offsets.flags.writeable = False
        # Views from which an item comes without the overhead of numpy's scalars.
        self._bytes = self.text.data
        self._bounds = self.offsets.data

    def __len__(self) -> int:
        return len(self._bounds) - 1

    @overload
    def __getitem__(self, key: int) -> str: ...
    @overload
    def __getitem__(self, key: slice) -> list[str]: ...
    def __getitem__(self, key: int | slice) -> str | list[str]:
        if isinstance(key, slice):
            return self.take(range(*key.indices(len(self))))
        position = index(key)
        n_strings = len(self._bounds) - 1
        if not 0 <= position < n_strings:
            if not -n_strings <= position < 0:
                raise IndexError(f"position {position} is out of range for {n_strings} strings")
            position += n_strings
        try:
            return str(self._bytes[self._bounds[position] : self._bounds[position + 1]], "utf-8")
        except UnicodeDecodeError as error:  # large tables are opened unread
            raise ValueError(
                f"string {position} of a table of {n_strings} is damaged ({error}); arborank inspect --verify tells "
                "whether its file was altered"
            ) from None

    def __iter__(self) -> Iterator[str]:
        n_bytes = np.maximum(np.diff(self.offsets.clip(0, self.text.size)), 0).sum()
        if n_bytes > self.text.size + _BEYOND:
            self.lengths()  # which tells what is wrong
        return chain.from_iterable(self[first : first + _AT_ONCE] for first in range(0, len(self), _AT_ONCE))

    def lengths(self) -> NDArray[np.int64]:
        """Return the number of bytes of every string.

        Raises
        ------
        ValueError
            If the table comes from a file, and its offsets do not ascend.
        """
        if (self.offsets[1:] < self.offsets[:-1]).any():
            raise ValueError(f"a table of {len(self)} strings is damaged: its offsets do not ascend")
        return np.diff(self.offsets)

    def take(self, positions: Iterable[int]) -> list[str]:
        """Return the strings at several positions; negative ones count from the end."""
        wanted = list(positions)
        try:
            return strings_at(self.text, self.offsets, wanted)
        except (TypeError, UnicodeDecodeError):  # to name what is wrong
            return [self[position] for position in wanted]

    def extended(self, more: "StringTable") -> Self:
        """Return a table of these strings, then those of another one."""
        text = np.concatenate([self.text, more.text])
        return self._of(text, np.concatenate([self.offsets, self.offsets[-1] + more.offsets[1:]]))

    def selected(self, kept: NDArray[np.bool_]) -> Self:
        """Return a table of the strings where ``kept``, of shape (n_strings,), is true, in their order."""
        lengths = self.lengths()
        text = self.text[np.repeat(kept, lengths)]
        return self._of(text, np.concatenate([[0], np.cumsum(lengths[kept])]))

    @cached_property
    def _positions(self) -> dict[str, int]:
        self.lengths()
        positions = {string: position for position, string in enumerate(self)}
        if len(positions) < len(self):  # of repeated strings, the first position
            positions = {self[i]: i for i in range(len(self) - 1, -1, -1)}
        return positions

    def starting(self, prefix: bytes, low: int = 0, high: int | None = None) -> tuple[int, int]:
        """Return where the strings stand that begin with a prefix in UTF-8: the first, and the one behind the last.

        The strings must be in code point order, which is that of their bytes. Only those from ``low`` to before
        ``high`` are looked at.
        """
        return starting_with(self.text, self.offsets, prefix, low, len(self) if high is None else high)

    def find(self, string: str) -> int | None:
        """Return the first position of a string, or None if it is not here."""
        return self._positions.get(string)

    def find_each(self, strings: Iterable[str]) -> list[int | None]:
        """Return what `find` does for each of several strings."""
        return list(map(self._positions.get, strings))

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and value in self._positions

    def index(self, value: str, start: int = 0, stop: int | None = None) -> int:
        """Return the first position of a string, as `list.index` does.

        Raises
        ------
        ValueError
            If it is not here.
        """
        position = self.find(value)
        if position is None:
            raise ValueError(f"{value!r} is not among the {len(self)} strings")
        begin, end, _ = slice(start, stop).indices(len(self))
        while position < end:  # the first, or of repeated strings a later one
            if begin <= position and self[position] == value:
                return position
            position += 1
        raise ValueError(f"{value!r} is not at positions {begin} to {end} of the {len(self)} strings")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StringTable):
            return NotImplemented
        return np.array_equal(self.offsets, other.offsets) and np.array_equal(self.text, other.text)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return shown_first("StringTable", self[:3], len(self), "strings")

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restored, (self.text, self.offsets))

    def to_state(self) -> State:
        """Return what is saved."""
        return State({}, {"text": self.text, "offsets": self.offsets})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Use saved arrays where they lie.

        Raises
        ------
        ValueError
            If they do not fit each other. To open a large table at once, not every offset is looked at.
        """
        text, offsets = state.arrays["text"], state.arrays["offsets"]
        if text.ndim != 1 or text.dtype != np.uint8:
            raise ValueError(f"text is {text.dtype} of {text.ndim} dimensions; uint8 of one was expected")
        if offsets.ndim != 1 or offsets.dtype != np.int64 or offsets.size == 0:
            raise ValueError(
                f"offsets is {offsets.dtype} of shape {offsets.shape}; int64 of one dimension was expected"
            )
        if offsets[0] != 0 or offsets[-1] != text.size:
            raise ValueError(f"offsets go from {offsets[0]} to {offsets[-1]}, but text has {text.size} bytes")
        return cls._of(text, offsets)

    @classmethod
    def _of(cls, text: NDArray[np.uint8], offsets: NDArray[np.int64]) -> Self:
        table = cls.__new__(cls)
        table._set(text, offsets)
        return table


def shown_first(kind: str, first: Sequence[str], n: int, unit: str) -> str:
    """Return the text that stands for ``n`` strings of which the first few are shown: the ``repr`` of a container."""
    return f"{kind}([{', '.join(map(repr, first))}{', …' if n > len(first) else ''}]) of {n} {unit}"


def find_all(
    name: str, strings: Iterable[str], find: Callable[[str], int | None], complaint: str, *remedies: Remedy
) -> list[int]:
    """Return what ``find`` knows of each of some strings.

    Raises
    ------
    ArgumentError
        If it is None for one, about the argument ``name`` that they came in, with ``complaint`` and ``remedies``.
    """
    found = []
    for string in strings:
        position = find(string)
        if position is None:
            raise ArgumentError(name, f"holds {string!r}, {complaint}", *remedies)
        found.append(position)
    return found


def _restored(text: NDArray[np.uint8], offsets: NDArray[np.int64]) -> StringTable:
    return StringTable.from_state(State({}, {"text": text, "offsets": offsets}))
