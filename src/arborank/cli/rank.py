"""`arborank rank`."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from ..core.display import printable
from .data import read_label_texts, stdin_is_terminal, stdin_texts
from .layouts import language_option, layout_options
from .models import check_calibrated, open_text_model
from .options import FILE, beam_option, json_option, k_option, model_argument, probabilities_option
from .ranking import ranking_record, show
from .reporting import say
from .streams import put, put_json

if TYPE_CHECKING:
    from ..datasets import Layout
    from ..text import TextRanker

__all__ = ["rank"]


@click.command(short_help="Rank the labels of one text, or of what you type.")
@model_argument
@click.argument("text", required=False)
@click.option(
    "--titles",
    type=FILE,
    help="Texts about labels, shown beside them, each labelled with the one it is about, or a vocabulary in SKOS, of "
    "which the first name is shown.",
)
@json_option
@k_option
@beam_option
@probabilities_option
@language_option
@layout_options
def rank(
    model: str,
    text: str | None,
    titles: str | None,
    as_json: bool,
    k: int,
    beam_size: int | None,
    probabilities: bool,
    language: str | None,
    layout: "Layout",
) -> None:
    """Rank the labels of TEXT; without it, of every line that you type or pipe in (- does the same).

    A line of a pipe is a text or {"text": "..."}; with --format lines always a text. --titles takes the files of
    --label-texts, and the other options of their layout. With --json every text gets a line {"text": "...",
    "labels": [...], "scores": [...]}, and "titles" if these are given.
    """
    as_lines = layout.format == "lines"
    layout = replace(layout, format=None) if as_lines else layout
    if titles is None and (layout.given() or language is not None):
        raise click.UsageError("options of a layout and --language go with --titles FILE")
    ranker = open_text_model(model)
    if probabilities:
        check_calibrated(ranker, model)
    about = None if titles is None else _titles(ranker.estimator, titles, layout, language)

    def answer(line: str) -> None:
        ranking = ranker.rank(line, k, beam_size, probabilities=probabilities)
        if as_json:
            put_json({"text": line, **ranking_record("labels", ranking, about)})
        else:
            show(ranking, about)

    if text is not None and text != "-":
        answer(text)
    elif as_json:
        for line in stdin_texts(as_lines):
            answer(line)
    elif stdin_is_terminal():
        _converse(ranker.n_labels, answer)
    else:
        for line in stdin_texts(as_lines):
            put(printable(line))
            answer(line)
            put("")


def _titles(ranker: "TextRanker", path: str, layout: "Layout", language: str | None) -> Mapping[str, str]:
    from ..datasets.lines import suffix
    from ..datasets.skos import SKOS
    from ..text.names import by_name

    read = read_label_texts(path, layout, language)
    for name, texts in read.items():
        if len(texts) > 1 and suffix(path) not in SKOS:
            raise ValueError(f"{path} has {len(texts)} titles of {name!r}; one was expected")
    about = by_name("--titles", {name: texts[0] for name, texts in read.items()}, ranker.normalization)
    if not any(name in ranker.labels_ for name in about):
        raise ValueError(
            f"{path} has no title of a label that the model knows, such as {ranker.labels_[0]!r}"
        )
    return about


def _converse(n_labels: int, answer: Callable[[str], None]) -> None:
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 (gives input() its history and line editing)
    say(f"{n_labels:,} labels. Type a text and press Enter; an empty line ends.")
    while True:
        try:
            line = input("> ").strip()
        except EOFError:
            put("")
            return
        if not line:
            return
        answer(line)
