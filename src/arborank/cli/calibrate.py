"""`arborank calibrate`."""

import click

from .data import read_data
from .files import place_of_result
from .layouts import Form, data_options
from .models import check_calibrated, open_ranker
from .options import DATA, force_option, jobs_option, model_argument, out_option
from .reporting import say
from .tables import calibration

__all__ = ["calibrate"]


@click.command(short_help="Learn from held-out rows what scores mean as probabilities.")
@model_argument
@click.argument("data", type=DATA)
@click.option(
    "--recalibrate",
    is_flag=True,
    help="DATA are of another domain: adapt the probabilities that MODEL has. A thousand rows are enough.",
)
@out_option
@data_options
@jobs_option
@force_option
def calibrate(
    model: str,
    data: str,
    recalibrate: bool,
    directory: str | None,
    form: Form,
    jobs: int | None,
    force: bool,
) -> None:
    """Calibrate MODEL on DATA, labelled rows that it was not trained on; some thousands are good.

    The ranking stays as it is. `arborank rank` and `arborank predict` then give probabilities with --probabilities.
    """
    from ..storage import save

    place = place_of_result(directory, model, force)
    ranker = open_ranker(model, jobs)
    if recalibrate:
        check_calibrated(ranker, model)
    held = ranker.own(read_data(data, form, ranker.known), data)
    if not held.has_labels:
        raise ValueError(f"{data} has no row with a label, which a calibration needs")
    changed = ranker.calibrated(held, data, anew=not recalibrate)
    found = calibration(changed)
    save(changed, place, records=found, made_from=model, change="calibration")
    say(f"{found[0].summary} Saved {place}.")
