"""`arborank compress`."""

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .data import read_data
from .facts import inner_of, tree_of, with_inner
from .files import check_destination, check_output, check_suffix, write_table
from .layouts import Form, data_options, option_name
from .models import Data, Ranker, as_ranker, open_model
from .numbers import POSITIVE, Real, Several, Size
from .options import DATA, force_option, jobs_option, k_option, model_argument
from .reporting import say
from .tables import show_table

if TYPE_CHECKING:
    from ..analysis.compression import Frontier, Setting, Trial
    from ..linear import XRLinear
    from ..storage import Record
    from ..storage.records import Table

__all__ = ["compress"]

_USUAL: dict[str, tuple[Any, ...]] = {
    "threshold": (0.0, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5),
    "max_nonzeros": (None,),
    "precision": ("float32", "int8"),
}
_MAX_LOSS = 0.003


@click.command(short_help="Make a model smaller and faster, knowing what it costs.")
@model_argument
@click.option("--out", "-o", "directory", required=True, type=click.Path(), help="Directory for the result.")
@click.option("--validation", type=DATA, help="Labelled data to try settings on.")
@click.option("--threshold", type=Several(Real(min=0)), help="Drop smaller weights; a value or a list.")
@click.option("--max-nonzeros", type=Several(POSITIVE), help="Weights kept per ranker; a value or a list.")
@click.option(
    "--weights",
    "precision",
    type=Several(click.Choice(["float32", "float16", "int8"])),
    help="float32, float16, int8; one or a list.",
)
@click.option("--beam-size", type=Several(POSITIVE), help="Nodes kept on a level; a value or a list.")
@click.option("--target-size", type=Size(), help="Most bytes, as in 50MB: the best recall that fits.")
@click.option("--min-recall", type=Real(0, 1), help="Least recall@k: the smallest that has it.")
@click.option(
    "--max-loss",
    type=Real(0, 1),
    help="Most recall@k lost against MODEL: the smallest within it.  [0.003, if nothing else is asked]",
)
@click.option("--table", type=click.Path(dir_okay=False), help="Write every trial as CSV.")
@click.option("--plot", type=click.Path(dir_okay=False), help="Draw recall against size (.svg, .png).")
@k_option
@data_options
@jobs_option
@force_option
def compress(
    model: str,
    directory: str,
    validation: str | None,
    target_size: int | None,
    min_recall: float | None,
    max_loss: float | None,
    table: str | None,
    plot: str | None,
    k: int,
    form: Form,
    jobs: int | None,
    force: bool,
    **axes: tuple[float, ...] | None,
) -> None:
    """Prune MODEL, lower the precision of its weights, narrow its beam, and save the result.

    With --validation every combination of the settings given (or of usual ones) is tried, and the best is taken: the
    smallest that loses at most --max-loss of recall or keeps --min-recall, or the best that fits --target-size. Without
    it, one value of each setting is applied as it is.
    """
    if sum(goal is not None for goal in (target_size, min_recall, max_loss)) > 1:
        raise click.UsageError("--target-size, --min-recall and --max-loss are three goals; give one")
    check_destination(directory, force)
    if table is not None and not Path(table).absolute().parent.is_dir():
        raise click.UsageError(f"--table {table} cannot be written: its directory does not exist")
    for option, path in (("--table", table), ("--plot", plot)):
        if path is not None:
            check_output(option, path, validation, form.label_matrix, model)
    if table is not None:
        check_suffix("--table", table, ".csv")
    if plot is not None:
        from ..core.figures import check_drawable

        check_drawable(plot)
    given = {name: values for name, values in axes.items() if values is not None}
    if validation is None:
        goals = {"target_size": target_size, "min_recall": min_recall, "max_loss": max_loss}
        for name, value in (goals | {"table": table, "plot": plot} | form.given()).items():
            if value is not None:
                raise click.UsageError(f"{option_name(name)} needs --validation DATA, to try settings on")
    opened = open_model(model, jobs)
    inner = _linear(opened, model)
    records: list[Record] = []
    trials: Frontier | None = None
    best: Trial | None = None
    if validation is None:
        chosen = _single(inner, given)
    else:
        ranker = as_ranker(opened, model)
        data = ranker.own(read_data(validation, form), "the validation data")
        trials = _trials(ranker, inner, data, given, k)
        best = _best(trials, target_size, min_recall, max_loss)
        chosen = best.setting
        records = [_record(trials, best, k, Path(validation).name)]
    from ..analysis.compression import compress as apply
    from ..storage import save

    small = with_inner(opened, apply(inner, chosen))
    save(small, directory, records=records, made_from=model, change="compression")
    if best is not None and trials is not None:
        show_table(*next(iter(records[0].tables.items())))
        _write(trials, best, table, plot)
    say(f"saved {directory}: {chosen}")


def _linear(model: Any, path: str) -> "XRLinear":
    inner, tree = inner_of(model), tree_of(model)
    if tree is None or tree is not inner:  # none, or one on embeddings
        raise ValueError(f"{path} holds a model of kind {type(inner).__name__}; compress takes XRLinear")
    return tree


def _single(model: "XRLinear", given: dict[str, tuple[Any, ...]]) -> "Setting":
    """Return the one setting that is given, the model's own where nothing is."""
    from ..analysis.compression import own_setting

    if not given:
        raise click.UsageError("nothing to do: give --validation DATA, or settings such as --weights int8")
    for values in given.values():
        if len(values) > 1:
            raise click.UsageError(
                f"of the values {', '.join(map(str, values))} --validation DATA chooses one"
            )
    return replace(own_setting(model), **{name: values[0] for name, values in given.items()})


def _trials(
    ranker: Ranker, model: "XRLinear", data: Data, given: dict[str, tuple[Any, ...]], k: int
) -> "Frontier":
    """Try the settings; the model as it is comes first."""
    from itertools import product

    from ..analysis.compression import Setting, model_bytes, own_setting, sweep
    from ..core.progress import progress_bar

    X, Y = ranker.matrices(data)
    own = own_setting(model)
    axes = _USUAL | {"beam_size": tuple(sorted({5, 10, 20, own.beam_size}))} | given
    names = [field.name for field in fields(Setting)]
    settings = [own, *(Setting(*values) for values in product(*(axes[name] for name in names)))]
    fixed = model_bytes(ranker.estimator) - model_bytes(model)
    with progress_bar("trying settings", len(settings), enabled=True, unit="settings") as progress:
        return sweep(model, X, Y, settings, k=k, fixed_bytes=fixed, progress=progress)


def _best(
    trials: "list[Trial]", target_size: int | None, min_recall: float | None, max_loss: float | None
) -> "Trial":
    from ..analysis.compression import choose

    if not trials[0].recall:
        raise ValueError(
            "no label of --validation is among the best of MODEL, for any row: a setting cannot be chosen by it"
        )
    if target_size is None and min_recall is None:
        min_recall = trials[0].recall - (_MAX_LOSS if max_loss is None else max_loss)
    return choose(trials, target_size=target_size, min_recall=min_recall)


def _record(trials: "list[Trial]", chosen: "Trial", k: int, data: str) -> "Record":
    """Return the frontier, the model as it was first."""
    from ..storage import Record

    efficient = [t for t in trials[1:] if t.efficient or t is chosen]
    table: Table = {
        f"{t.setting}{' (as it was)' if t is trials[0] else ' (chosen)' if t is chosen else ''}": {
            "bytes": t.n_bytes,
            f"recall@{k}": t.recall,
            "µs/query": f"{t.microseconds:.1f}",
        }
        for t in (trials[0], *sorted(efficient, key=lambda t: t.n_bytes))
    }
    tried = f"{len(trials) - 1} settings tried; those that no other beats in size, recall and time"
    return Record(title="Compression", summary=f"{tried}:", data=data, tables={"setting": table})


def _write(trials: "Frontier", best: "Trial", table: str | None, plot: str | None) -> None:
    if table is not None:
        write_table(table, [trial.to_dict() for trial in trials])
    if plot is not None:
        from ..core.figures import save_figure

        save_figure(trials.plot(best), plot)
