"""Query logs and pairs, as the commands that train and update completers read them."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..autocomplete import Autocompleter, Pairs
    from ..autocomplete.times import TimeUnit

__all__ = ["pairs_option", "read_queries", "time_unit_option"]

pairs_option = click.option(
    "--pairs", is_flag=True, help="Lines are previous queries and a query, not a log."
)
time_unit_option = click.option(
    "--time-unit",
    type=click.Choice(["s", "ms", "us", "ns"]),
    help="What numbers of a log's times count.  [s]",
)


def read_queries(log: str, pairs: bool, time_unit: "TimeUnit | None", completer: "Autocompleter") -> "Pairs":
    """Read LOG, with the sessions that the parameters of a completer say.

    Raises
    ------
    ValueError
        If it is malformed or holds no query.
    """
    from ..autocomplete import read_log, read_pairs, session_pairs

    if pairs and time_unit is not None:
        raise click.UsageError("--time-unit is for logs, but --pairs have no times")
    if pairs:
        data = read_pairs(log)
    else:
        rows = read_log(log, time_unit=time_unit or "s")
        data = session_pairs(rows, n_previous=completer.n_previous, session_gap=completer.session_gap)
    if not data.queries:
        raise ValueError(f"{log} holds no query")
    return data
