"""`arborank whatif`."""

from collections import Counter
from typing import Any

import click

from .models import as_ranker, open_model
from .numbers import Real, Whole
from .options import FILE, MODEL
from .streams import put, put_json

__all__ = ["whatif"]


@click.command(short_help="Judge models on a log of another one's decisions.")
@click.argument("log", type=FILE)
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    type=MODEL,
    help="A model to judge; the first calibrated one is also the model of rewards. May be repeated.",
)
@click.option("-k", type=Whole(1), help="Labels that models show; by default as many as the log's decisions.")
@click.option(
    "--clip", type=Real(min=0, min_open=True), help="The most that a weight may be: less variance, some bias."
)
@click.option(
    "--least",
    type=Real(min=0),
    default=100.0,
    show_default=True,
    help="The effective sample size below which an estimate is refused.",
)
@click.option("--skip-errors", is_flag=True, help="Leave lines out that cannot be used, and count them.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def whatif(
    log: str,
    models: tuple[str, ...],
    k: int | None,
    clip: float | None,
    least: float,
    skip_errors: bool,
    as_json: bool,
) -> None:
    """Estimate what models would have earned, had they decided what the LOG tells: before anyone sees them.

    A line of LOG is a decision with its propensities, as an ExploringRanker makes them, or the rewards of one.
    """
    from ..exploration import DecisionLog, evaluate

    repeated = [name for name, n in Counter(models).items() if n > 1]
    if repeated:
        raise click.UsageError(f"--model {repeated[0]} is given twice")
    decisions = DecisionLog.read(log, skip_errors=skip_errors)
    judged: dict[str, Any] = {name: as_ranker(open_model(name), name).estimator for name in models}
    report = evaluate(decisions, judged, k=k, clip=clip, least=least)
    if as_json:
        put_json(report.to_dict(), indent=1)
    else:
        put(str(report))
