"""Parses blocks of ``label,label index:value index:value`` lines into arrays.

Well-formed blocks go through array operations: the kinds of the separators on both sides of a token say what it is, and
one call converts all numbers. Any doubt sends the block to the line-by-line parser, which also names the fault.
"""

import math
import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .lines import StrPath, fault

__all__ = ["Block", "parse_block"]

_NEWLINE, _SPACE, _COMMA, _COLON = range(4)
_TOO_LARGE = 2**53  # from here on float64 has no exact integers
_SEPARATORS = b"\n ,:"
_LETTERS = b"0123456789+-.eE" + _SEPARATORS
_TO_SPACE = bytes.maketrans(_SEPARATORS, b"    ")
_KIND = np.full(256, -1, np.int8)
_KIND[list(_SEPARATORS)] = range(4)

_WRONG, _LABEL, _INDEX, _VALUE = range(4)
# what a token is, by the separators before (row) and after (column) it: newline, space, comma, colon
_ROLE = np.array(
    [
        [_LABEL, _LABEL, _LABEL, _INDEX],
        [_WRONG, _WRONG, _WRONG, _INDEX],
        [_LABEL, _LABEL, _LABEL, _WRONG],
        [_VALUE, _VALUE, _WRONG, _WRONG],
    ],
    np.int8,
)


class Block(NamedTuple):
    """Some lines as arrays: labels and (index, value) pairs, with their number in every line."""

    label_counts: NDArray[np.int64]
    labels: NDArray[np.int64]
    pair_counts: NDArray[np.int64]
    indices: NDArray[np.int64]
    values: NDArray[np.float32]


def parse_block(block: bytes, path: StrPath, first_line: int, *, labelled: bool) -> Block:
    """Parse whole lines, the last one ended, too; ``path`` and ``first_line`` are for error messages.

    If ``labelled``, lines begin with comma-separated labels; a line that begins with a space, or with a pair, has none.
    Raises ``ValueError`` with file and line if a line has another form, an index is not an integer >= 0 or a value not
    a finite float32.
    """
    fast = _parse_arrays(block.replace(b"\r\n", b"\n").replace(b" \n", b"\n"), labelled)
    return _parse_lines(block, path, first_line, labelled) if fast is None else fast


def _parse_arrays(block: bytes, labelled: bool) -> Block | None:
    if block.translate(None, _LETTERS):
        return None
    raw = np.frombuffer(block, np.uint8)
    kinds = _KIND[raw]
    ends = np.flatnonzero(kinds >= 0)
    after = kinds[ends]
    before = np.concatenate([[_NEWLINE], after[:-1]])
    full = np.diff(ends, prepend=-1) > 1  # tokens that are not empty
    may_be_empty = (before == _NEWLINE) & (after <= _SPACE)
    roles = _ROLE[before, after]
    if (roles == _WRONG).any() or not (full | may_be_empty).all():
        return None
    is_end = after == _NEWLINE
    lines = (np.cumsum(is_end) - is_end)[full]
    roles = roles[full]
    numbers = _numbers(block.translate(_TO_SPACE))
    if numbers is None or len(numbers) != len(roles) or (not labelled and (roles == _LABEL).any()):
        return None
    is_index, is_label = roles == _INDEX, roles == _LABEL
    indices, labels = numbers[is_index], numbers[is_label]
    with np.errstate(over="ignore"):
        values = numbers[roles == _VALUE].astype(np.float32)
    if not (np.isfinite(values).all() and _are_counts(indices) and _are_counts(labels)):
        return None
    n_lines = int(is_end.sum())
    return Block(
        np.bincount(lines[is_label], minlength=n_lines),
        labels.astype(np.int64),
        np.bincount(lines[is_index], minlength=n_lines),
        indices.astype(np.int64),
        values,
    )


def _numbers(text: bytes) -> NDArray[np.float64] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # what NumPy before 2.3 says of a malformed number
        try:
            return np.fromstring(text, sep=" ", dtype=np.float64)
        except (ValueError, DeprecationWarning):
            return None


def _are_counts(numbers: NDArray[np.float64]) -> bool:
    return bool(((numbers >= 0) & (numbers < _TOO_LARGE) & (numbers == np.floor(numbers))).all())


def _parse_lines(block: bytes, path: StrPath, first_line: int, labelled: bool) -> Block:
    label_counts: list[int] = []
    pair_counts: list[int] = []
    labels: list[int] = []
    indices: list[int] = []
    values: list[float] = []
    for number, raw in enumerate(block.split(b"\n")[:-1], first_line):
        try:
            line = raw.decode("ascii")
            tokens = line.split()
            headed = labelled and tokens and not line[0].isspace() and ":" not in tokens[0]
            found = [_integer(label, "label") for label in tokens.pop(0).split(",")] if headed else []
            pairs = [_pair(token) for token in tokens]
        except ValueError as error:
            raise fault(path, number, str(error)) from None
        label_counts.append(len(found))
        labels += found
        pair_counts.append(len(pairs))
        indices += [index for index, _ in pairs]
        values += [value for _, value in pairs]
    counts: Any = np.array(label_counts, np.int64), np.array(pair_counts, np.int64)
    numbers = np.array(labels, np.int64), np.array(indices, np.int64)
    return Block(counts[0], numbers[0], counts[1], numbers[1], np.array(values, np.float32))


def _pair(token: str) -> tuple[int, float]:
    left, mark, right = token.partition(":")
    if not mark:
        raise ValueError(f"index:value was expected, found {token[:40]!r}")
    try:
        value = _number(right)
    except ValueError:
        value = math.nan
    with np.errstate(over="ignore"):
        finite = np.isfinite(np.float32(value))
    if not finite:
        raise ValueError(f"a finite float32 value was expected, found {right[:40]!r} in {token[:40]!r}")
    return _integer(left, "index"), value


def _number(token: str) -> float:
    if "_" in token:  # which Python would read
        raise ValueError
    return float(token)


def _integer(token: str, what: str) -> int:
    try:
        number = _number(token)
    except ValueError:
        number = math.nan
    if not (number >= 0 and number.is_integer() and number < _TOO_LARGE):
        raise ValueError(f"an integer >= 0 was expected as {what}, found {token[:40]!r}")
    return int(number)
