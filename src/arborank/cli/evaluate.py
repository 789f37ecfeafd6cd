"""`arborank evaluate`."""

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from .data import read_data
from .decisions import ALL, decide_option, rule_of, tuned_for
from .files import check_output, check_suffix, write_table
from .layouts import Form, data_options
from .models import Data, Ranker, check_calibrated, open_ranker
from .numbers import Real
from .options import DATA, FILE, beam_option, jobs_option, ks_option, model_argument
from .reporting import say
from .scoring import evaluate_model, label_rows, predict_all
from .streams import put, put_json
from .worth import Worth

if TYPE_CHECKING:
    from ..metrics import Report

__all__ = ["evaluate"]


@click.command(short_help="Score a model on labelled data.")
@model_argument
@click.argument("data", type=DATA)
@click.option("--train", "train_path", type=DATA, help="Training data, for the frequencies of labels.")
@click.option("--train-labels", type=FILE, help="Label matrix of --train X.npz.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option(
    "--plot", type=click.Path(dir_okay=False), help="Draw probabilities and thresholds: .svg, .png or .pdf."
)
@click.option(
    "--table",
    type=click.Choice(["text", "markdown", "latex"]),
    default="text",
    show_default=True,
    help="How tables are written.",
)
@click.option(
    "--per-label", type=click.Path(dir_okay=False), help="Write what answers are worth, label by label: .csv."
)
@click.option(
    "-A",
    "propensity_a",
    type=Real(0),
    default=0.55,
    show_default=True,
    help="Constant of propensities: 0.6 Amazon, 0.5 Wikipedia.",
)
@click.option(
    "-B",
    "propensity_b",
    type=Real(0, min_open=True),
    default=1.5,
    show_default=True,
    help="The other: 2.6 Amazon, 0.4 Wikipedia.",
)
@decide_option
@ks_option
@beam_option
@data_options
@jobs_option
def evaluate(
    model: str,
    data: str,
    train_path: str | None,
    train_labels: str | None,
    as_json: bool,
    plot: str | None,
    table: str,
    per_label: str | None,
    propensity_a: float,
    propensity_b: float,
    decide: str | None,
    ks: tuple[int, ...],
    beam_size: int | None,
    form: Form,
    jobs: int | None,
) -> None:
    """Score MODEL on DATA: precision, recall, nDCG and more, and apart for head, torso and tail labels.

    The frequencies of labels are those of training; for a model that does not know them, give --train.

    Of a calibrated model, the errors of its probabilities are shown, and what thresholds on them are worth. With
    --decide, or a model that was trained with it, so is what the rule chooses, with 95 % intervals; --decide all shows
    every rule.
    """
    _check_outputs(as_json, table, per_label, plot, (data, train_path, model))
    if train_labels is not None and train_path is None:
        raise click.UsageError("--train-labels goes with --train X.npz")
    ranker = open_ranker(model, jobs)
    read = ranker.own(read_data(data, form, ranker.known), data)
    if not read.has_labels:
        raise ValueError(f"{data} has no row with a label, which an evaluation needs")
    trained = None if train_path is None else _read_training(ranker, train_path, form, train_labels)
    rule = None if decide == ALL else rule_of(ranker, decide)
    tuned = None if rule is None else tuned_for(ranker, rule, model)
    if plot is not None or decide == ALL:
        check_calibrated(ranker, model, "--plot" if plot is not None else "--decide all")
    ids = predict_all(ranker, read, max(ks), beam_size)
    report = evaluate_model(ranker, read, ks, beam_size, trained, ids=ids, A=propensity_a, B=propensity_b)
    more = Worth.of(ranker, read, ks, tuned, every=decide == ALL, beam_size=beam_size, train=trained)
    if not report.buckets:
        say("label frequencies in training are not known; with --train FILE head and tail are shown apart")
    _show(report, more, table, as_json)
    if per_label is not None:
        write_table(per_label, label_rows(ranker, read, ids, max(ks), trained))
        say(f"wrote {per_label}")
    if plot is not None and more.probabilities is not None:
        from ..core.figures import save_figure

        save_figure(more.probabilities.plot(), plot)
        say(f"drew {plot}")


def _check_outputs(
    as_json: bool, table: str, per_label: str | None, plot: str | None, inputs: tuple[str | None, ...]
) -> None:
    if as_json and table != "text":
        raise click.UsageError("--json and --table are two forms of the output; give one")
    if per_label is not None:
        check_suffix("--per-label", per_label, ".csv")
        check_output("--per-label", per_label, *inputs)
    if plot is not None:
        from ..core.figures import check_drawable

        check_drawable(plot)


def _read_training(ranker: Ranker, path: str, form: Form, labels: str | None) -> Data:
    from ..metrics.propensity import LEAST_ROWS

    trained = ranker.own(read_data(path, replace(form, label_matrix=labels)), path)
    if len(trained) < LEAST_ROWS:
        raise ValueError(f"{path} has {len(trained)} rows; frequencies of labels need at least {LEAST_ROWS}")
    return trained


def _show(report: "Report", more: Worth, table: str, as_json: bool) -> None:
    if as_json:
        put_json(report.to_dict() | more.to_dict(), indent=1)
    elif table == "text":
        put("\n".join(filter(None, (str(report), str(more)))))
    else:
        put("\n\n".join(getattr(one, f"to_{table}")() for one in (report, *more.reports)))
