"""`arborank evaluate`."""

from dataclasses import replace

import click

from .data import read_data
from .decisions import ALL, decide_option, rule_of, tuned_for
from .layouts import Form, data_options
from .models import check_calibrated, open_ranker
from .options import DATA, FILE, beam_option, jobs_option, ks_option, model_argument
from .reporting import say
from .scoring import LEAST_ROWS, evaluate_model
from .streams import put, put_json
from .worth import Worth

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
    if plot is not None:
        from ..analysis.pictures import check_drawable

        check_drawable(plot)
    if train_labels is not None and train_path is None:
        raise click.UsageError("--train-labels goes with --train X.npz")
    ranker = open_ranker(model, jobs)
    read = ranker.own(read_data(data, form, ranker.known), data)
    if not read.has_labels:
        raise ValueError(f"{data} has no row with a label, which an evaluation needs")
    trained = None
    if train_path is not None:
        trained = ranker.own(read_data(train_path, replace(form, label_matrix=train_labels)), train_path)
        if len(trained) < LEAST_ROWS:
            raise ValueError(
                f"{train_path} has {len(trained)} rows; frequencies of labels need at least {LEAST_ROWS}"
            )
    rule = None if decide == ALL else rule_of(ranker, decide)
    tuned = None if rule is None else tuned_for(ranker, rule, model)
    if plot is not None or decide == ALL:
        check_calibrated(ranker, model, "--plot" if plot is not None else "--decide all")
    report = evaluate_model(ranker, read, ks, beam_size, trained)
    more = Worth.of(ranker, read, ks, tuned, every=decide == ALL, beam_size=beam_size, train=trained)
    if not report.buckets:
        say("label frequencies in training are not known; with --train FILE head and tail are shown apart")
    if as_json:
        put_json(report.to_dict() | more.to_dict(), indent=1)
    else:
        put("\n".join(filter(None, (str(report), str(more)))))
    if plot is not None and more.probabilities is not None:
        from ..analysis.pictures import draw_probabilities

        draw_probabilities(more.probabilities, plot)
        say(f"drew {plot}")
