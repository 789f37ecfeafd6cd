"""Training and scoring from many files: options that say where they are and who works, and what is done then."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from .numbers import POSITIVE, Real
from .reporting import say
from .streams import put
from .tables import evaluation

if TYPE_CHECKING:
    from ..autocomplete import Autocompleter
    from ..autocomplete.times import TimeUnit
    from ..datasets import Layout
    from ..text import TextRanker

__all__ = [
    "Shards",
    "engine_options",
    "score_shards",
    "shard_options",
    "train_completer_shards",
    "train_shards",
]

_SHARDS = click.option(
    "--shards",
    "patterns",
    multiple=True,
    metavar="PATTERN",
    help="Files of texts, such as 'train/*.parquet' or s3://bucket/train/*.parquet; may be given several times.",
)
_ENGINE = (
    click.option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        help="Who works on --shards: processes of this machine, or a Ray cluster.  [local]",
    ),
    click.option("--workers", type=POSITIVE, help="Processes of --engine local.  [one per core]"),
)
_TRAINING = (
    click.option(
        "--memory", type=Real(min=0, min_open=True), help="GiB that the rows of one task may take.  [1]"
    ),
    click.option(
        "--skip-bad", is_flag=True, help="Leave out rows of --shards that cannot be read, and count them."
    ),
    click.option("--dry-run", is_flag=True, help="Tell what training from --shards will take, and stop."),
)


@dataclass(frozen=True)
class Shards:
    """Which files, and who works on them."""

    patterns: tuple[str, ...]
    engine: Literal["local", "ray"] | None
    workers: int | None
    memory: float | None = None
    skip_bad: bool = False
    dry_run: bool = False

    def check(self) -> None:
        """Raise a usage error for options that go with ``--shards`` alone."""
        given = {
            "--engine": self.engine,
            "--workers": self.workers,
            "--memory": self.memory,
            "--skip-bad": self.skip_bad or None,
            "--dry-run": self.dry_run or None,
        }
        name = next((name for name, value in given.items() if value is not None), None)
        if name is not None and not self.patterns:
            raise click.UsageError(f"{name} goes with --shards")


def _with(names: tuple[str, ...], options: tuple[Any, ...]) -> Callable[..., Any]:
    def decorate(command: Callable[..., object]) -> Callable[..., object]:
        @wraps(command)
        def with_shards(*args: Any, **given: Any) -> Any:
            shards = Shards(**{name: given.pop(name) for name in names})
            shards.check()
            return command(*args, shards=shards, **given)

        for option in reversed(options):
            with_shards = option(with_shards)
        return with_shards

    return decorate


engine_options = _with(("patterns", "engine", "workers"), (_SHARDS, *_ENGINE))
"""Give a command the options of ``--shards``, which it gets as ``shards``."""

shard_options = _with(
    ("patterns", "engine", "workers", "memory", "skip_bad", "dry_run"), (_SHARDS, *_ENGINE, *_TRAINING)
)
"""The same, with those of a training."""


def train_shards(
    shards: Shards,
    ranker: "TextRanker",
    directory: str,
    work_dir: str | None,
    layout: "Layout",
    test: str | None,
    ks: tuple[int, ...],
) -> None:
    """Tell what a training from shards will take; unless that is all, train, save and evaluate the model."""
    from ..distributed import evaluate, fit, plan
    from ..distributed.shards import find_shards

    memory = round((shards.memory or 1.0) * 2**30)
    put(str(plan(shards.patterns, ranker=ranker, layout=layout, memory=memory)))
    if shards.dry_run:
        return
    work_dir = _needed(work_dir)
    if test is not None:
        find_shards(test)  # an error now if there is none
    who: dict[str, Any] = {"executor": shards.engine or "local", "workers": shards.workers}
    trained = fit(
        shards.patterns,
        directory,
        work_dir=work_dir,
        ranker=ranker,
        layout=layout,
        memory=memory,
        skip_bad=shards.skip_bad,
        **who,
    )
    say(f"trained {len(trained.labels_):,} labels on {trained.model_.n_features_in_:,} features")
    if test is not None:
        from ..storage import add_records

        report = evaluate(test, directory, work_dir=work_dir, ks=ks, layout=layout, **who)
        add_records(directory, [evaluation(report, Path(test).name)])
        put(str(report))
    say(f"saved {directory}; {work_dir} can be removed")


def train_completer_shards(
    shards: Shards,
    completer: "Autocompleter",
    directory: str,
    work_dir: str | None,
    time_unit: "TimeUnit",
    counts_only: bool,
) -> None:
    """Train a completer from shards of a log, and save it."""
    from ..distributed import fit_completer

    work_dir = _needed(work_dir)
    trained = fit_completer(
        shards.patterns,
        directory,
        work_dir=work_dir,
        completer=completer,
        time_unit=time_unit,
        counts_only=counts_only,
        executor=shards.engine or "local",
        workers=shards.workers,
    )
    say(f"trained {len(trained.catalogue_):,} different queries")
    say(f"saved {directory}; {work_dir} can be removed")


def _needed(work_dir: str | None) -> str:
    if work_dir is None:
        raise click.UsageError("--shards need --work-dir, a directory that all workers see")
    return work_dir


def score_shards(shards: Shards, model: str, output: str, k: int, layout: "Layout", with_text: bool) -> None:
    """Write a Parquet file of answers for every shard."""
    from ..distributed import score

    if output == "-":
        raise click.UsageError("--shards need --output, a directory for a Parquet file of answers for each")
    files = score(
        shards.patterns,
        model,
        output,
        k=k,
        layout=layout,
        keep_text=with_text,
        executor=shards.engine or "local",
        workers=shards.workers,
    )
    say(f"wrote {len(files)} files into {output}")
