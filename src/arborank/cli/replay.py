"""`arborank replay`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from .completions import read_queries, time_unit_option
from .numbers import POSITIVE, Real
from .options import FILE, jobs_option, seed_option
from .reporting import say
from .tables import show_table

if TYPE_CHECKING:
    from ..autocomplete.times import TimeUnit

__all__ = ["replay"]

_SECONDS = {"hour": 3600.0, "day": 86_400.0, "week": 604_800.0}
_BARS = 40  # characters for a mean reciprocal rank of 1


@click.command(short_help="Feed a query log to a completer as it happened, with and without updates.")
@click.argument("log", type=FILE)
@click.option(
    "--every",
    type=click.Choice(list(_SECONDS)),
    default="day",
    show_default=True,
    help="Shortest time between updates.",
)
@click.option(
    "--learn",
    type=Real(0, 1, min_open=True, max_open=True),
    default=0.5,
    show_default=True,
    help="Share of the log, the oldest part, to train on first.",
)
@click.option("--parts", type=POSITIVE, default=10, show_default=True, help="Lines of the result.")
@click.option("--plot", type=click.Path(dir_okay=False), help="Draw the result: .svg, .png or .pdf.")
@time_unit_option
@seed_option
@jobs_option
def replay(
    log: str,
    every: str,
    learn: float,
    parts: int,
    plot: str | None,
    time_unit: "TimeUnit | None",
    random_state: int | None,
    jobs: int | None,
) -> None:
    """Train on the oldest part of LOG, then complete what came after it, in order, and update.

    A completer that is never updated is compared with some that are: after every hour, day or week, from --every on. A
    random prefix of every query is completed, with what its user had sent before. The result is the mean reciprocal
    rank over time. LOG is as for train-completer.
    """
    import numpy as np

    from ..autocomplete import Autocompleter
    from ..autocomplete.replay import Replay, latest, replayed
    from ..core.figures import check_drawable, save_figure

    if plot is not None:
        check_drawable(plot)
    completer = Autocompleter(n_jobs=jobs, random_state=random_state or 0)
    learned, coming = latest(read_queries(log, False, time_unit, completer), 1 - learn)
    say(f"training on {len(learned.queries):,} queries; {len(coming.queries):,} follow")
    completer.fit_pairs(learned.previous, learned.queries, users=learned.users, times=learned.times)
    ways: dict[str, float | None] = {"never": None}
    ways |= {f"every {unit}": length for unit, length in _SECONDS.items() if length >= _SECONDS[every]}
    found = {}
    for way, length in ways.items():
        found[way] = replayed(completer, learned, coming, length, random_state=completer.random_state + 1)
        say(f"updates {way}: MRR {found[way].mean():.4f}")
    result = Replay(np.array(coming.times), found, parts)
    table: dict[str, dict[str, str | int | float]] = {}
    for start, n, means in result.spans():
        bar = "#" * round(_BARS * max(means.values()))
        table[f"{datetime.fromtimestamp(start, UTC):%Y-%m-%d %H:%M}"] = {"queries": n, **means, "": bar}
    show_table("from (UTC), MRR by updates", table)
    if plot is not None:
        save_figure(result.plot(), plot)
        say(f"drew {plot}")
