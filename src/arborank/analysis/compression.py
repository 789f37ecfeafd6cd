"""Smaller and faster models: what pruning, low precision and a narrow beam cost, and the best choice among them.

The study of Chang et al. (KDD 2021, section 4): weights below a threshold are dropped from a trained model, the beam is
narrowed, and recall, latency and size are looked at together.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.estimator import check_fitted, fitted_clone
from ..core.figures import Cells, Tabled, new_figure, per_cent
from ..core.options import Options, integer, one_of, option, optional, real
from ..core.sparse import Csr, as_csr, to_scipy
from ..core.state import Savable
from ..core.threads import n_threads
from ..core.types import Json, MatrixLike, Targets
from ..linear import XRLinear
from ..linear.defaults import search_of
from ..linear.fitted import FittedTree
from ..matching.options import SearchOptions
from ..metrics import recall_at_k
from ..ranking.weights import PRECISIONS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Frontier", "Setting", "Trial", "choose", "compress", "model_bytes", "own_setting", "sweep"]

_TIMED_ROWS = 1000


@dataclass(frozen=True, order=True)
class Setting(Options):
    """One way to compress a model.

    Attributes
    ----------
    threshold : float, default=0.0
        Weights smaller than this in absolute value are dropped; 0 drops none.
    max_nonzeros : int or None, default=None
        Largest weights kept per ranker; None keeps all.
    precision : {"float32", "float16", "int8"}, default="float32"
        How a weight is stored.
    beam_size : int, default=10
        Nodes kept on every level of the search.

    Raises
    ------
    TypeError, ValueError
        If one is of the wrong kind or out of range.
    """

    threshold: float = option(0.0, real(least=0.0))
    max_nonzeros: int | None = option(None, optional(integer(0, 2**31 - 1)))
    precision: str = option("float32", one_of(PRECISIONS))
    beam_size: int = option(SearchOptions.beam_size, integer(1))

    def __str__(self) -> str:
        kept = "" if self.max_nonzeros is None else f", {self.max_nonzeros} a ranker"
        return f"threshold {self.threshold:g}{kept}, {self.precision}, beam {self.beam_size}"


@dataclass(frozen=True)
class Trial:
    """What a setting gives on validation data.

    Attributes
    ----------
    setting : Setting
    n_bytes : int
        Size of the model's arrays, those of features and label names included.
    recall : float
        Recall@k, from 0 to 1.
    microseconds : float
        Median time of one query on one thread, features given.
    efficient : bool
        Whether no other trial is as good in all three and better in one.
    """

    setting: Setting
    n_bytes: int
    recall: float
    microseconds: float
    efficient: bool = True

    def to_dict(self) -> Json:
        """Return the trial as one flat row of a table."""
        return asdict(self.setting) | {
            name: getattr(self, name) for name in ("n_bytes", "recall", "microseconds", "efficient")
        }


class Frontier(Tabled, list[Trial]):
    """Trials of a sweep, in their order: a list that can be drawn.

    Attributes
    ----------
    k : int
        Cut of recall.
    """

    def __init__(self, trials: Iterable[Trial], k: int) -> None:
        super().__init__(trials)
        self.k = k

    def tables(self) -> list[Cells]:
        """Return one row a trial; efficient ones have a star."""
        heads = ("threshold", "weights a ranker", "precision", "beam", "bytes", f"R@{self.k} %", "µs", "")
        rows: list[list[object]] = [["", *heads]]
        for number, one in enumerate(self):
            s = one.setting
            kept = "all" if s.max_nonzeros is None else s.max_nonzeros
            values = (
                f"{one.n_bytes:,}",
                per_cent(one.recall),
                f"{one.microseconds:.0f}",
                "*" * one.efficient,
            )
            rows.append([number, f"{s.threshold:g}", kept, s.precision, s.beam_size, *values])
        return [rows]

    def plot(self, chosen: Trial | None = None) -> "Figure":
        """Draw recall against size, a line a beam and precision, with a star for a chosen trial.

        The first trial is that of the model as it was.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        figure = new_figure(7, 4.2)
        axes = figure.add_subplot()
        for beam_size in sorted({trial.setting.beam_size for trial in self[1:]}):
            line = [t for t in self[1:] if t.setting.beam_size == beam_size]
            for precision, marker in zip(sorted({t.setting.precision for t in line}), "os^", strict=False):
                some = sorted((t for t in line if t.setting.precision == precision), key=lambda t: t.n_bytes)
                axes.plot(
                    [t.n_bytes / 1e6 for t in some],
                    [t.recall for t in some],
                    marker=marker,
                    markersize=4,
                    linewidth=1,
                    label=f"beam {beam_size}, {precision}",
                )
        axes.plot(self[0].n_bytes / 1e6, self[0].recall, "x", color="black", label="as it was")
        if chosen is not None:
            axes.plot(chosen.n_bytes / 1e6, chosen.recall, "*", color="black", markersize=12, label="chosen")
        axes.set_xscale("log")
        axes.set_xlabel("size of the model, MB")
        axes.set_ylabel(f"recall@{self.k}")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
        return figure


def model_bytes(model: Savable) -> int:
    """Return the size of all arrays of a model and its parts, in bytes."""
    state = model.to_state()
    return sum(array.nbytes for array in state.arrays.values()) + sum(map(model_bytes, state.parts.values()))


def own_setting(model: XRLinear) -> Setting:
    """Return the setting that leaves a fitted model as it is."""
    _check_model(model)
    return Setting(0.0, None, model.layers_[0].precision, search_of(model)[0])


def compress(model: XRLinear, setting: Setting) -> XRLinear:
    """Return a compressed copy of a fitted model, which stays as it is.

    Raises
    ------
    TypeError
        If ``model`` is no `XRLinear`, as the ``model_`` of a `TextRanker` is, or ``setting`` no `Setting`.
    """
    _check_model(model)
    if not isinstance(setting, Setting):
        raise TypeError(f"setting must be a Setting, found {type(setting).__name__}")
    return fitted_clone(model, fitted_=_compressed(model, setting), beam_size=setting.beam_size)


def sweep(
    model: XRLinear,
    X: MatrixLike,
    Y: Targets,
    settings: Iterable[Setting],
    *,
    k: int = 10,
    fixed_bytes: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Frontier:
    """Try settings on validation data.

    Parameters
    ----------
    model : XRLinear
        A fitted model; it stays as it is.
    X : sparse matrix of shape (n_instances, n_features)
    Y : sparse matrix of shape (n_instances, n_labels or more)
        Validation data, not used in training. Further columns are labels that the model cannot predict.
    settings : iterable of Setting
        Those that differ in their beam only are best put side by side: they share their weights.
    k : int, default=10
        Cut of recall.
    fixed_bytes : int, default=0
        Size of what goes with the model, such as features and names; counted in ``n_bytes``.
    progress : callable, optional
        Called with the number of trials done so far.

    Returns
    -------
    Frontier
        A list of `Trial`, one a setting, with ``plot()``.
    """
    _check_model(model)
    X, Y = as_csr(X, "X", n_cols=model.n_features_in_), as_csr(Y, "Y")
    if Y.shape[1] < model.n_labels_:
        raise ValueError(f"Y has {Y.shape[1]} columns, but the model has {model.n_labels_} labels")
    if X.shape[0] == 0 or Y.shape[0] != X.shape[0]:
        raise ValueError(
            f"X has {X.shape[0]} rows and Y {Y.shape[0]}; validation needs as many, and at least one"
        )
    trials: list[Trial] = []
    for _, alike in groupby(settings, lambda setting: replace(setting, beam_size=1)):
        fitted = None
        for setting in alike:
            fitted = fitted or _compressed(model, setting)
            small = fitted_clone(model, fitted_=fitted, beam_size=setting.beam_size)
            ids, _ = small.predict_topk(X, k)
            n_bytes = fixed_bytes + model_bytes(small)
            trials.append(Trial(setting, n_bytes, recall_at_k(Y, ids, k), _microseconds(small, X, k)))
            if progress is not None:
                progress(len(trials))
    return Frontier((_judged(trial, trials) for trial in trials), k)


def choose(
    trials: Sequence[Trial], *, target_size: int | None = None, min_recall: float | None = None
) -> Trial:
    """Return the best trial.

    Parameters
    ----------
    trials : sequence of Trial
    target_size : int, optional
        Most bytes. Alone, or with ``min_recall``: the trial of highest recall that fits.
    min_recall : float, optional
        Least recall. Alone: the smallest trial that has it, the fastest of equal size.

    Raises
    ------
    ValueError
        If neither is given, there is no trial, or none meets what is; the message says how near one comes.
    """
    if target_size is None and min_recall is None:
        raise ValueError("choose needs target_size, min_recall or both")
    if not trials:
        raise ValueError("trials is empty; choose needs at least one")
    fit = [
        trial
        for trial in trials
        if (target_size is None or trial.n_bytes <= target_size)
        and (min_recall is None or trial.recall >= min_recall)
    ]
    if not fit:
        wanted = [] if target_size is None else [f"at most {target_size:,} bytes"]
        wanted += [] if min_recall is None else [f"a recall of at least {min_recall:.4f}"]
        small, good = min(trials, key=lambda t: t.n_bytes), max(trials, key=lambda t: t.recall)
        raise ValueError(
            f"no trial has {' and '.join(wanted)}: the smallest has {small.n_bytes:,} bytes and a recall of "
            f"{small.recall:.4f} ({small.setting}), the best {good.n_bytes:,} bytes and {good.recall:.4f} "
            f"({good.setting})"
        )
    if target_size is None:
        return min(fit, key=lambda t: (t.n_bytes, t.microseconds))
    return max(fit, key=lambda t: (t.recall, -t.n_bytes, -t.microseconds))


def _check_model(model: Any) -> None:
    if not isinstance(model, XRLinear):
        raise TypeError(f"model must be an XRLinear, found {type(model).__name__}")
    check_fitted(model, "fitted_")


def _compressed(model: XRLinear, setting: Setting) -> FittedTree:
    threads = n_threads(model.n_jobs)
    fitted = model.fitted_
    if setting.threshold > 0 or setting.max_nonzeros is not None:
        fitted = fitted.prune(
            threshold=setting.threshold, max_nonzeros=setting.max_nonzeros, n_threads=threads
        )
    return fitted.quantize(setting.precision, n_threads=threads)


def _microseconds(model: XRLinear, X: Csr, k: int) -> float:
    """Return the median time of single queries on one thread."""
    single = fitted_clone(model, n_jobs=1)
    some = to_scipy(X)[np.linspace(0, X.shape[0] - 1, min(_TIMED_ROWS, X.shape[0])).astype(np.int64)]
    rows = [as_csr(some[i : i + 1], "X") for i in range(some.shape[0])]
    times = []
    for row in rows:
        start = time.perf_counter()
        single.predict_topk(row, k)
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e6


def _judged(trial: Trial, trials: Sequence[Trial]) -> Trial:
    def beats(other: Trial) -> bool:
        mine = (trial.n_bytes, -trial.recall, trial.microseconds)
        theirs = (other.n_bytes, -other.recall, other.microseconds)
        return theirs != mine and all(a <= b for a, b in zip(theirs, mine, strict=True))

    return replace(trial, efficient=not any(map(beats, trials)))
