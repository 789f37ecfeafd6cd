"""Options that say where files hold texts and labels, and the errors of layouts in their words."""

import re
import shlex
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

__all__ = ["as_option", "in_options", "layout_options"]

_ARGUMENT = re.compile(r": (text|label|id)_column is ")

_TAB = ("tab", "\\t", "\t")
_OPTIONS = (
    click.option(
        "--format",
        type=click.Choice(["jsonl", "tabbed", "csv", "parquet", "lines"]),
        help="Of files of texts.  [by their extension]",
    ),
    click.option("--text-column", metavar="NAME|N", help="Column (or key) of texts.  [text; the 2nd]"),
    click.option("--label-column", metavar="NAME|N", help="Column (or key) of labels.  [labels; the 1st]"),
    click.option("--relevance-column", metavar="NAME", help="Key of numbers beside labels.  [relevance]"),
    click.option("--id-column", metavar="NAME|N", help="Column (or key) of ids of the texts."),
    click.option("--label-separator", metavar="TEXT", help='Between labels; "" if a cell is one.  [,]'),
    click.option("--delimiter", metavar="TEXT", help="Between columns.  [tab; of .csv a comma]"),
    click.option("--header/--no-header", default=None, help="Whether the first line names the columns."),
)


def layout_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of an `arborank.datasets.Layout`, which it gets as ``layout``."""

    @wraps(command)
    def with_layout(*args: Any, **options: Any) -> Any:
        from ..datasets.layout import Layout

        names = list(Layout.__dataclass_fields__)
        given = {name: value for name in names if (value := options.pop(name)) is not None}
        for name in ("delimiter", "label_separator"):
            if given.get(name) in _TAB:
                given[name] = _TAB[-1]
        try:
            layout = Layout(**given)
        except ValueError as error:
            told = str(error)
            for name in names:
                told = told.replace(f"{name}=", f"--{name.replace('_', '-')} ").replace(
                    f"{name} ", f"--{name.replace('_', '-')} "
                )
            raise click.UsageError(told) from None
        return command(*args, layout=layout, **options)

    for option in reversed(_OPTIONS):
        with_layout = option(with_layout)
    return with_layout


def as_option(name: str, value: Any) -> str:
    """Return how a setting of a layout is written on the command line."""
    option = f"--{name.replace('_', '-')}"
    if name == "header" and value is False:
        return "--no-header"
    if value is True:
        return option
    return f"{option} {'tab' if value == _TAB[-1] else shlex.quote(str(value))}"


def in_options(error: Any) -> str:
    """Return the message of a `LayoutError` with options in the place of arguments."""
    return _ARGUMENT.sub(r": --\1-column is ", error.told(as_option, " "), count=1)
