"""`arborank predict`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from .answers import Answer, answers_format, open_answers
from .data import read_instances, stdin_rows
from .files import check_output, is_text_model, open_ranker
from .layouts import layout_options
from .options import beam_option, jobs_option, k_option, model_argument, set_jobs, xmc_option
from .scoring import batch_size, batches, check_kind, n_answers

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
    ranker = open_ranker(model)
    if jobs is not None:
        set_jobs(ranker, jobs)
    options = {} if beam_size is None else {"beam_size": beam_size}
    k = n_answers(ranker, k, beam_size)
    names = is_text_model(ranker)
    if inputs == "-":
        check_kind(ranker, True, "standard input")
        size = min(_STDIN_BATCH, batch_size(k))
        parts = _slices(stdin_rows(layout, ranker.labels_), size, layout.id_column is not None)
    else:
        parts = _of_file(ranker, inputs, xmc, layout, batch_size(k))
    first = 0
    with open_answers(output, names=names, ids=layout.id_column is not None, keep=inputs == "-") as write:
        for part, ids in parts:
            found = _ranked(ranker, part, ids, first, k, options)
            write(found)
            first += len(found)


def _of_file(
    ranker: Any, path: str, xmc: bool, layout: "Layout", size: int
) -> Iterator[tuple[Any, list[str] | None]]:
    """Read a file, and yield some instances and their ids at a time."""
    known = ranker.labels_ if is_text_model(ranker) else None
    data = read_instances(path, xmc, layout, known)
    is_text = hasattr(data, "texts")
    check_kind(ranker, is_text, path)
    ids = getattr(data, "ids", None)
    done = 0
    for part in batches(data.texts if is_text else data, "predicting", size):
        n_rows = part.shape[0] if hasattr(part, "shape") else len(part)
        yield part, None if ids is None else ids[done : done + n_rows]
        done += n_rows


def _slices(
    rows: "Iterator[TextRow]", size: int, with_ids: bool
) -> Iterator[tuple[list[str], list[str] | None]]:
    """Cut rows into batches; those before a line that cannot be read, or before Ctrl-C, come first."""
    stopped: BaseException | None = None
    while stopped is None:
        part: list[TextRow] = []
        try:
            while len(part) < size:
                part.append(next(rows))
        except StopIteration as end:
            stopped = end
        except BaseException as error:
            stopped = error
        if part:
            yield [row.text for row in part], [row.id or "" for row in part] if with_ids else None
    if not isinstance(stopped, StopIteration):
        raise stopped


def _ranked(
    ranker: Any, part: Any, ids: list[str] | None, first: int, k: int, options: dict[str, Any]
) -> list[Answer]:
    labels, scores = ranker.predict_topk(part, k, **options)
    answers = []
    for place, (row, row_scores) in enumerate(zip(labels.tolist(), scores.tolist(), strict=True)):
        found = [label for label in row if label >= 0]
        named = [ranker.labels_[label] for label in found] if is_text_model(ranker) else found
        values = [float(f"{score:.6g}") for score in row_scores[: len(found)]]
        answers.append(Answer(first + place, None if ids is None else ids[place], named, values))
    return answers
