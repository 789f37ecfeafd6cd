"""`arborank update`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from ..core.errors import ArgumentError
from .data import read_data, read_label_texts, read_names
from .files import place_of_result
from .layouts import Form, data_options, language_option, option_name
from .models import open_ranker
from .numbers import Real
from .options import DATA, FILE, force_option, jobs_option, missing_option, model_argument, out_option
from .reporting import say
from .tables import calibration

if TYPE_CHECKING:
    from ..core.checks import Missing
    from ..storage import Savable

__all__ = ["named", "save_changed", "update"]


@click.command(short_help="Add, refresh and remove labels of a model, or learn from further rows.")
@model_argument
@click.option("--data", type=DATA, help="Recent labelled data: with the labels in question, and with others.")
@click.option(
    "--add", is_flag=True, help="Add the labels of DATA (and --label-texts) that MODEL does not know."
)
@click.option("--rows", is_flag=True, help="Learn from the rows of DATA, of the labels that MODEL knows.")
@click.option("--refresh", type=FILE, help="Forget these labels, one per line, and learn them from DATA.")
@click.option("--remove", type=FILE, help="Remove these labels, one per line.")
@missing_option
@click.option(
    "--label-texts",
    type=FILE,
    help="Texts about labels, each labelled with the one it is about, or a vocabulary in SKOS.",
)
@language_option
@click.option(
    "--negative-share",
    type=Real(0, 1, min_open=True),
    help="Share of the texts without the labels in question that DATA holds.  [1]",
)
@out_option
@data_options
@jobs_option
@force_option
def update(
    model: str,
    data: str | None,
    add: bool,
    rows: bool,
    refresh: str | None,
    remove: str | None,
    missing: "Missing",
    label_texts: str | None,
    language: str | None,
    negative_share: float | None,
    directory: str | None,
    form: Form,
    jobs: int | None,
    force: bool,
) -> None:
    """Change the labels of MODEL: first --remove, then --rows, --refresh, and --add but for what --remove names.

    DATA has the form that MODEL was trained on. Labels of a model of matrices are numbers; those beyond the last it
    knows are new. The result takes MODEL's place in one step: an update that fails or is stopped, at whatever moment,
    leaves the old model, and who has opened it goes on with it. With --missing ignore the same command may be given
    twice.
    """
    learns = rows or add or refresh is not None
    if not learns and remove is None:
        raise click.UsageError("nothing to do: give --rows, --add, --refresh or --remove")
    if learns and data is None:
        raise click.UsageError("--rows, --add and --refresh need --data DATA, to learn from")
    of_labels = {"label_texts": label_texts, "language": language, "negative_share": negative_share}
    for name, value in of_labels.items():
        if value is not None and not (add or refresh is not None):
            raise click.UsageError(f"{option_name(name)} goes with --add or --refresh")
    for name, given in ({"data": data} | form.given()).items():
        if given is not None and not learns:
            raise click.UsageError(f"{option_name(name)} goes with --rows, --add or --refresh")
    place = place_of_result(directory, model, force)
    ranker = open_ranker(model, jobs)
    recent = None if data is None else read_data(data, form)
    change = ranker.changes(recent, read_label_texts(label_texts, form.layout, language))
    options = {} if negative_share is None else {"negative_share": negative_share}
    gone = [] if remove is None else read_names(remove)
    done = []
    if gone:
        with named(f"--remove {remove}"):
            done.append(f"{change.remove(gone, missing):,} removed")
    if rows:
        done.append(f"learned from {change.learn():,} rows")
    if refresh is not None:
        with named(f"--refresh {refresh}"):
            done.append(f"{change.refresh(read_names(refresh), options):,} refreshed")
    if add:
        with named("--add"):
            done.append(f"{change.add(options, gone, missing):,} added")
    summary = f"labels: {', '.join(done)}"
    if directory is None and change.estimator is ranker.estimator:
        say(f"{summary}; {model} is as it was")
        return
    save_changed(change.estimator, place, model, f"{summary.capitalize()}.")
    say(f"{summary}; saved {place}")


def save_changed(model: "Savable", directory: str, made_from: str, summary: str) -> None:
    """Save an updated model, with what was known of it before."""
    from ..storage import Record, save

    records = [Record(title="Last update", summary=summary), *calibration(model)]
    save(model, directory, records=records, made_from=made_from)


@contextmanager
def named(option: str) -> Iterator[None]:
    """Let errors about what came from the file of an option name it, and not the argument that it became."""
    try:
        yield
    except ArgumentError as error:
        name = dict.fromkeys(("X", "Y"), "--data")
        name |= dict.fromkeys(("names", "labels", "queries", "refresh"), option)
        if error.argument not in name:
            raise
        raise ArgumentError(name[error.argument], error.problem, *error.remedies) from error
