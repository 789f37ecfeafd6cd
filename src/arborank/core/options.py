"""Options as values: frozen dataclasses whose fields state the name, the default and the bounds of an option, once.

A class of options is the table that estimators and functions share::

    @dataclass(frozen=True)
    class SearchOptions(Options):
        beam_size: int = option(10, integer(1))
        combine: str = option("l3-hinge", one_of(COMBINATIONS))

``SearchOptions(beam_size=0)`` raises an error that names the option, what was found and what was expected.
``SearchOptions.beam_size`` is the default, for the signature of an estimator, and ``SearchOptions.of(estimator)`` are
the estimator's parameters of these names.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, Self, TypeGuard

import numpy as np

from .checks import check_choice, check_flag, check_integer, check_real

__all__ = [
    "Check",
    "Options",
    "check_options",
    "each",
    "flag",
    "integer",
    "is_sequence",
    "one_of",
    "option",
    "optional",
    "per_layer",
    "real",
    "values_of",
]

Check = Callable[[str, Any], object]
"""Raises ``TypeError`` or ``ValueError`` unless the named option may have the value."""


def integer(least: int, most: int | None = None) -> Check:
    """Accept integers from ``least`` to ``most``."""
    return partial(check_integer, low=least, high=most)


def real(*, above: float | None = None, least: float | None = None, most: float | None = None) -> Check:
    """Accept finite numbers within the bounds."""
    return partial(check_real, above=above, least=least, most=most)


def one_of(choices: Collection[str | None]) -> Check:
    """Accept the choices."""
    return partial(check_choice, choices=choices)


def flag() -> Check:
    """Accept True and False."""
    return check_flag


def optional(check: Check) -> Check:
    """Accept None, and what ``check`` accepts."""
    return lambda name, value: value is None or check(name, value)


def each(check: Check) -> Check:
    """Accept what ``check`` accepts, and sequences of it, one per layer."""

    def check_each(name: str, value: Any) -> None:
        for one in values_of(name, value):
            check(name, one)

    return check_each


def values_of(name: str, value: object) -> list[Any]:
    """Return the values of an option that is one for all layers, or a sequence of one per layer."""
    if not is_sequence(value):
        return [value]
    if not len(value):
        raise ValueError(f"{name} is empty; give one value, or one per layer")
    return value.tolist() if isinstance(value, np.ndarray) else list(value)


def per_layer(name: str, value: object, depth: int) -> list[Any]:
    """Return a value for each of ``depth`` layers, top first."""
    values = values_of(name, value)
    if not is_sequence(value):
        return values * depth
    if len(values) != depth:
        raise ValueError(
            f"{name} has {len(values)} entries, but the tree has {depth} layers; give one per layer"
        )
    return values


def is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    """Whether a value is one of several: a sequence or an array, but no str."""
    return isinstance(value, Sequence | np.ndarray) and not isinstance(value, str) and np.ndim(value) > 0


def option(default: Any, check: Check) -> Any:
    """Declare a field of `Options`: its default, and the check of its values."""
    return field(default=default, metadata={"check": check})


@dataclass(frozen=True)
class Options:
    """Base of frozen dataclasses whose fields are made by `option`; values are checked when one is made."""

    def __post_init__(self) -> None:
        check_options(self, self.checks())

    @classmethod
    def checks(cls) -> dict[str, Check]:
        """Return the check of every option, by name."""
        return {one.name: one.metadata["check"] for one in fields(cls)}

    @classmethod
    def of(cls, source: object, **given: object) -> Self:
        """Take the options from the attributes of an object, such as an estimator; those ``given`` come first.

        Options that the object does not have keep their defaults.
        """
        names = (one.name for one in fields(cls) if one.name not in given and hasattr(source, one.name))
        return cls(**{name: getattr(source, name) for name in names}, **given)


def check_options(source: object, checks: Mapping[str, Check]) -> None:
    """Check attributes of an object by a table.

    Raises
    ------
    TypeError, ValueError
        If one is of the wrong kind or out of its range; the message names it.
    """
    for name, check in checks.items():
        check(name, getattr(source, name))
