"""`arborank train-completer`."""

import itertools
import time
from typing import TYPE_CHECKING, Any

import click

from .completions import compare, pairs_option, read_queries, time_unit_option
from .files import check_destination
from .holdout import held_out, holdout_name, holdout_option
from .numbers import POSITIVE, Real, Whole
from .options import FILE, directory_option, force_option, jobs_option, seed_option
from .reporting import say, show_log
from .shards import Shards, engine_options, train_completer_shards
from .tables import show_table

if TYPE_CHECKING:
    from ..autocomplete import Autocompleter, Pairs
    from ..autocomplete.times import TimeUnit

__all__ = ["train_completer"]


@click.command("train-completer", short_help="Train session-aware query autocompletion on a query log.")
@click.argument("log", type=FILE, required=False)
@directory_option
@pairs_option
@click.option("--counts", is_flag=True, help="Lines are a query and how often it was sent, not a log.")
@click.option(
    "--index", type=click.Choice(["hybrid", "trie", "mustlink", "kmeans"]), help="The label tree.  [hybrid]"
)
@click.option("--depth", type=POSITIVE, help="Levels of characters in the tree.  [by index]")
@click.option("--n-previous", type=POSITIVE, help="Previous queries that count.  [1, or 5 if better]")
@click.option("--decay", type=Real(0, 1, min_open=True), help="Weight of each against the next.  [0.7]")
@click.option("--session-gap", type=Real(0, min_open=True), help="Seconds that end a session.  [1800]")
@time_unit_option
@click.option("--min-count", type=POSITIVE, help="Queries sent less often are never suggested.  [1]")
@click.option("--min-users", type=POSITIVE, help="Nor are those of fewer sessions or users.  [1]")
@click.option("--blocklist", type=FILE, help="Words and phrases, one per line, that are never suggested.")
@click.option(
    "--fold",
    multiple=True,
    type=click.Choice(["accents", "letters", "hangul"]),
    help="A difference between prefix and query that does not count: accents; İ ı i, ß ss, ligatures, width; "
    "unfinished Hangul. May be repeated.",
)
@click.option(
    "--infix", is_flag=True, default=None, help="Let a prefix begin any word of a query, not only the first."
)
@click.option("--typos", type=Whole(1, 2), help="Typos that complete --tolerant forgives.  [1]")
@holdout_option("the log, its latest part, or of the pairs")
@engine_options
@click.option("--work-dir", type=click.Path(file_okay=False), help="Where --shards keep what was done.")
@click.option(
    "--counts-only", is_flag=True, help="Learn from --shards nothing but how often queries were sent."
)
@seed_option
@jobs_option
@force_option
def train_completer(
    log: str | None,
    directory: str,
    pairs: bool,
    counts: bool,
    time_unit: "TimeUnit | None",
    blocklist: str | None,
    holdout: float | None,
    shards: Shards,
    work_dir: str | None,
    counts_only: bool,
    jobs: int | None,
    force: bool,
    **options: Any,
) -> None:
    """Train on LOG and save the completer.

    A line of LOG is session, time and query with tabs between, and the user behind them where that is known, or a JSON
    object with these keys (.jsonl). A time is a number (see --time-unit) or an ISO 8601 date. With --pairs a line is
    any number of previous queries and the query that followed, with tabs between, or {"previous": [...], "query":
    "..."}. With --counts it is a query and a number, or {"query": "...", "count": 3}. With --shards in place of LOG,
    each with all that its users sent, files are read part by part.
    """
    check_destination(directory, force)
    show_log()
    from ..autocomplete import Autocompleter
    from ..datasets.lines import read_lines

    given = {name: value for name, value in options.items() if value not in (None, ())}
    completer = Autocompleter(n_jobs=jobs, verbose=1, **given)
    if blocklist is not None:
        completer.set_params(blocklist=[line for _, line in read_lines(blocklist) if line.strip()])
    if shards.patterns:
        given = {"LOG": log, "--pairs": pairs or None, "--counts": counts or None, "--holdout": holdout}
        name = next((name for name, value in given.items() if value is not None), None)
        if name is not None:
            raise click.UsageError(f"{name} does not go with --shards")
        return train_completer_shards(shards, completer, directory, work_dir, time_unit or "s", counts_only)
    if work_dir is not None or counts_only:
        raise click.UsageError(f"{'--work-dir' if work_dir else '--counts-only'} goes with --shards")
    if log is None:
        raise click.UsageError("Missing argument 'LOG', or --shards")
    if counts:
        if pairs or time_unit is not None or holdout is not None:
            raise click.UsageError("--counts are no log: leave --pairs, --time-unit and --holdout out")
        return _of_counts(completer, log, directory)
    data = read_queries(log, pairs, time_unit, completer)
    say(f"queries sent: {len(data.queries):,}")
    train_data, test_data = (data, None) if holdout is None else _split(data, holdout, completer.random_state)
    start = time.perf_counter()
    completer.fit_pairs(
        train_data.previous, train_data.queries, users=train_data.users, times=train_data.times
    )
    say(f"trained {len(completer.catalogue_):,} different queries in {time.perf_counter() - start:.1f} s")
    records = []
    if test_data is not None:
        records = [compare(completer, train_data, test_data, holdout_name(holdout, log))]
    completer.save(directory, records=records)
    for record in records:
        for title, table in record.tables.items():
            show_table(title, table)
    say(f"saved {directory}")


def _split(data: "Pairs", share: float, seed: int) -> "tuple[Pairs, Pairs]":
    """Hold out the latest part of a log, or some users; where neither is known, some pairs."""
    from ..autocomplete.replay import latest

    if data.times is not None:
        return latest(data, share)
    units = data.users if data.users is not None else range(len(data.queries))
    different = list(dict.fromkeys(units))
    out = set(itertools.compress(different, held_out(len(different), share, seed)))
    chosen = [unit in out for unit in units]
    kept, test = (data.selected(i for i, c in enumerate(chosen) if c is held) for held in (False, True))
    return kept, test


def _of_counts(completer: "Autocompleter", counts: str, directory: str) -> None:
    from ..autocomplete import read_counts

    start = time.perf_counter()
    completer.fit_counts(read_counts(counts))
    say(f"trained {len(completer.catalogue_):,} different queries in {time.perf_counter() - start:.1f} s")
    completer.save(directory)
    say(f"saved {directory}")
