"""Numbers on the command line: an error about a number shows how to write it."""

import math
import re
from typing import Any

import click

__all__ = ["POSITIVE", "Automatic", "Duration", "Real", "Several", "Size", "Whole"]

_BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
_AMOUNT = re.compile(r"\s*([0-9.]+)\s*([a-zµ]*)\s*", re.IGNORECASE)


class Real(click.FloatRange):
    """A number in a range, which NaN is not."""

    name = "number"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or say what was found and how it is written."""
        number = _number(value)
        if number is None:
            meant = None if not isinstance(value, str) else _meant(value)
            self.fail(f"{value!r} is not a number" + _advice(meant), param, ctx)
        try:
            return float(super().convert(number, param, ctx))
        except click.BadParameter as error:
            share = number / 100 if self.max == 1 and 1 < number <= 100 else None
            self.fail(error.message.rstrip(".") + _advice(share), param, ctx)


class Whole(click.IntRange):
    """A whole number in a range."""

    name = "integer"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or say what was found and how it is written."""
        try:
            number = int(value)
        except ValueError:
            meant = _number(str(value).replace("_", "").replace(",", ""))
            exact = int(meant) if meant is not None and math.isfinite(meant) and meant == int(meant) else None
            self.fail(f"{value!r} is not a whole number" + _advice(exact), param, ctx)
        return int(super().convert(number, param, ctx))


class Several(click.ParamType):  # type: ignore[type-arg]  # no type arguments before click 8.5
    """Values of another type, with commas between."""

    name = "list"

    def __init__(self, kind: "click.ParamType[Any]") -> None:
        self.kind = kind

    def convert(
        self, value: str | tuple[object, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[object, ...]:
        """Return a tuple of the values."""
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(
            self.kind.convert(part.strip() if isinstance(part, str) else part, param, ctx) for part in parts
        )


class Automatic(click.ParamType):  # type: ignore[type-arg]  # as above
    """A number, or ``auto``."""

    def __init__(self, kind: "click.ParamType[Any]") -> None:
        self.kind = kind
        self.name = f"{kind.name}|auto"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """Return the number, or ``"auto"``."""
        return value if value == "auto" else self.kind.convert(value, param, ctx)


class Size(click.ParamType):  # type: ignore[type-arg]
    """A number of bytes, with or without a unit."""

    name = "size"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the bytes, or say how they are written."""
        n_bytes = int(_amount(value, _BYTES, "b"))
        if n_bytes < 1:
            self.fail(f"{value!r} is not a size such as 50MB, 1.5GB or 800000", param, ctx)
        return n_bytes


class Duration(click.ParamType):  # type: ignore[type-arg]
    """A time with its unit, in seconds."""

    name = "time"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds, or say how they are written."""
        seconds = float(value) if isinstance(value, float) else _amount(value, _SECONDS, "")
        if not seconds > 0:
            self.fail(f"{value!r} is not a time such as 80us, 1.5ms or 1s", param, ctx)
        return seconds


POSITIVE = Whole(min=1)


def _amount(value: str | float, units: dict[str, float] | dict[str, int], usual: str) -> float:
    """Return how many of the smallest unit a text says; 0 if it says none."""
    found = _AMOUNT.fullmatch(str(value))
    try:
        return 0.0 if found is None else float(found[1]) * units[found[2].lower() or usual]
    except (ValueError, KeyError, OverflowError):
        return 0.0


def _number(value: Any) -> float | None:
    """Return what a text says as a number, NaN excepted."""
    try:
        number = float(value)
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _meant(text: str) -> float | None:
    """Return what may be meant by per cent or a decimal comma."""
    plain = text.strip().replace(",", ".")
    number = _number(plain.removesuffix("%"))
    return number / 100 if number is not None and plain.endswith("%") else number


def _advice(number: float | None) -> str:
    return "" if number is None else f"; write {number:.15g}"
