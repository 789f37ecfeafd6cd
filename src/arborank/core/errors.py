"""Errors that know which argument they are about, so that a command line can name its option instead."""

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["ArgumentError", "Remedy", "as_argument"]

Remedy = tuple[Mapping[str, Any], str]
"""Arguments to set, and in which case."""


def as_argument(name: str, value: object) -> str:
    """Return how an argument is set in Python."""
    return f"{name}={value!r}"


class ArgumentError(ValueError):
    """An argument has a value that it cannot have.

    Parameters
    ----------
    argument : str
        Its name, with which the message begins.
    problem : str
        What was found and expected.
    *remedies : (mapping, str)
        Arguments to set instead, and in which case.
    place : str, optional
        File and line, before all else.
    """

    def __init__(self, argument: str, problem: str, *remedies: Remedy, place: str = "") -> None:
        super().__init__(argument, problem, *remedies)
        self.argument, self.problem, self.remedies, self.place = argument, problem, remedies, place

    def __str__(self) -> str:
        return self.told()

    def told(
        self,
        name: Callable[[str], str] = str,
        setting: Callable[[str, object], str] = as_argument,
        between: str = ", ",
    ) -> str:
        """Return the message with the argument as ``name`` writes it, and remedies as ``setting(argument, value)``."""
        told = f"{name(self.argument)} {self.problem}" if self.argument else self.problem
        ways = [
            f"{between.join(setting(argument, value) for argument, value in changes.items())} {case}"
            for changes, case in self.remedies
        ]
        return (
            (f"{self.place}: " if self.place else "") + told + (f"; say {', or '.join(ways)}" if ways else "")
        )
