"""Options that say what form data have, and how settings are written as options."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from ..core.errors import ArgumentError
from .options import FILE

if TYPE_CHECKING:
    from ..datasets import Layout

__all__ = [
    "Form",
    "as_option",
    "data_options",
    "language_option",
    "layout_options",
    "option_name",
    "xmc_option",
]

_TAB = ("tab", "\\t", "\t")
_OPTIONS = (
    click.option(
        "--format",
        type=click.Choice(["jsonl", "json", "tabbed", "csv", "parquet", "fasttext", "documents", "lines"]),
        metavar="NAME",
        help="Of texts: jsonl, json, tabbed, csv, parquet, fasttext, documents or lines.  [by the extension]",
    ),
    click.option("--text-column", metavar="NAME|N", help="Column (or key) of texts.  [text; the 2nd]"),
    click.option("--label-column", metavar="NAME|N", help="Column (or key) of labels.  [labels; the 1st]"),
    click.option("--relevance-column", metavar="NAME", help="Key of numbers beside labels.  [relevance]"),
    click.option("--relevance-separator", metavar="TEXT", help="Between a label and its number, such as ::."),
    click.option("--weight-column", metavar="NAME|N", help="Column (or key) of how often each row counts."),
    click.option("--id-column", metavar="NAME|N", help="Column (or key) of ids of the texts."),
    click.option(
        "--label-separator", "--separator", metavar="TEXT", help='Between labels; "" if a cell is one.  [,]'
    ),
    click.option("--delimiter", metavar="TEXT", help="Between columns.  [tab; of .csv a comma]"),
    click.option("--header/--no-header", default=None, help="Whether the first line names the columns."),
)
_labels_option = click.option(
    "--labels", "label_matrix", type=FILE, help="Label matrix Y.npz that goes with a feature matrix X.npz."
)
language_option = click.option(
    "--language", metavar="CODE", help="Of names in a vocabulary, such as fi, or fi,sv.  [every language]"
)
xmc_option = click.option(
    "--xmc", is_flag=True, help="Text files are in the N D L layout; .xmc, .svm and .libsvm always are."
)


@dataclass(frozen=True)
class Form:
    """What form data have: the layout of texts, or which matrices they are."""

    layout: "Layout"
    xmc: bool
    label_matrix: str | None = None

    def given(self) -> dict[str, object]:
        """Return the options that are given, by name."""
        own: dict[str, object] = {"labels": self.label_matrix, "xmc": self.xmc or None}
        return {name: value for name, value in own.items() if value is not None} | self.layout.given()


def data_options(command: Callable[..., object]) -> Callable[..., object]:
    """Give a command the options of labelled data, which it gets as ``form``."""

    @wraps(command)
    def with_form(*args: Any, layout: "Layout", xmc: bool, label_matrix: str | None, **options: Any) -> Any:
        return command(*args, form=Form(layout, xmc, label_matrix), **options)

    return _labels_option(xmc_option(layout_options(with_form)))


def layout_options(command: Callable[..., object]) -> Callable[..., object]:
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
        except ArgumentError as error:
            raise click.UsageError(error.told(option_name)) from None
        return command(*args, layout=layout, **options)

    for option in reversed(_OPTIONS):
        with_layout = option(with_layout)
    return with_layout


def option_name(argument: str) -> str:
    """Return the option that sets an argument."""
    return argument if argument.startswith("--") else f"--{argument.replace('_', '-')}"


def as_option(name: str, value: object) -> str:
    """Return how an argument is set on the command line."""
    option = option_name(name)
    if name == "header" and value is False:
        return "--no-header"
    if value is True:
        return option
    return f"{option} {'tab' if value == _TAB[-1] else shlex.quote(str(value))}"
