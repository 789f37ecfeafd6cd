"""`arborank predict`."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

import click

from .files import check_output, is_text_model, open_ranker, read_instances, stdin_texts, write_whole
from .options import beam_option, jobs_option, k_option, set_jobs, xmc_option
from .scoring import batch_size, batches, check_kind, n_answers

__all__ = ["predict"]

_STDIN_BATCH = 1024  # the most


@click.command(short_help="Write the best labels of every instance as JSON lines.")
@click.argument("model", type=click.Path(exists=True, file_okay=False))
@click.argument("inputs", metavar="INPUT", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "-o", "--output", default="-", help="File for the predictions; - for standard output, the default."
)
@k_option
@beam_option
@xmc_option
@jobs_option
def predict(
    model: str, inputs: str, output: str, k: int, beam_size: int | None, xmc: bool, jobs: int | None
) -> None:
    """Predict labels for INPUT: texts (labels in it are left aside), an .npz matrix, or an N D L file.

    Standard input (-) holds a text a line, or JSON lines. Each line of the output is
    {"labels": [...], "scores": [...]}, best first; labels are names for texts and ids for matrices.
    """
    if not output:
        raise click.UsageError("--output has no name; - is the standard output")
    if output != "-":
        check_output("--output", output, inputs, model)
    ranker = open_ranker(model)
    if jobs is not None:
        set_jobs(ranker, jobs)
    options = {} if beam_size is None else {"beam_size": beam_size}
    k = n_answers(ranker, k, beam_size)
    if inputs == "-":
        check_kind(ranker, True, "standard input")
        parts = _slices(stdin_texts(), min(_STDIN_BATCH, batch_size(k)))
    else:
        rows = read_instances(inputs, xmc)
        check_kind(ranker, isinstance(rows, list), inputs)
        parts = batches(rows, "predicting", batch_size(k))
    with write_whole(output) as file:
        for part in parts:
            _write(file, ranker, part, k, options)


def _slices(texts: Iterator[str], size: int) -> Iterator[list[str]]:
    while part := list(islice(texts, size)):
        yield part


def _write(file: IO[bytes], ranker: Any, part: Any, k: int, options: dict[str, Any]) -> None:
    ids, scores = ranker.predict_topk(part, k, **options)
    for row, row_scores in zip(ids.tolist(), scores.tolist(), strict=True):
        found = [label for label in row if label >= 0]
        labels = [ranker.labels_[label] for label in found] if is_text_model(ranker) else found
        values = [float(f"{score:.6g}") for score in row_scores[: len(found)]]
        file.write(json.dumps({"labels": labels, "scores": values}, ensure_ascii=False).encode() + b"\n")
    file.flush()
