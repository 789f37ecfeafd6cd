"""`arborank complete`."""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..core.display import printable
from .data import read_names, stdin_is_terminal, stdin_texts
from .models import open_completer
from .options import FILE, beam_option, json_option, k_option, model_argument
from .ranking import ranking_record, show
from .streams import put, put_json

if TYPE_CHECKING:
    from ..autocomplete import History

__all__ = ["complete"]


@click.command(short_help="Complete a prefix, or what you type as you type it.")
@model_argument
@click.argument("prefix", required=False)
@click.option(
    "--previous", "-p", multiple=True, metavar="QUERY", help="A query before, oldest first; may be repeated."
)
@click.option("--history", type=FILE, help="What the user sent before: JSON, as History.to_json writes it.")
@click.option("--tolerant", is_flag=True, help="Forgive typos where too few queries begin with the prefix.")
@click.option("--candidates", type=FILE, help="Complete these queries only, one per line.")
@click.option("--exclude", type=FILE, help="Complete none of these queries, one per line.")
@click.option("--weights", type=FILE, help="Multiply scores: a query and a number per line, a tab between.")
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
    history: str | None,
    tolerant: bool,
    candidates: str | None,
    exclude: str | None,
    weights: str | None,
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
    completions = partial(
        completer.complete,
        k=k,
        history=None if history is None else _read_history(history),
        query_filter=completer.prepare_filter(
            candidates=None if candidates is None else read_names(candidates),
            exclude=() if exclude is None else read_names(exclude),
            weights=None if weights is None else _read_weights(weights),
        ),
        strict=not tolerant,
        beam_size=beam_size,
    )

    def answer(prefix: str, before: tuple[str, ...]) -> None:
        found = completions(prefix, before)
        if as_json:
            put_json({"previous": list(before), "prefix": prefix, **ranking_record("completions", found)})
        else:
            show(found, nothing="(no completion)")

    if prefix is not None:
        answer(prefix, previous)
    elif as_json or not _converse(completions, previous):
        for line in stdin_texts(form is not None):
            *before, last = line.split("\t")
            if not as_json:
                put(printable(" > ".join([*before, last])))
            answer(last, (*previous, *before))
            if not as_json:
                put("")


def _read_history(path: str) -> "History":
    from ..autocomplete import History

    try:
        return History.from_json(Path(path).read_text(encoding="utf-8"))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None


def _read_weights(path: str) -> dict[str, float]:
    from ..autocomplete import read_weights

    return read_weights(path)


def _converse(
    completions: Callable[[str, tuple[str, ...]], list[tuple[str, float]]], previous: tuple[str, ...]
) -> bool:
    """Complete live; return whether there is a terminal that can."""
    if not stdin_is_terminal() or sys.stdout is None or not sys.stdout.isatty():
        return False
    from .live import Screen, run

    def answer(prefix: str, before: tuple[str, ...]) -> tuple[list[tuple[str, float]], float]:
        start = time.perf_counter()
        found = completions(prefix, before)
        return found, time.perf_counter() - start

    return run(Screen(answer, previous))
