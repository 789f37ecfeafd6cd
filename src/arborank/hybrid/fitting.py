"""Fitting: the merger learns from rows that the sources have not seen; then these learn from all rows."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.estimator import clone
from ..core.sparse import Csr, as_csr, places_of, to_scipy, without_zeros
from ..linear import XRLinear
from ..linear.defaults import chosen
from .fitted import FittedHybrid, candidates
from .merging import fit_logistic
from .options import HybridOptions
from .sources import fit_sources

__all__ = ["fit_hybrid"]

_PARTS = 5  # of which one is held out at a time
_ROWS, _ENOUGH = 20_000, 4_000  # held out at a time, at most; in all, at least, if there are as many
_HIDDEN = 0.05  # share of the labels whose instances are hidden, to learn what names are worth alone


def fit_hybrid(
    X: Csr,
    Y: Csr,
    names: Csr | None,
    ranker: XRLinear,
    options: HybridOptions,
    *,
    n_threads: int,
    verbose: bool,
) -> tuple[FittedHybrid, dict[str, float]]:
    """Fit sources and merger; return them, and the seconds that each took."""
    work: dict[str, Any] = {"seed": options.random_state, "n_threads": n_threads, "verbose": verbose}
    start = time.perf_counter()
    inputs, relevant = [], []
    rng = np.random.default_rng(options.random_state)
    counts = np.bincount(Y.indices, minlength=Y.shape[1])
    named = np.zeros(counts.size, np.bool_) if names is None else np.diff(names.indptr) > 0
    for held in _held_out(X.shape[0], rng):
        rest = np.ones(X.shape[0], np.bool_)
        rest[held] = False
        known = _rows(Y, rest)
        if names is not None and not counts[named].all():
            shown = rng.permutation(np.flatnonzero(named & (counts > 0)))
            known = _without(known, shown[: max(1, int(_HIDDEN * shown.size))])
        if not known.nnz:
            continue
        seen = fit_sources(ranker, _rows(X, rest), known, names, **work)
        ranker = clone(ranker).set_params(**chosen(seen.ranker))  # the same in all fits
        indptr, labels, values = candidates(seen, _rows(X, held), options, n_threads)
        told = counts[labels] > 0  # of the others, nothing says that they are not relevant
        inputs.append(values[told])
        relevant.append(_relevant(_rows(Y, held), indptr, labels)[told])
    if not inputs:
        raise ValueError("X has too few rows with a label to hold some out; give more, or fit an XRLinear")
    times = {"merger": time.perf_counter() - start}
    start = time.perf_counter()
    sources = fit_sources(ranker, X, Y, names, **work)
    weights = fit_logistic(np.concatenate(inputs), np.concatenate(relevant))
    times["sources"] = time.perf_counter() - start
    return FittedHybrid(sources, weights, options), times


def _held_out(n_rows: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Return disjoint sets of rows to hold out in turn."""
    order = rng.permutation(n_rows)
    size = min(max(n_rows // _PARTS, 1), _ROWS)
    n_parts = min(-(-_ENOUGH // size), n_rows // size, _PARTS)
    return [np.sort(order[part * size : (part + 1) * size]) for part in range(n_parts)]


def _relevant(Y: Csr, indptr: NDArray[np.int64], labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return whether candidates are labels of their rows."""
    asked = np.repeat(np.arange(Y.shape[0], dtype=np.int64), np.diff(indptr)) * Y.shape[1] + labels
    return np.isin(asked, places_of(Y))


def _without(Y: Csr, labels: NDArray[np.int64]) -> Csr:
    """Return marks without those of some labels."""
    values = np.where(np.isin(Y.indices, labels), np.float32(0), Y.data)
    return without_zeros(Csr(Y.indptr, Y.indices, values, Y.shape[1]))


def _rows(matrix: Csr, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Csr:
    return as_csr(to_scipy(matrix)[rows])
