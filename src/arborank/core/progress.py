"""Progress of long work: a bar on a terminal or in a notebook, now and then a line in a log, nothing for quick work."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from time import monotonic
from typing import Any

from .display import terminal_width

__all__ = ["Progress", "no_progress", "progress", "progress_bar"]

_DELAY = 2.0  # seconds of work that show no bar
_EVERY = 30.0  # seconds of work that show no line, and between lines
_hidden = False

Progress = Callable[[int, str], None]


@contextmanager
def no_progress() -> Iterator[None]:
    """Show no progress for a while, whatever models ask for."""
    global _hidden
    before, _hidden = _hidden, True
    try:
        yield
    finally:
        _hidden = before


@contextmanager
def progress_bar(
    description: str, total: int | None, *, enabled: bool, unit: str = ""
) -> Iterator[Callable[[int], None] | None]:
    """Yield a function that takes the units done so far, or None when nothing may be shown.

    Parameters
    ----------
    description : str
        What is going on, at the left of the bar.
    total : int, optional
        Units at the end, when known.
    enabled : bool
        Whether anything may be shown at all (a model's ``verbose``).
    unit : str, optional
        What is counted, in the plural; by default something that tells a person nothing, and only the share is shown.
    """
    if not enabled or _hidden:
        yield None
        return
    with progress(description, total, unit=unit) as update:
        yield lambda done: update(done, "")
        if total is not None:
            update(total, "")


@contextmanager
def progress(
    description: str, total: int | None, *, unit: str, done: int = 0, enabled: bool = True
) -> Iterator[Progress]:
    """Yield a function of the units done so far and of what else is known, which both are shown.

    Parameters
    ----------
    description, total, unit, enabled
        As for `progress_bar`.
    done : int, default 0
        Units done before.
    """
    if not enabled or _hidden:
        yield lambda done, known: None
    elif "ipykernel" in sys.modules or terminal_width(sys.stderr) is not None:
        room = {"ncols": terminal_width(sys.stderr), "nrows": 20}  # some terminals say that they have no rows
        with _bar()(total=total, initial=done, desc=description, unit=unit, **room) as bar:
            yield bar.show
    else:
        yield _Lines(description, total, unit, done).show


class _Lines:
    """What a log gets."""

    def __init__(self, description: str, total: int | None, unit: str, done: int) -> None:
        self._description, self._total, self._unit, self._first = description, total, unit, done
        self._start = self._shown = monotonic()

    def show(self, done: int, known: str) -> None:
        now = monotonic()
        if now - self._shown < _EVERY or sys.stderr is None:
            return
        self._shown = now
        rate = (done - self._first) / (now - self._start)
        told = [_amount(done, self._total, self._unit), _speed(rate, self._unit), known]
        if self._total:
            told.insert(1, f"{100 * done / self._total:.0f} %")
            told.append(
                f"{_duration((self._total - done) / rate)} left" if rate and done < self._total else ""
            )
        with contextlib.suppress(OSError):  # a message that cannot be written is no reason to stop
            print(f"{self._description}: {', '.join(filter(None, told))}", file=sys.stderr, flush=True)  # noqa: T201


@cache
def _bar() -> Any:
    from tqdm.auto import tqdm

    class Bar(tqdm):
        def __init__(self, **options: Any) -> None:
            share = "{percentage:3.0f}%|{bar}| " if options["total"] is not None else ""
            left = "<{remaining}" if options["total"] is not None else ""
            shape = "{desc}: " + share + "{amount}[{elapsed}" + left + "{speed}{postfix}]"
            super().__init__(bar_format=shape, delay=_DELAY, mininterval=0.5, leave=False, **options)

        def show(self, done: int, known: str) -> None:
            if known:
                self.set_postfix_str(known, refresh=False)
            self.update(done - self.n)

        @property
        def format_dict(self) -> dict[str, Any]:
            values: dict[str, Any] = super().format_dict
            rate = values["rate"] or (values["n"] - values["initial"]) / (values["elapsed"] or 1.0)
            amount, speed = (
                _amount(values["n"], values["total"], values["unit"]),
                _speed(rate, values["unit"]),
            )
            values.update(amount=amount and f"{amount} ", speed=speed and f", {speed}")
            return values

    return Bar


def _amount(done: int, total: int | None, unit: str) -> str:
    if not unit:
        return ""
    return f"{done:,} {unit}" if total is None else f"{done:,}/{total:,} {unit}"


def _speed(rate: float, unit: str) -> str:
    if not unit or not rate:
        return ""
    return f"{rate:,.0f} {unit}/s" if rate >= 10 else f"{rate:.2g} {unit}/s"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
