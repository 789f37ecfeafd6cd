"""`arborank complete`."""

import sys
import time
from typing import TYPE_CHECKING, TypedDict

import click

from ..core.display import printable
from .data import stdin_is_terminal, stdin_texts
from .models import open_completer
from .options import beam_option, json_option, k_option, model_argument
from .ranking import ranking_record, show
from .streams import put, put_json

if TYPE_CHECKING:
    from ..autocomplete import Autocompleter

__all__ = ["complete"]


class _Options(TypedDict):
    k: int
    strict: bool
    beam_size: int | None


@click.command(short_help="Complete a prefix, or what you type as you type it.")
@model_argument
@click.argument("prefix", required=False)
@click.option(
    "--previous", "-p", multiple=True, metavar="QUERY", help="A query before, oldest first; may be repeated."
)
@click.option("--tolerant", is_flag=True, help="Forgive a typo where too few queries begin with the prefix.")
@click.option(
    "--format", "form", type=click.Choice(["lines"]), help="Of a pipe whose lines are all prefixes."
)
@json_option
@k_option
@beam_option
def complete(
    model: str,
    prefix: str | None,
    previous: tuple[str, ...],
    tolerant: bool,
    form: str | None,
    as_json: bool,
    k: int,
    beam_size: int | None,
) -> None:
    """Complete PREFIX with the model that train-completer made.

    Without PREFIX: on a terminal, completions appear while you type; from a pipe, every line is completed: a prefix, or
    previous queries and a prefix with tabs between, as they stand or in {"text": "..."}. With --json every prefix gets
    a line {"previous": [...], "prefix": "...", "completions": [...], "scores": [...]}.
    """
    completer = open_completer(model)
    options: _Options = {"k": k, "strict": not tolerant, "beam_size": beam_size}

    def answer(prefix: str, before: tuple[str, ...]) -> None:
        found = completer.complete(prefix, before, **options)
        if as_json:
            put_json({"previous": list(before), "prefix": prefix, **ranking_record("completions", found)})
        else:
            show(found, nothing="(no completion)")

    if prefix is not None:
        answer(prefix, previous)
    elif as_json or not (_on_terminal() and _converse(completer, previous, options)):
        for line in stdin_texts(form is not None):
            *before, last = line.split("\t")
            if not as_json:
                put(printable(" > ".join([*before, last])))
            answer(last, (*previous, *before))
            if not as_json:
                put("")


def _on_terminal() -> bool:
    return stdin_is_terminal() and sys.stdout is not None and sys.stdout.isatty()


def _converse(completer: "Autocompleter", previous: tuple[str, ...], options: "_Options") -> bool:
    """Complete live; return whether this terminal can."""
    from .live import Screen, run

    def answer(prefix: str, before: tuple[str, ...]) -> tuple[list[tuple[str, float]], float]:
        start = time.perf_counter()
        found = completer.complete(prefix, before, **options)
        return found, time.perf_counter() - start

    return run(Screen(answer, previous))
