"""`arborank predict`."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from .answers import Answers, Shape, Write, answers_format, open_answers
from .data import features_in, read_data, read_names, stdin_rows, text_rows
from .decisions import decide_option, rule_of, short_lists, tuned_for
from .files import check_apart, check_output, write_whole
from .kept import kept_answers, state_of
from .layouts import Form, layout_options, xmc_option
from .models import Data, Ranker, check_calibrated, open_ranker
from .numbers import Real
from .options import (
    DATA_OR_DASH,
    FILE,
    beam_option,
    jobs_option,
    k_option,
    model_argument,
    probabilities_option,
)
from .reporting import say
from .scoring import batch_size, batches, n_answers
from .shards import Shards, engine_options, score_shards

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..core.types import TopK
    from ..datasets import Layout, TextRow
    from ..decisions import Rule

__all__ = ["predict"]

_STDIN_BATCH = 1024  # the most


@dataclass(frozen=True)
class _Question:
    """What is asked of every row."""

    k: int
    beam_size: int | None
    candidates: list[str] | None
    exclude: list[str] | None
    min_score: float | None
    probabilities: bool
    rule: "Rule | None" = None

    def top(self, ranker: Ranker, part: Data) -> "TopK":
        """Return the best labels of every row, or those that the rule chooses, best first."""
        if self.rule is None:
            limits = self.candidates, self.exclude
            return ranker.topk(part, self.k, self.beam_size, *limits, probabilities=self.probabilities)
        import numpy as np

        from ..core.topk import no_answers, put_best
        from ..decisions.deciding import choose

        lists = short_lists(ranker, part, self.beam_size, self.rule, self.candidates, self.exclude)
        chosen = choose(self.rule, *lists, ranker.n_labels)
        sizes = np.diff(chosen.indptr)
        top = no_answers(len(sizes), int(sizes.max(initial=0)))
        put_best(np.repeat(np.arange(len(sizes)), sizes), chosen.indices, chosen.data, top)
        return top

    def subject(self) -> dict[str, object]:
        """Return what the question is recognised by."""
        from ..storage.runs import fingerprint

        filters = {"candidates": self.candidates, "exclude": self.exclude}
        lists = {name: fingerprint(*names, labels=len(names)) for name, names in filters.items() if names}
        asked = {"k": self.k, "beam_size": self.beam_size, "min_score": self.min_score}
        rule = {} if self.rule is None else {"rule": repr(self.rule)}
        return {**asked, "probabilities": self.probabilities, **lists, **rule}


@click.command(short_help="Write the best labels of every instance.")
@model_argument
@click.argument("inputs", metavar="INPUT", type=DATA_OR_DASH, required=False)
@click.option(
    "-o",
    "--output",
    default="-",
    help="File for the answers: .jsonl, .csv, .tsv or .parquet; - for standard output, the default.",
)
@k_option
@decide_option
@beam_option
@probabilities_option
@click.option("--candidates", type=FILE, help="Return these labels only, one per line.")
@click.option("--exclude", type=FILE, help="Return none of these labels, one per line.")
@click.option("--min-score", type=Real(), help="Return labels with at least this score only.")
@click.option("--with-text", is_flag=True, help="Write every text beside its answer.")
@click.option(
    "--work-dir",
    type=click.Path(file_okay=False),
    help="Keep answers here until all are there; the same command goes on from there when it was interrupted.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="The same in OUTPUT.parts, which is removed at the end.",
)
@engine_options
@xmc_option
@layout_options
@jobs_option
def predict(
    model: str,
    inputs: str | None,
    output: str,
    k: int,
    decide: str | None,
    beam_size: int | None,
    probabilities: bool,
    candidates: str | None,
    exclude: str | None,
    min_score: float | None,
    with_text: bool,
    work_dir: str | None,
    resume: bool,
    shards: Shards,
    xmc: bool,
    layout: "Layout",
    jobs: int | None,
) -> None:
    """Predict labels for INPUT: texts (labels in it are left aside), an .npz matrix, or an N D L file.

    INPUT may be a folder of files of texts, or a pattern such as 'parts/*.jsonl'. Standard input (-) is read as a .txt
    file is: a text or a JSON object a line, or labels and a text with a tab between. Answers are JSON lines {"labels":
    [...], "scores": [...]}, best first, with "id" if there is an --id-column, or the name of the file if INPUT is a
    folder with a text in each; a Parquet file with these columns; or a .csv or .tsv table with a line for every label
    of a row: row (from 0), rank (from 1), label, score.
    Labels are names for texts and ids for matrices.

    With --decide, or a model that was trained with it, a rule chooses how many labels a row gets, unless -k is given;
    scores are probabilities then.

    With --shards in place of INPUT, --output is a directory, where every shard gets a Parquet file of answers with its
    other columns; files that are there already are not made again.
    """
    if shards.patterns:
        _check_with_shards(
            inputs, decide, beam_size, probabilities, candidates, exclude, min_score, work_dir, resume
        )
        return score_shards(shards, model, output, k, layout, with_text)
    if inputs is None:
        raise click.UsageError("Missing argument 'INPUT', or --shards")
    from ..datasets.documents import holds_documents

    k_given = click.get_current_context().get_parameter_source("k") is not ParameterSource.DEFAULT
    if k_given and decide is not None:
        raise click.UsageError("-k and --decide are two ways to say how many labels a row gets; give one")
    work_dir = _place_of_answers(work_dir, resume, output, inputs, model)
    kind = answers_format(output)
    ranker = open_ranker(model, jobs)
    if probabilities:
        check_calibrated(ranker, model)
    rule = None if k_given else rule_of(ranker, decide)
    question = _Question(
        n_answers(ranker, k, beam_size),
        beam_size,
        _listed(candidates),
        _listed(exclude),
        min_score,
        probabilities,
        None if rule is None else tuned_for(ranker, rule, model),
    )
    of_texts = inputs == "-" or not features_in(inputs, xmc)
    if with_text and not of_texts:
        raise click.UsageError(f"--with-text is for texts, but {inputs} holds features")
    files = layout.format is None and inputs != "-" and holds_documents(Path(inputs))
    with_ids = layout.id_column is not None or files or layout.format == "documents"
    shape = Shape(kind, ranker.known is not None, with_ids, with_text)
    parts = _parts(ranker, inputs, Form(layout, xmc), question.k, with_ids)
    subject: dict[str, object] = {
        "model": state_of([f"{model}/config.json"]),
        "input": {"name": inputs, "layout": layout.given(), "xmc": xmc},
        "question": question.subject(),
    }
    with _destination(output, inputs, shape, work_dir, subject) as (done, write):
        first = 0
        for number, part in enumerate(parts):
            if number >= done:
                write(_answers(ranker, part, first, question, shape))
            first += len(part)
    if resume:
        shutil.rmtree(str(work_dir))
    elif work_dir is not None:
        say(f"{work_dir} can be removed")


def _place_of_answers(work_dir: str | None, resume: bool, output: str, inputs: str, model: str) -> str | None:
    """Return the directory that keeps answers until all are there; raise unless they can be put where they should."""
    if not output:
        raise click.UsageError("--output has no name; - is the standard output")
    if output != "-":
        check_output("--output", output, inputs, model)
    option = "--resume" if resume else "--work-dir"
    if resume and work_dir is not None:
        raise click.UsageError("--resume and --work-dir are two ways to keep answers; give one")
    place = f"{output}.parts" if resume else work_dir
    if place is not None:
        if output == "-" or inputs == "-":
            raise click.UsageError(f"{option} goes with a file as INPUT and as --output")
        check_apart(place, model)
    return place


def _check_with_shards(*given: object) -> None:
    refused = (
        "INPUT --decide --beam-size --probabilities --candidates --exclude --min-score --work-dir --resume"
    )
    names = refused.split()
    name = next((name for name, value in zip(names, given, strict=True) if value not in (None, False)), None)
    if name is not None:
        raise click.UsageError(f"{name} does not go with --shards")


def _listed(path: str | None) -> list[str] | None:
    return None if path is None else read_names(path)


@contextmanager
def _destination(
    output: str, inputs: str, shape: Shape, work_dir: str | None, subject: dict[str, object]
) -> Iterator[tuple[int, Write]]:
    """Yield how many batches need no answers any more, and what takes those of the next."""
    if work_dir is None:
        with write_whole(output, keep=inputs == "-") as file, open_answers(file, shape) as write:
            yield 0, write
        return
    from ..datasets.places import files_of

    with kept_answers(work_dir, output, shape, subject | {"files": state_of(files_of(inputs))}) as kept:
        yield kept


def _parts(ranker: Ranker, inputs: str, form: Form, k: int, with_ids: bool) -> Iterator[Data]:
    """Yield batches of rows; of texts, little is in memory at a time."""
    from ..datasets import TextData

    if inputs != "-" and features_in(inputs, form.xmc):
        data = ranker.own(read_data(inputs, form, labelled=False), inputs)
        return batches(data, batch_size(k))
    ranker.own(TextData([], []), "standard input" if inputs == "-" else inputs)
    if inputs == "-":
        rows, size = stdin_rows(form.layout, ranker.known or ()), min(_STDIN_BATCH, batch_size(k))
    else:
        rows, size = text_rows(inputs, form.layout, ranker.known or ()), batch_size(k)
    return _of_rows(rows, size, with_ids)


def _of_rows(rows: Iterator["TextRow"], size: int, with_ids: bool) -> Iterator[Data]:
    """Yield some texts at a time; those before a line that cannot be read, or before Ctrl-C, come first."""
    from ..core.progress import progress
    from ..datasets import TextData

    stopped: BaseException | None = None
    n_rows = 0
    with progress("predicting", None, unit="rows") as update:
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
                n_rows += len(part)
                update(n_rows, "")
            elif stopped is None:
                return
    raise stopped


def _answers(ranker: Ranker, part: Data, first: int, question: _Question, shape: Shape) -> Answers:
    labels, scores = question.top(ranker, part)
    kept = labels >= 0 if question.min_score is None else (labels >= 0) & (scores >= question.min_score)
    ids, texts = ranker.row_ids(part) if shape.ids else None, part.texts if shape.texts else None
    counts = kept.sum(axis=1)  # scores descend: what is kept comes first
    return Answers(first, ids, texts, counts, labels[kept], _significant(scores[kept]), ranker.answers)


def _significant(scores: "NDArray[np.float32]") -> "NDArray[np.float64]":
    """Round to six significant digits, all that a float32 has for certain."""
    import numpy as np

    exact = scores.astype(np.float64)
    size = np.abs(np.where(np.isfinite(exact) & (exact != 0), exact, 1.0))
    digits = 5 - np.floor(np.log10(size)).astype(np.int64)
    up, down = 10.0 ** np.maximum(digits, 0), 10.0 ** np.maximum(-digits, 0)  # powers of ten that are exact
    rounded: NDArray[np.float64] = np.rint(exact * up / down) / up * down
    return rounded
