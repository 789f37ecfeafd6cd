"""`arborank complete`."""

import sys
import time
from typing import Any

import click

from ..display import printable
from .data import stdin_is_terminal, stdin_texts
from .files import open_model
from .options import beam_option, k_option
from .rank import show
from .streams import put

__all__ = ["complete", "open_completer"]


@click.command(short_help="Complete a prefix, or what you type as you type it.")
@click.argument("model", type=click.Path(exists=True, file_okay=False))
@click.argument("prefix", required=False)
@click.option(
    "--previous", "-p", multiple=True, metavar="QUERY", help="A query before, oldest first; may be repeated."
)
@click.option("--tolerant", is_flag=True, help="Forgive a typo where too few queries begin with the prefix.")
@k_option
@beam_option
def complete(
    model: str, prefix: str | None, previous: tuple[str, ...], tolerant: bool, k: int, beam_size: int | None
) -> None:
    """Complete PREFIX with the model that train-completer made.

    Without PREFIX: on a terminal, completions appear while you type; from a pipe, every line is completed: a prefix, or
    previous queries and a prefix with tabs between.
    """
    completer = open_completer(model)
    options: dict[str, Any] = {"k": k, "strict": not tolerant, "beam_size": beam_size}
    if prefix is not None:
        _show(completer.complete(prefix, previous, **options))
    elif not (_on_terminal() and _converse(completer, previous, options)):
        _answer_lines(completer, previous, options)


def open_completer(model: str) -> Any:
    """Open a saved completer.

    Raises
    ------
    ValueError
        If the model is something else.
    """
    completer = open_model(model)
    if not hasattr(completer, "complete"):
        raise ValueError(
            f"{model} holds a {type(completer).__name__}; arborank train-completer makes what completes"
        )
    return completer


def _on_terminal() -> bool:
    return stdin_is_terminal() and sys.stdout is not None and sys.stdout.isatty()


def _converse(completer: Any, previous: tuple[str, ...], options: dict[str, Any]) -> bool:
    """Complete live; return whether this terminal can."""
    from .live import Screen, run

    def answer(prefix: str, before: tuple[str, ...]) -> tuple[list[tuple[str, float]], float]:
        start = time.perf_counter()
        found = completer.complete(prefix, before, **options)
        return found, time.perf_counter() - start

    return run(Screen(answer, previous))


def _answer_lines(completer: Any, previous: tuple[str, ...], options: dict[str, Any]) -> None:
    for line in stdin_texts():
        *before, prefix = line.split("\t")
        put(printable(" > ".join([*before, prefix])))
        _show(completer.complete(prefix, [*previous, *before], **options))
        put("")


def _show(completions: list[tuple[str, float]]) -> None:
    if completions:
        show(completions)
    else:
        put("  (no completion)")
