"""Labels come and go: functions from one `FittedHybrid` to another.

The tree learns as `XRLinear` does; the other sources get the vectors of the new labels. What the merger has learned of
the sources stays as it is.
"""

from dataclasses import asdict, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.checks import Missing
from ..core.lazy import sp
from ..core.sparse import Csr, as_csr, normalize_rows, to_scipy
from ..core.types import MatrixLike
from ..linear import XRLinear
from ..linear.centroids import largest_entries, mean_instances
from ..linear.updating import NegativeCosts, check_ids
from .fitted import FittedHybrid
from .lesson import Lesson, columns
from .sources import KEPT, Sources

__all__ = ["learn_labels", "learn_unseen_labels", "remove_labels"]


def learn_labels(
    fitted: FittedHybrid,
    ids: NDArray[np.int64],
    lesson: Lesson,
    costs: NegativeCosts,
    *,
    n_threads: int,
) -> FittedHybrid:
    """Learn labels ``ids``, the columns of the lesson; see `HybridRanker.add_labels`."""
    taught = lesson.taught()
    ranker = fitted.sources.ranker.learn_labels(
        ids, taught.X, taught.Y, n_documents=taught.n_documents, **asdict(costs)
    )
    return replace(fitted, sources=_with_labels(fitted.sources, ranker, ids, lesson, n_threads))


def learn_unseen_labels(
    fitted: FittedHybrid,
    ids: NDArray[np.int64],
    texts: Csr,
    X: MatrixLike,
    Y: MatrixLike,
    *,
    known_texts: MatrixLike | None,
    weight: float | None,
    n_threads: int,
) -> FittedHybrid:
    """Learn labels without an instance; the parameters are those of `HybridRanker.learn_unseen_labels`, checked."""
    ranker = fitted.sources.ranker.learn_unseen_labels(
        ids, texts, X, Y, known_texts=known_texts, weight=weight
    )
    nothing, no_labels = (as_csr(sp.csr_array((0, n), dtype=np.float32)) for n in (texts.shape[1], ids.size))
    lesson = Lesson(nothing, no_labels, texts)
    return replace(fitted, sources=_with_labels(fitted.sources, ranker, ids, lesson, n_threads))


def remove_labels(
    fitted: FittedHybrid, labels: ArrayLike, *, renumber: bool, missing: Missing
) -> FittedHybrid:
    """Forget labels; the parameters are those of `HybridRanker.remove_labels`."""
    sources = fitted.sources
    ranker = sources.ranker.remove_labels(labels, renumber=renumber, missing=missing)
    ids = check_ids(labels, None)
    gone = np.zeros(fitted.n_labels, np.bool_)
    gone[ids[ids < fitted.n_labels]] = True
    places = np.flatnonzero(~gone) if renumber else np.where(gone, -1, np.arange(gone.size))
    return replace(
        fitted,
        sources=replace(
            sources,
            ranker=ranker,
            centroids=sources.centroids.take(places),
            names=sources.names.take(places),
            labels=columns(sources.labels, places),
        ),
    )


def _with_labels(
    sources: Sources, ranker: XRLinear, ids: NDArray[np.int64], lesson: Lesson, n_threads: int
) -> Sources:
    """Return sources that know labels ``ids`` from a lesson about them, and nothing else of them."""
    n_old, n_new = sources.ranker.n_labels_, ranker.n_labels_
    others = np.append(np.arange(n_old), np.full(n_new - n_old, -1))
    others[ids] = -1
    places = others.copy()
    places[ids] = n_old + np.arange(ids.size)
    taught, names = lesson.taught(), lesson.label_features
    unit = normalize_rows(taught.X)
    own = np.flatnonzero(np.diff(taught.Y.indptr))
    marks = to_scipy(taught.Y)[own]
    new = sp.csr_array((marks.data, ids[marks.indices], marks.indptr), shape=(own.size, n_new))
    n_rows = sources.neighbours.n_vectors
    return replace(
        sources,
        ranker=ranker,
        centroids=sources.centroids.take(places, mean_instances(unit, taught.weights, n_threads)),
        names=sources.names.take(others)
        if names is None
        else sources.names.take(places, to_scipy(normalize_rows(names))),
        neighbours=sources.neighbours.take(
            np.arange(n_rows + own.size), largest_entries(to_scipy(unit)[own], KEPT)
        ),
        labels=as_csr(sp.vstack([to_scipy(columns(sources.labels, others)), new], format="csr")),
    )
