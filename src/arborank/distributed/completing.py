"""`fit_completer`: shards of a query log in, a saved `Autocompleter` out."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from ..autocomplete import Autocompleter
from ..autocomplete.options import CompleterOptions
from ..autocomplete.sessions import SESSION
from ..autocomplete.times import TimeUnit, check_unit
from ..core.checks import check_flag
from ..core.estimator import clone, fitted_clone
from ..core.types import FilePath, Json
from ..storage import load
from .driving import Stages
from .executors import Executor, executor_of
from .pieces import unpacked
from .run import StageError
from .shards import check_installed, find_shards
from .stages.features import cut_terms
from .stages.logs import pairs_from
from .work import Done, Work

__all__ = ["fit_completer"]

_QUERIES = 8_000_000  # of a range
_NEVER = float(2**62)


def fit_completer(
    shards: FilePath | Sequence[FilePath],
    out: FilePath,
    *,
    work_dir: FilePath,
    completer: Autocompleter | None = None,
    time_unit: TimeUnit = "s",
    counts_only: bool = False,
    executor: Literal["local", "ray"] | Executor = "local",
    workers: int | None = None,
) -> Autocompleter:
    """Train an `Autocompleter` on shards of a query log, and save it.

    All that a user sent must be in one shard. Files are read, and sessions made of them, part by part; what learns from
    the pairs is one process, with all of them in memory. With ``counts_only`` nothing is learned but how often queries
    were sent, and memory holds only the different queries that are frequent enough.

    The completer is that of ``completer.fit`` on the rows of all shards in their order, to the byte; with
    ``counts_only``, that of ``completer.fit_counts`` on how often the queries of all sessions were sent, except that
    ``min_users`` counts, too.

    Parameters
    ----------
    shards : path, pattern, or a list of these
        Files as `arborank.autocomplete.read_log` reads.
    out : path
        The directory of the completer.
    work_dir : path
        As for `fit`.
    completer : Autocompleter, optional
        What is trained; by default ``Autocompleter()``.
    time_unit : {"s", "ms", "us", "ns"}, default="s"
        What numbers of the log's times count.
    counts_only : bool, default=False
        Whether contexts are left aside.
    executor, workers
        As for `fit`.

    Returns
    -------
    Autocompleter
        The saved completer, opened.

    Raises
    ------
    FileNotFoundError
        If there is no shard.
    TypeError, ValueError
        If an argument or a parameter is of another kind, or no query is left.
    StageError
        If a shard cannot be read, or has a user of another one; the message names it, and the line.
    BlockingIOError
        If another process works in the directory.
    ImportError
        If pyarrow, or what the executor needs, is not installed.
    """
    completer = Autocompleter() if completer is None else completer
    options = CompleterOptions.of(completer)
    check_unit(time_unit)
    check_flag("counts_only", counts_only)
    check_installed()
    found = find_shards(shards, None)
    work = Work(work_dir)
    told: Json = {"time_unit": time_unit, "session_gap": options.session_gap}
    told["n_previous"] = max(options.n_previous or 1, SESSION)
    with work.held(), executor_of(executor, workers) as chosen:
        stages = Stages(work, chosen, bool(completer.verbose))
        done = stages.run("pairs", [{**shard, **told} for shard in found])
        _check_users(work, [shard["shard"] for shard in found], done)
        files = [one.file for one in done]
        if counts_only:
            trained = _of_counts(completer, options, _counted(work, stages, files, options))
        else:
            pairs = pairs_from(work, files)
            trained = clone(completer).fit_pairs(
                pairs.previous, pairs.queries, users=pairs.users, times=pairs.times
            )
        trained.save(out)
    loaded: Autocompleter = load(out)
    return loaded


def _check_users(work: Work, shards: list[str], done: list[Done]) -> None:
    """Refuse logs in which a user is in two shards, where sessions would be cut and the user would count twice."""
    seen: dict[int, int] = {}
    for number, one in enumerate(done):
        for user in unpacked(work.arrays(one.file), "user"):
            other = seen.setdefault(hash(user), number)
            if other != number and user in unpacked(work.arrays(done[other].file), "user"):
                problem = f"{shards[number]} has the user or session {user!r}, as {shards[other]} has"
                raise StageError("pairs", f"{problem}; all that a user sent must be in one shard")


def _counted(work: Work, stages: Stages, files: list[str], options: CompleterOptions) -> Counter[str]:
    """Return how often queries were sent that were sent often enough, by enough users."""
    counts = stages.run("queries", [{"pairs": file} for file in files])
    counted = [one.file for one in counts]
    n_ranges = max(-(-sum(one.facts["terms"] for one in counts) // _QUERIES), 1)
    cuts = {bytes.fromhex(cut).partition(b"\0")[0].hex() for cut in cut_terms(work, counted, 0, n_ranges)}
    bounds: list[str | None] = [None, *sorted(cuts), None]  # between queries, not between spellings
    asked = [
        {"counts": counted, "part": 0, "range": list(pair), "limits": [0.0, _NEVER]}
        for pair in pairwise(bounds)
    ]
    found: Counter[str] = Counter()
    for one in stages.run("vocabulary", asked):
        arrays = work.arrays(one.file)
        spellings: dict[str, list[tuple[str, int, int]]] = {}
        terms = unpacked({"term_bytes": arrays["terms"], "term_offsets": arrays["offsets"]}, "term")
        told = zip(terms, arrays["tf"].tolist(), arrays["df"].tolist(), strict=True)
        for term, count, users in told:
            key, _, query = term.partition("\0")
            spellings.setdefault(key, []).append((query, count, users))
        for every in spellings.values():
            if (
                sum(count for _, count, _ in every) >= options.min_count
                and sum(users for _, _, users in every) >= options.min_users
            ):
                found.update({query: count for query, count, _ in every})
    return found


def _of_counts(completer: Autocompleter, options: CompleterOptions, counts: Counter[str]) -> Autocompleter:
    if not counts:
        raise ValueError(f"no query is left: min_count={options.min_count}, min_users={options.min_users}")
    counting = clone(completer).set_params(min_users=1)  # which counts for all shards, and has counted
    return fitted_clone(clone(completer), fitted_=counting.fit_counts(counts).fitted_)
