"""Where a file of texts holds what: one description for all readers and for the command line."""

import re
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from ..core.errors import ArgumentError, Remedy, as_argument
from ..core.types import Json

__all__ = ["Column", "Format", "Layout", "LayoutError"]

Format = Literal["jsonl", "json", "tabbed", "csv", "parquet", "fasttext", "documents", "lines"]
Column = int | str


def _as_argument(name: str, value: Any) -> str:
    return "xmc (see read_xmc)" if name == "xmc" else as_argument(name, value)


_COLUMNS = ("text_column", "label_column", "id_column", "weight_column")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a file holds texts and their labels; what is None is found out from the file.

    Parameters
    ----------
    format : {"jsonl", "json", "tabbed", "csv", "parquet", "fasttext", "documents", "lines"}, optional
        By default as the extension says: JSON lines for ``.jsonl`` and ``.ndjson``, a JSON list for ``.json``, CSV for
        ``.csv``, tabbed lines for ``.tsv`` and ``.txt``, Parquet for ``.parquet``; fastText's lines where the first
        begins with ``__label__``; the documents of a folder where labels stand beside texts. In tabbed lines a tab
        always ends a column, and a quotation mark is a letter; a CSV reader takes what stands in quotation marks as
        one cell, with tabs and line ends. ``"lines"`` takes every line as a text, and has no labels.
    text_column, label_column : str or int, optional
        Which columns hold texts and labels: the name in the header, the key in JSON, the name in Parquet; or the
        number, from 1. By default those that are named "text" and "labels". In tabbed lines without a header the labels
        stand first and the text second, as PECOS has it, unless the second column holds URIs, as Annif has it.
    relevance_column : str or None, default="relevance"
        Which key in JSON, or column in Parquet, holds a list with a number for every label; None if none does.
    relevance_separator : str, optional
        What stands between each label and a number, its relevance: ``"::"`` for ``apple::3,pear::1``. By default labels
        have none in their cells.
    id_column : str or int, optional
        Which column holds an id of each text.
    weight_column : str or int, optional
        Which column holds a number of at least 0, how often each row counts, such as clicks: the ``sample_weight`` of
        `arborank.TextRanker.fit`.
    label_separator : str, optional
        What stands between labels in a cell; "" if a cell is one label; " " for any white space. By default a comma in
        tabbed lines, where a label that holds commas is put into quotation marks; and white space between URIs. It must
        be said where cells of a CSV file hold commas, semicolons or bars, and where white space follows a comma in
        tabbed lines without quotation marks. JSON and Parquet have lists of labels; with a separator also strings.
    delimiter : str, optional
        What stands between columns. By default a comma in a CSV file and a tab otherwise.
    header : bool, optional
        Whether the first line names the columns. By default it does if columns are given by name, or are named "text"
        and "labels" (where labels are not needed, "text" alone in CSV); what else looks like a header is refused until
        this is said.

    Raises
    ------
    TypeError, ValueError
        If a value is none of these, or two columns are the same one.

    Examples
    --------
    >>> from arborank.datasets import Layout, read_texts
    >>> layout = Layout(text_column="title", label_column="subjects", label_separator=";")
    >>> data = read_texts("books.csv", layout)  # doctest: +SKIP
    """

    format: Format | None = None
    text_column: Column | None = None
    label_column: Column | None = None
    relevance_column: str | None = "relevance"
    relevance_separator: str | None = None
    id_column: Column | None = None
    weight_column: Column | None = None
    label_separator: str | None = None
    delimiter: str | None = None
    header: bool | None = None

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in get_args(Format):
            known = ", ".join(map(repr, get_args(Format)))
            raise ArgumentError("format", f"must be one of {known}, found {self.format!r}")
        given = self.columns()
        for name, column in given.items():
            if isinstance(column, bool) or not isinstance(column, int | str):
                raise TypeError(f"{name} must be a name or a number from 1, found {column!r}")
            if isinstance(column, int) and column < 1:
                raise ArgumentError(name, f"is {column}, but columns are numbered from 1")
            if any(str(column) == str(other) for key, other in given.items() if key != name):
                raise ArgumentError(name, f"is {column!r}, which is another column already")
        for name in ("label_separator", "delimiter", "relevance_column", "relevance_separator"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise TypeError(f"{name} must be a str, found {value!r}")
        if self.relevance_separator == "":
            raise ArgumentError("relevance_separator", "must be at least one character, found ''")
        if self.delimiter is not None and (self.delimiter == "" or re.search(r'["\r\n]', self.delimiter)):
            raise ArgumentError(
                "delimiter",
                f"must be characters that no quotation mark or line end is among, found {self.delimiter!r}",
            )
        if self.header is not None and not isinstance(self.header, bool):
            raise TypeError(f"header must be True, False or None, found {self.header!r}")

    def given(self) -> Json:
        """Return what is not left to be found out, by name."""
        return {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if getattr(self, one.name) != one.default
        }

    def columns(self) -> dict[str, Column]:
        """Return the columns that are given, by the names of their fields."""
        found = {name: getattr(self, name) for name in _COLUMNS}
        return {name: column for name, column in found.items() if column is not None}

    @property
    def says_columns(self) -> bool:
        """Whether a column is given."""
        return bool(self.columns())


class LayoutError(ArgumentError):
    """A file's layout is not clear, or not what it is said to be.

    Parameters
    ----------
    problem : str
        What was found, and where.
    *remedies : (mapping, str)
        What to set in `Layout` instead, and in which case.
    argument : str, optional
        The field of `Layout` that is wrong; the message names it before the problem.
    place : str, optional
        File and line, which the message begins with.
    """

    def __init__(self, problem: str, *remedies: Remedy, argument: str = "", place: str = "") -> None:
        super().__init__(argument, problem, *remedies, place=place)
        self.args = (problem, *remedies)  # those that a copy is made with

    def __str__(self) -> str:
        return self.told(setting=_as_argument)
