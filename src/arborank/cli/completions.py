"""What the commands about completers share: how logs are read, and how good completions are."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..autocomplete import Autocompleter, Pairs
    from ..autocomplete.times import TimeUnit
    from ..storage import Record

__all__ = ["compare", "pairs_option", "read_queries", "time_unit_option"]

_SHOWN = (1, 2, 3, 5, 7, 10)
_KS = (1, 3, 10)

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
    from ..autocomplete.sessions import SESSION

    if pairs and time_unit is not None:
        raise click.UsageError("--time-unit is for logs, but --pairs have no times")
    if pairs:
        data = read_pairs(log)
    else:
        rows = read_log(log, time_unit=time_unit or "s")
        data = session_pairs(
            rows, n_previous=max(completer.n_previous or 1, SESSION), session_gap=completer.session_gap
        )
    if not data.queries:
        raise ValueError(f"{log} holds no query")
    return data


def compare(completer: "Autocompleter", learned: "Pairs", held_out: "Pairs", data: str) -> "Record":
    """Evaluate a completer beside counting, and each kind of evidence, on a random prefix of every held-out query."""
    from ..autocomplete.quality import evaluate
    from ..storage import Record

    found = evaluate(completer, learned, held_out, random_state=completer.random_state + 1)
    every = [(f"{n}{'+' * (n == _SHOWN[-1])}", found.of_length(n, n == _SHOWN[-1])) for n in _SHOWN]
    every += [("<=3", found.typed <= 3), ("all", found.typed > 0)]
    by_length = {
        name: {column: found.mrr(name, cases) for column, cases in every if cases.any()}
        for name in found.places
    }
    kinds = {"known": found.known, "unknown": ~found.known}
    quality = {
        name: {f"in {k}": found.success(name, k) for k in _KS}
        | {"saved": found.saved(name)}
        | {kind: found.mrr(name, cases) for kind, cases in kinds.items() if cases.any()}
        | {"by user": found.mrr_of_users(name)}
        for name in found.places
    }
    gains = {
        label: dict(zip(("MRR", "at least", "at most"), found.gain(name, against), strict=True))
        for label, (name, against) in found.earned.items()
    }
    unknown = f", {(~found.known).mean():.0%} of queries that are unknown" if not found.known.all() else ""
    return Record(
        title="Evaluation",
        summary=f"{len(found):,} prefixes, a random one of each query{unknown}. Intervals of 95 %, users being drawn.",
        data=data,
        tables={
            "MRR by characters typed": by_length,
            "queries among the completions, characters saved, MRR by kind": quality,
            "what each earns": gains,
        },
    )
