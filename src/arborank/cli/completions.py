"""What the commands about completers share: how logs are read, and how good completions are."""

from math import isnan
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..autocomplete import Autocompleter, Pairs
    from ..autocomplete.times import TimeUnit
    from ..storage import Record

__all__ = ["compare", "pairs_option", "read_queries", "time_unit_option"]

_SHOWN = (1, 2, 3, 5, 7, 10)
_MOST = 20_000

pairs_option = click.option(
    "--pairs", is_flag=True, help="Lines are previous queries and a query, not a log."
)
time_unit_option = click.option(
    "--time-unit",
    type=click.Choice(["s", "ms", "us", "ns"]),
    help="What numbers of a log's times count.  [s]",
)


def read_queries(log: str, pairs: bool, time_unit: "TimeUnit | None", completer: "Autocompleter") -> "Pairs":
    """Read LOG, with the sessions that the parameters of a completer say."""
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


def compare(completer: "Autocompleter", pairs: "Pairs", data: str) -> "Record":
    """Compare with the most frequent completions, by the mean reciprocal rank of a random prefix of every query."""
    import numpy as np

    from ..autocomplete.normal import normalize
    from ..autocomplete.prefixes import sample_lengths
    from ..autocomplete.quality import quality_by_length, reciprocal_ranks
    from ..storage import Record

    random = np.random.default_rng(completer.random_state + 1)
    wanted = [normalize(query) for query in pairs.queries]
    rows = [row for row, query in enumerate(wanted) if query]
    if len(rows) > _MOST:
        rows = sorted(random.choice(rows, _MOST, replace=False).tolist())
    lengths = sample_lengths([len(wanted[row]) for row in rows], "uniform", random).tolist()
    prefixes = [wanted[row][:length] for row, length in zip(rows, lengths, strict=True)]
    previous = [pairs.previous[row] for row in rows]
    answers = {
        "most frequent": completer.complete_batch(prefixes),
        "Arborank": completer.complete_batch(prefixes, previous),
    }
    table = {}
    for name, found in answers.items():
        texts = [[normalize(query) for query, _ in row] for row in found]
        quality = quality_by_length(reciprocal_ranks(texts, [wanted[row] for row in rows]), prefixes)
        means = {f"{n}{'+' * (n == _SHOWN[-1])}": quality.means[quality.lengths.index(n)] for n in _SHOWN}
        means |= {"<=3": quality.short, "all": quality.overall}
        table[name] = {column: mean for column, mean in means.items() if not isnan(mean)}
    return Record(
        title="Evaluation",
        summary=f"{len(prefixes):,} prefixes, a random one of each query.",
        data=data,
        tables={"MRR by characters typed": table},
    )
