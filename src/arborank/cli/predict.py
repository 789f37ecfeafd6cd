"""`arborank predict`."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import click

from .answers import Answer, answers_format, open_answers
from .data import read_data, stdin_rows
from .files import check_output
from .layouts import Form, layout_options, xmc_option
from .models import Data, Ranker, open_ranker
from .options import beam_option, jobs_option, k_option, model_argument
from .scoring import batch_size, batches, n_answers

if TYPE_CHECKING:
    from ..datasets import Layout, TextRow

__all__ = ["predict"]

_STDIN_BATCH = 1024  # the most


@click.command(short_help="Write the best labels of every instance.")
@model_argument
@click.argument("inputs", metavar="INPUT", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "-o",
    "--output",
    default="-",
    help="File for the answers: .jsonl, .csv, .tsv or .parquet; - for standard output, the default.",
)
@k_option
@beam_option
@xmc_option
@layout_options
@jobs_option
def predict(
    model: str,
    inputs: str,
    output: str,
    k: int,
    beam_size: int | None,
    xmc: bool,
    layout: "Layout",
    jobs: int | None,
) -> None:
    """Predict labels for INPUT: texts (labels in it are left aside), an .npz matrix, or an N D L file.

    Standard input (-) is read as a .txt file is: a text or a JSON object a line, or labels and a text with a tab
    between. Answers are JSON lines {"labels": [...], "scores": [...]}, best first, with "id" if there is an
    --id-column; a Parquet file with these columns; or a .csv or .tsv table with a line for every label of a row: row
    (from 0), rank (from 1), label, score. Labels are names for texts and ids for matrices.
    """
    if not output:
        raise click.UsageError("--output has no name; - is the standard output")
    if output != "-":
        check_output("--output", output, inputs, model)
    answers_format(output)
    ranker = open_ranker(model, jobs)
    k = n_answers(ranker, k, beam_size)
    with_ids = layout.id_column is not None
    if inputs == "-":
        parts = _of_stdin(ranker, layout, min(_STDIN_BATCH, batch_size(k)), with_ids)
    else:
        data = ranker.own(read_data(inputs, Form(layout, xmc), ranker.known, labelled=False), inputs)
        parts = batches(data, batch_size(k))
    first = 0
    with open_answers(output, names=ranker.known is not None, ids=with_ids, keep=inputs == "-") as write:
        for part in parts:
            write(_answers(ranker, part, first, k, beam_size))
            first += len(part)


def _of_stdin(ranker: Ranker, layout: "Layout", size: int, with_ids: bool) -> Iterator[Data]:
    """Yield some texts at a time; those before a line that cannot be read, or before Ctrl-C, come first."""
    from ..datasets import TextData

    ranker.own(TextData([], []), "standard input")
    rows = stdin_rows(layout, ranker.known or ())
    stopped: BaseException | None = None
    while stopped is None:
        part: list[TextRow] = []
        try:
            for row in islice(rows, size):
                part.append(row)
        except BaseException as error:
            stopped = error
        if part:
            ids = [row.id or "" for row in part] if with_ids else None
            yield TextData([row.text for row in part], [[] for _ in part], ids=ids)
        elif stopped is None:
            return
    raise stopped


def _answers(ranker: Ranker, part: Data, first: int, k: int, beam_size: int | None) -> list[Answer]:
    labels, scores = ranker.topk(part, k, beam_size)
    ids: Sequence[str | None] = ranker.row_ids(part) or [None] * len(part)
    answers = []
    for row, (id_, found, values) in enumerate(
        zip(ids, labels.tolist(), scores.tolist(), strict=True), first
    ):
        names = [ranker.answer(label) for label in found if label >= 0]
        answers.append(Answer(row, id_, names, [float(f"{score:.6g}") for score in values[: len(names)]]))
    return answers
