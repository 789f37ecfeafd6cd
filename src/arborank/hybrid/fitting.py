"""Fitting: the merger learns from rows that the sources have not seen; then these learn from all rows."""

import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..calibration.held_out import DEPTH, HeldOut
from ..core.estimator import clone
from ..core.logistic import fit_logistic
from ..core.sparse import Csr, places_of
from ..core.types import FilePath
from ..linear import XRLinear
from ..linear.checkpoint import checkpoint_in
from ..linear.defaults import chosen
from ..linear.options import LinearOptions
from .fitted import FittedHybrid
from .lesson import Lesson
from .options import HybridOptions
from .sources import Inputs, Sources, fit_sources

__all__ = ["fit_hybrid"]

_PARTS = 5  # of which one is held out at a time
_ROWS, _ENOUGH = 20_000, 4_000  # held out at a time, at most; in all, at least, if there are as many
_HIDDEN = 0.05  # share of the labels whose instances are hidden, to learn what names are worth alone


def fit_hybrid(
    lesson: Lesson,
    ranker: XRLinear,
    options: HybridOptions,
    *,
    n_threads: int,
    verbose: bool,
    work_dir: FilePath | None = None,
    calibrate: bool = False,
) -> tuple[FittedHybrid, HeldOut | None, dict[str, float]]:
    """Fit sources and merger; return them, and the seconds that each took.

    In ``work_dir``, every tree has a directory of its own. To ``calibrate``, what is answered to held-out rows is
    returned, too.
    """

    def fit(ranker: XRLinear, lesson: Lesson, name: str) -> Sources:
        place = None if work_dir is None else Path(work_dir) / name
        seed = options.random_state
        return fit_sources(ranker, lesson, seed=seed, n_threads=n_threads, verbose=verbose, work_dir=place)

    parameters = {**LinearOptions.of(ranker).as_json, **asdict(options)}
    with checkpoint_in(work_dir, parameters, ranker.tree, **lesson._asdict()):  # held for this training alone
        start = time.perf_counter()
        parts, taught = [], []
        rng = np.random.default_rng(options.random_state)
        counts, named = lesson.label_counts, lesson.named
        for number, held in enumerate(_held_out(lesson.n_rows, rng)):
            known, asked = lesson.take(~held), lesson.take(held)
            if not counts[named].all():
                shown = rng.permutation(np.flatnonzero(named & (counts > 0)))
                known = known.without(shown[: max(1, int(_HIDDEN * shown.size))])
            if not known.Y.nnz:
                continue
            seen = fit(ranker, known, f"part{number}")
            ranker = clone(ranker).set_params(**chosen(seen.ranker))  # the same in all fits
            parts.append((seen, asked))
            taught.append(known.label_counts)
        if not parts:
            raise ValueError(
                "X has too few rows with a label to hold some out; give more, or fit an XRLinear"
            )
        weights = _learned([seen.inputs(asked.X, options, n_threads) for seen, asked in parts], parts, counts)
        short = [seen.short_inputs(asked.X, options, weights, n_threads) for seen, asked in parts]
        short_weights = _learned(short, parts, counts)
        answers = []
        for (seen, asked), known_counts in zip(parts if calibrate else [], taught, strict=False):
            merged = FittedHybrid(seen, weights, short_weights, options)
            top = merged.topk(asked.X, DEPTH, n_threads=n_threads)
            answers.append(HeldOut.of(top, asked.Y, known_counts))
        del parts, short
        times = {"merger": time.perf_counter() - start}
        start = time.perf_counter()
        sources = fit(ranker, lesson, "all")
        times["sources"] = time.perf_counter() - start
    return (
        FittedHybrid(sources, weights, short_weights, options),
        HeldOut.joined(answers) if answers else None,
        times,
    )


def _learned(
    found: list[Inputs], parts: list[tuple[Sources, Lesson]], label_counts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the weights of a logistic model of candidates, by part."""
    inputs, relevant = [], []
    for (indptr, labels, values), (_, asked) in zip(found, parts, strict=True):
        told = label_counts[labels] > 0  # of the others, nothing says that they are not relevant
        inputs.append(values[told])
        relevant.append(_relevant(asked.Y, indptr, labels)[told])
    return fit_logistic(np.concatenate(inputs), np.concatenate(relevant))


def _held_out(n_rows: int, rng: np.random.Generator) -> list[NDArray[np.bool_]]:
    """Return disjoint sets of rows to hold out in turn."""
    order = rng.permutation(n_rows)
    size = min(max(n_rows // _PARTS, 1), _ROWS)
    n_parts = min(-(-_ENOUGH // size), n_rows // size, _PARTS)
    held = np.zeros((n_parts, n_rows), np.bool_)
    for part in range(n_parts):
        held[part, order[part * size : (part + 1) * size]] = True
    return list(held)


def _relevant(Y: Csr, indptr: NDArray[np.int64], labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return whether candidates are labels of their rows."""
    asked = np.repeat(np.arange(Y.shape[0], dtype=np.int64), np.diff(indptr)) * Y.shape[1] + labels
    return np.isin(asked, places_of(Y))
