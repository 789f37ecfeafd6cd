"""`arborank tune`."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .data import read_data
from .files import check_apart, check_destination, check_output, check_suffix, write_table, write_whole
from .layouts import Form, data_options
from .models import Data
from .numbers import Duration, Real, Size, Whole
from .options import DATA, FILE, directory_option, force_option, jobs_option, seed_option
from .reporting import say
from .streams import put
from .tables import show_table
from .trials import Board

if TYPE_CHECKING:
    from ..storage import Record
    from ..tune import RankerSearch

__all__ = ["tune"]


@click.command(short_help="Find good settings within some minutes, and train with them.")
@click.argument("data", type=DATA)
@directory_option
@click.option(
    "--minutes",
    type=Real(min=0, min_open=True),
    help="Time for everything, the final training included.  [10, unless --max-trials is given]",
)
@click.option(
    "--max-trials",
    "n_trials",
    type=Whole(min=1),
    help="Most settings to try.  [as many as there is time for]",
)
@click.option(
    "--metric", default="ndcg@5", show_default=True, help="What is to be high, such as precision@1 or psp@5."
)
@click.option("--validation", type=DATA, help="Labelled data to compare settings on.  [a part of DATA]")
@click.option("--validation-labels", type=FILE, help="Label matrix of --validation X.npz.")
@click.option(
    "--holdout",
    type=Real(0, 0.5, min_open=True),
    help="Compare settings on this share of DATA.  [a tenth; more of few rows]",
)
@click.option("--max-size", type=Size(), help="Most bytes of the model, as in 50MB.")
@click.option(
    "--max-query-time", type=Duration(), help="Most time of a query on one thread, as in 80us or 1ms."
)
@click.option("--accept", is_flag=True, help="Take the setting nearest to the limits if none is within them.")
@click.option(
    "--config-out", type=click.Path(dir_okay=False), help="Write the settings found, for train --config."
)
@click.option("--table", type=click.Path(dir_okay=False), help="Write every trial as CSV.")
@click.option(
    "--plot", type=click.Path(dir_okay=False), help="Draw quality against size and time (.svg, .png)."
)
@seed_option
@click.option(
    "--work-dir",
    type=click.Path(file_okay=False),
    help="Keep the trials here; the same command goes on from them.  [MODEL.tuning, removed at the end]",
)
@data_options
@jobs_option
@force_option
def tune(
    data: str,
    directory: str,
    minutes: float | None,
    n_trials: int | None,
    metric: str,
    validation: str | None,
    validation_labels: str | None,
    holdout: float | None,
    max_size: int | None,
    max_query_time: float | None,
    accept: bool,
    config_out: str | None,
    table: str | None,
    plot: str | None,
    random_state: int | None,
    work_dir: str | None,
    form: Form,
    jobs: int | None,
    force: bool,
) -> None:
    """Try settings on a part of DATA, and train with the best of them on all of it.

    Features, tree, costs, negatives, overlap and search are varied: many settings on samples of rows and labels, the
    best of these on more, until the time is over. The defaults are always tried: on the rows held out, the result is
    never worse. DATA are as for train.
    """
    if validation is not None and holdout is not None:
        raise click.UsageError("--validation and --holdout are two ways to compare settings; give one")
    if validation_labels is not None and validation is None:
        raise click.UsageError("--validation-labels goes with --validation X.npz")
    check_destination(directory, force)
    place = work_dir or f"{directory.rstrip('/')}.tuning"
    check_apart(place, directory)
    _check_outputs({"--config-out": config_out, "--table": table, "--plot": plot}, data, validation, form)
    from ..tune import RankerSearch
    from ..tune.options import TuneOptions

    if minutes is None and n_trials is None:
        minutes = TuneOptions.minutes
    limits: dict[str, Any] = {"max_size": max_size, "max_query_time": max_query_time, "accept": accept}
    board = Board(metric)
    search = RankerSearch(
        minutes=minutes,
        n_trials=n_trials,
        metric=metric,
        holdout=holdout,
        random_state=random_state or 0,
        n_jobs=jobs,
        callback=board.show,
        **limits,
    )
    TuneOptions.of(search)  # what is wrong is told before data are read
    train = _labelled(read_data(data, form), data)
    valid = None
    if validation is not None:
        valid = _labelled(read_data(validation, replace(form, label_matrix=validation_labels)), validation)
        if type(valid) is not type(train):
            raise click.UsageError("DATA and --validation must both be texts, or both be matrices")
    say(f"{len(train):,} rows")
    _search(search, train, valid, place)
    record = _record(search, Path(validation or data).name)
    search.best_ranker_.save(directory, records=[record])
    _write(search, config_out, table, plot)
    show_table(*next(iter(record.tables.items())))
    put(record.summary)
    if work_dir is None:
        shutil.rmtree(place)
    say(f"saved {directory}" + (f"; {work_dir} can be removed" if work_dir else ""))


def _search(search: "RankerSearch", train: Data, valid: Data | None, place: str) -> None:
    try:
        given = None if valid is None else _pair(valid)
        search.fit(
            *_pair(train),
            relevance=getattr(train, "relevance", None),
            sample_weight=getattr(train, "sample_weight", None),
            validation=given,
            work_dir=place,
        )
    except BaseException:
        if Path(place).exists():
            say(f"what was tried is in {place}; the same command goes on from there")
        raise


def _pair(data: Data) -> tuple[Any, Any]:
    from ..datasets import TextData

    return (data.texts, data.labels) if isinstance(data, TextData) else (data.X, data.Y)


def _labelled(data: Data, path: str) -> Data:
    if not data.has_labels:
        raise ValueError(f"{path} has no row with a label, to learn from")
    return data


def _check_outputs(outputs: dict[str, str | None], data: str, validation: str | None, form: Form) -> None:
    """Refuse files that cannot be written, before anything is tried."""
    for option, path in outputs.items():
        if path is None:
            continue
        if not Path(path).absolute().parent.is_dir():
            raise click.UsageError(f"{option} {path} cannot be written: its directory does not exist")
        check_output(option, path, data, validation, form.label_matrix)
        if option == "--plot":
            from ..core.figures import check_drawable

            check_drawable(path)
        else:
            check_suffix(option, path, ".csv" if option == "--table" else ".json")


def _record(search: "RankerSearch", data: str) -> "Record":
    """Return the frontier, the defaults and the setting that was chosen."""
    from ..storage import Record

    study, best = search.study_, search.study_.best()
    default = study.plain_default(study.top)
    of_trials = {one.trial.number: one for one in sorted(study.frontier(), key=lambda one: one.score)}
    others = [one for number, one in of_trials.items() if number not in (0, best.trial.number)]
    shown = [default, *others] if best.is_default else [default, *others, best]
    rows: dict[str, dict[str, str | int | float]] = {}
    for one in sorted(shown, key=lambda one: one.n_bytes):
        chosen = one.trial is best.trial and one.variant is best.variant
        rows[f"{one}{' (chosen)' if chosen else ''}"] = {
            "bytes": round(one.n_bytes),
            study.options.metric: one.score,
            "P@1": one.variant.quality["precision@1"],
            "P@5": one.variant.quality["precision@5"],
            "µs/query": f"{one.microseconds:.0f}",
        }
    tried = f"{len(study.trials)} settings tried in {study.seconds / 60:.1f} minutes"
    gain = f"{study.options.metric} {search.best_score_:.4f}, the defaults {search.default_score_:.4f}"
    return Record(
        title="Tuning", summary=f"{tried}: {gain}.", data=f"rows of {data}", tables={"setting": rows}
    )


def _write(search: "RankerSearch", config_out: str | None, table: str | None, plot: str | None) -> None:
    if config_out is not None:
        with write_whole(config_out) as file:
            file.write((json.dumps(search.best_config_, indent=2) + "\n").encode())
    if table is not None:
        write_table(table, search.trials_)
    if plot is not None:
        from ..core.figures import save_figure

        save_figure(search.study_.plot(), plot)
