"""`arborank learn`."""

from typing import Any

import click

from .files import place_of_result
from .models import as_ranker, open_model
from .numbers import Real
from .options import FILE, force_option, jobs_option, model_argument, out_option
from .reporting import say
from .update import save_changed

__all__ = ["learn"]


@click.command(short_help="Let a model learn from a log of decisions and their rewards.")
@model_argument
@click.argument("log", type=FILE)
@click.option("--step", type=Real(min=0, min_open=True), help="What costs are multiplied by.  [0.1]")
@click.option(
    "--half-life",
    type=Real(min=0, min_open=True),
    help="After so many decisions one counts half as much; by default all count alike.",
)
@click.option("--skip-errors", is_flag=True, help="Leave lines out that cannot be used, and count them.")
@out_option
@jobs_option
@force_option
def learn(
    model: str,
    log: str,
    step: float | None,
    half_life: float | None,
    skip_errors: bool,
    directory: str | None,
    jobs: int | None,
    force: bool,
) -> None:
    """Let MODEL learn from the rewards in LOG, as an ExploringRanker or `arborank serve --decisions` keeps it.

    The result takes MODEL's place in one step. Give each decision once: what has been learned stays learned.
    """
    from ..exploration import DecisionLog, learn

    place = place_of_result(directory, model, force)
    decisions = DecisionLog.read(log, skip_errors=skip_errors)
    steps = {} if step is None else {"step": step}
    estimator: Any = as_ranker(open_model(model, jobs), model).estimator
    learned = learn(estimator, decisions, half_life=half_life, **steps)
    n = len(decisions.rewarded)
    summary = f"learned from {n:,} decisions"
    save_changed(learned, place, model, f"{summary.capitalize()} of {log}.")
    left_out = {**decisions.skipped, "decisions without a reward yet": len(decisions) - n}
    told = [summary, *(f"{what}: {count:,}" for what, count in left_out.items() if count)]
    say(f"{'; '.join(told)}; saved {place}")
