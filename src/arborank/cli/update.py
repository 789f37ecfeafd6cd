"""`arborank update`."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ..core.errors import ArgumentError
from .data import read_data, read_label_texts, read_names
from .files import check_destination, is_text_model, open_ranker
from .layouts import layout_options
from .numbers import Real
from .options import (
    force_option,
    jobs_option,
    labels_option,
    missing_option,
    model_argument,
    set_jobs,
    xmc_option,
)
from .reporting import say

if TYPE_CHECKING:
    from ..core.checks import Missing
    from ..datasets import Layout, MatrixData, TextData

__all__ = ["named", "save_changed", "update"]

_FILE = click.Path(exists=True, dir_okay=False)


@click.command(short_help="Add, refresh and remove labels of a model without training the rest anew.")
@model_argument
@click.option(
    "--data", type=_FILE, help="Recent labelled data: with the labels in question, and with others."
)
@click.option(
    "--add", is_flag=True, help="Add the labels of DATA (and --label-texts) that MODEL does not know."
)
@click.option("--refresh", type=_FILE, help="Forget these labels, a line each, and learn them from DATA.")
@click.option("--remove", type=_FILE, help="Remove these labels, a line each.")
@missing_option
@click.option("--label-texts", type=_FILE, help="Texts about labels, each labelled with the one it is about.")
@click.option(
    "--negative-share",
    type=Real(0, 1, min_open=True),
    help="Share of the texts without the labels in question that DATA holds.  [1]",
)
@click.option("--out", "-o", "directory", type=click.Path(), help="Save here, and leave MODEL as it is.")
@labels_option
@xmc_option
@layout_options
@jobs_option
@force_option
def update(
    model: str,
    data: str | None,
    add: bool,
    refresh: str | None,
    remove: str | None,
    missing: "Missing",
    label_texts: str | None,
    negative_share: float | None,
    directory: str | None,
    label_matrix: str | None,
    xmc: bool,
    layout: "Layout",
    jobs: int | None,
    force: bool,
) -> None:
    """Change the labels of MODEL: first --remove, then --refresh, then --add, but for what --remove names.

    DATA has the form that MODEL was trained on. Labels of a model of matrices are numbers; those beyond the last it
    knows are new. The result takes MODEL's place in one step: an update that fails or is stopped, at whatever moment,
    leaves the old model, and who has opened it goes on with it. With --missing ignore the same command may be given
    twice.
    """
    learns = add or refresh is not None
    if not learns and remove is None:
        raise click.UsageError("nothing to do: give --add, --refresh or --remove")
    if learns and data is None:
        raise click.UsageError("--add and --refresh need --data DATA, to learn from")
    of_learning = {
        "data": data,
        "labels": label_matrix,
        "xmc": xmc or None,
        "label-texts": label_texts,
        "negative-share": negative_share,
    } | {name.replace("_", "-"): value for name, value in layout.given().items()}
    for name, value in of_learning.items():
        if value is not None and not learns:
            raise click.UsageError(f"--{name} goes with --add or --refresh")
    if directory is not None:
        check_destination(directory, force)
    ranker = open_ranker(model)
    set_jobs(ranker, jobs)
    log = None if data is None else read_data(data, label_matrix, xmc, layout)
    if log is not None and is_text_model(ranker) == hasattr(log, "Y"):
        wanted = "texts with label names" if is_text_model(ranker) else "matrices"
        raise click.UsageError(f"{model} was trained on {wanted}; --data {data} is something else")
    options = {} if negative_share is None else {"negative_share": negative_share}
    change = _change_of(ranker, log, label_texts, layout)
    done = []
    gone = [] if remove is None else read_names(remove)
    if remove is not None:
        with named(f"--remove {remove}"):
            done.append(f"{change.remove(gone, missing):,} removed")
    if refresh is not None:
        with named(f"--refresh {refresh}"):
            done.append(f"{change.refresh(read_names(refresh), options):,} refreshed")
    if add:
        with named("--add"):
            done.append(f"{change.add(options, set(gone), missing):,} added")
    summary = f"labels: {', '.join(done)}"
    if directory is None and change.ranker is ranker:
        say(f"{summary}; {model} is as it was")
        return
    save_changed(change.ranker, directory or model, model, f"{summary.capitalize()}.")
    say(f"{summary}; saved {directory or model}")


def save_changed(model: Any, directory: str, made_from: str, summary: str) -> None:
    """Save an updated model, with what was known of it before."""
    from ..storage import Record, save

    save(model, directory, records=[Record(title="Last update", summary=summary)], made_from=made_from)


@contextmanager
def named(option: str) -> Iterator[None]:
    """Let errors about what came from the file of an option name it, and not the argument that it became."""
    try:
        yield
    except ArgumentError as error:
        name = {"X": "--data", "Y": "--data"} | dict.fromkeys(
            ("names", "labels", "queries", "refresh"), option
        )
        if error.argument not in name:
            raise
        raise ArgumentError(name[error.argument], error.problem, *error.remedies) from error


class _Names:
    """A model of texts while its labels change."""

    def __init__(self, ranker: Any, log: "TextData | None", about: dict[str, str]) -> None:
        from ..core.label_lists import name_rows
        from ..text.names import by_name

        self.ranker, self._log = ranker, log
        self._about = by_name("--label-texts", about, ranker.normalization)
        self._rows = [] if log is None else name_rows(log.labels, ranker.normalization, "--data")
        self._known = set(ranker.labels_)

    def remove(self, names: list[str], missing: "Missing") -> int:
        changed = self.ranker.remove_labels(names, missing=missing)
        n_removed = len(self.ranker.labels_) - len(changed.labels_)
        self.ranker = changed if n_removed else self.ranker
        return n_removed

    def refresh(self, names: list[str], options: dict[str, Any]) -> int:
        self._learn("refresh_labels", names, options)
        return len(names)

    def add(self, options: dict[str, Any], gone: set[str], missing: "Missing") -> int:
        assert self._log is not None
        gone = self._spelt(gone)
        found = [name for row in (*self._rows, self._about) for name in row]
        new = [name for name in dict.fromkeys(found) if name not in self._known and name not in gone]
        if not new:
            if missing == "ignore":
                return 0
            raise ValueError("--data has no label that the model does not know; there is nothing to add")
        self._learn("add_labels", new, options)
        return len(new)

    def _learn(self, method: str, names: list[str], options: dict[str, Any]) -> None:
        assert self._log is not None
        chosen, left = self._spelt(names), set(self.ranker.labels_)
        rows = [[name for name in row if name in chosen or name in left] for row in self._rows]
        about = {name: text for name, text in self._about.items() if name in chosen or name in left}
        change = getattr(self.ranker, method)
        self.ranker = change(names, self._log.texts, rows, label_texts=about or None, **options)

    def _spelt(self, names: Iterable[str]) -> set[str]:
        from ..core.spelling import spell

        return {spell(name, self.ranker.normalization) for name in names}


class _Ids:
    """A model of matrices while its labels change."""

    def __init__(self, model: Any, log: "MatrixData | None") -> None:
        if not hasattr(model, "add_labels"):
            raise TypeError(f"{type(model).__name__} has no add_labels; its labels cannot be changed")
        self.ranker, self._log = model, log

    def remove(self, ids: list[str], missing: "Missing") -> int:
        changed = self.ranker.remove_labels(_numbers(ids), missing=missing)
        n_removed = len(set(self.ranker.tree_.labels.tolist())) - len(set(changed.tree_.labels.tolist()))
        self.ranker = changed if n_removed else self.ranker
        return n_removed

    def refresh(self, ids: list[str], options: dict[str, Any]) -> int:
        assert self._log is not None
        numbers = _numbers(ids)
        width = max(self._log.Y.shape[1], self.ranker.n_labels_)
        if max(numbers) >= width:
            raise ValueError(
                f"--refresh names label {max(numbers)}, but the model has {self.ranker.n_labels_}"
            )
        Y = self._log.Y.copy()
        Y.resize(Y.shape[0], width)
        _check_filled(Y[:, numbers], numbers)
        self.ranker = self.ranker.refresh_labels(numbers, self._log.X, Y[:, numbers], **options)
        return len(ids)

    def add(self, options: dict[str, Any], gone: set[str], missing: "Missing") -> int:
        assert self._log is not None
        n_known, width = self.ranker.n_labels_, self._log.Y.shape[1]
        if width <= n_known:
            if missing == "ignore":
                return 0
            raise ValueError(f"--data has {width} labels and the model {n_known}; there is nothing to add")
        Y = self._log.Y[:, n_known:]
        _check_filled(Y, range(n_known, width))
        self.ranker = self.ranker.add_labels(self._log.X, Y, **options)
        return int(width - n_known)


def _check_filled(Y: Any, labels: Sequence[int]) -> None:
    """Refuse labels without an instance, by the numbers that the user gave them."""
    empty = [label for label, n in zip(labels, Y.sum(axis=0).tolist(), strict=True) if n == 0]
    if empty:
        raise ValueError(
            f"--data has no row with label {empty[0]}{f' and {len(empty) - 1} more' * (len(empty) > 1)}"
        )


def _change_of(ranker: Any, log: Any, label_texts: str | None, layout: "Layout") -> _Names | _Ids:
    if is_text_model(ranker):
        return _Names(ranker, log, read_label_texts(label_texts, layout))
    if label_texts is not None:
        raise click.UsageError("--label-texts goes with models of texts")
    return _Ids(ranker, log)


def _numbers(lines: list[str]) -> list[int]:
    for line in lines:
        if not line.strip().isdecimal():
            raise ValueError(f"{line!r} is no label id; the labels of a model of matrices are numbers")
    return [int(line) for line in lines]
