"""`arborank update-completer`."""

from typing import TYPE_CHECKING

import click

from .completions import pairs_option, read_queries, time_unit_option
from .data import read_names
from .files import place_of_result
from .models import open_completer
from .options import FILE, force_option, jobs_option, missing_option, model_argument, out_option
from .reporting import say
from .update import named, save_changed

if TYPE_CHECKING:
    from ..autocomplete.times import TimeUnit
    from ..core.checks import Missing

__all__ = ["update_completer"]


@click.command("update-completer", short_help="Let a completer follow its log without training it again.")
@model_argument
@click.argument("log", type=FILE, required=False)
@pairs_option
@time_unit_option
@click.option("--refresh", type=FILE, help="Forget these queries, one per line, and learn them from LOG.")
@click.option("--remove", type=FILE, help="Remove these queries, one per line.")
@missing_option
@click.option("--blocklist", type=FILE, help="Words and phrases, one per line, never to be suggested again.")
@out_option
@jobs_option
@force_option
def update_completer(
    model: str,
    log: str | None,
    pairs: bool,
    time_unit: "TimeUnit | None",
    refresh: str | None,
    remove: str | None,
    missing: "Missing",
    blocklist: str | None,
    directory: str | None,
    jobs: int | None,
    force: bool,
) -> None:
    """Change the queries of MODEL, which train-completer made.

    First --remove; then LOG is learned, in the form that train-completer reads: new queries, how often the others were
    sent, and after which. Rows that were learned before do not count again. What --blocklist holds is removed with all
    that was learned from it. The result takes MODEL's place in one step.
    """
    if log is None and (refresh is not None or pairs or time_unit is not None):
        raise click.UsageError("--refresh, --pairs and --time-unit need LOG, to learn from")
    if log is None and remove is None and blocklist is None:
        raise click.UsageError("nothing to do: give LOG, --remove or --blocklist")
    place = place_of_result(directory, model, force)
    completer = open_completer(model, jobs)
    before = len(completer.catalogue_)
    if remove is not None:
        with named(f"--remove {remove}"):
            completer = completer.remove(read_names(remove), missing=missing)
    if blocklist is not None:
        completer.block(read_names(blocklist))
    if log is None:
        completer = completer.update([])  # without what is blocked now
    else:
        again = () if refresh is None else read_names(refresh)
        data = read_queries(log, pairs, time_unit, completer)
        with named(f"--refresh {refresh}"):
            completer = completer.update_pairs(
                data.previous, data.queries, users=data.users, times=data.times, refresh=again
            )
    summary = f"{before:,} queries before, {len(completer.catalogue_):,} now"
    save_changed(completer, place, model, f"{summary}.")
    say(f"{summary}; saved {place}")
