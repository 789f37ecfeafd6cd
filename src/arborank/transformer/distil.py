"""A linear model taught by a transformer's answers: the speed of the one, and a report of what it loses."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer, check_real
from ..core.estimator import clone
from ..core.lazy import sp
from ..core.sparse import Csr, as_csr
from ..core.types import Labels
from ..features import TextFeatures
from ..linear import XRLinear
from ..metrics import precision_at_k
from ..text import TextRanker
from .encoders.tokens import training_texts

__all__ = ["distil"]

_PLACES = (1, 3, 5)


def distil(
    teacher: TextRanker,
    texts: Sequence[str],
    labels: Labels | None = None,
    *,
    k: int = 10,
    least: float = 0.1,
    held_out: float = 0.1,
    model: XRLinear | None = None,
    random_state: int = 0,
) -> tuple[TextRanker, dict[str, float]]:
    """Train a linear ranker on what a slower one answers.

    Parameters
    ----------
    teacher : TextRanker
        Fitted; its scores must be between 0 and 1, as with the default ``combine``.
    texts : sequence of str
        Any texts, those that the teacher learned from or others; they need no labels.
    labels : sequence of label-name lists, optional
        The true labels, for the report only.
    k : int, default 10
        Answers a text that are learned from.
    least : float, default 0.1
        Answers with lower scores are left out, except for the best.
    held_out : float, default 0.1
        Share of the texts that the report is about, and that are not learned from.
    model : XRLinear, optional
        Parameters of the student. A score weighs its answer, as the relevance of `XRLinear.fit`.
    random_state : int, default 0
        Which texts are held out.

    Returns
    -------
    student : TextRanker
        With the teacher's labels.
    report : dict of str to float
        ``same@1``, ``@3``, ``@5``: the share of the teacher's first answers that are among as many of the student's;
        and, with ``labels``, ``teacher P@k`` and ``student P@k``.

    Raises
    ------
    TypeError
        If ``teacher`` is no `TextRanker`.
    ValueError
        If there are fewer than two texts, one is empty, or an argument is out of its range.
    """
    if not isinstance(teacher, TextRanker):
        raise TypeError(f"teacher must be a TextRanker, found {type(teacher).__name__}")
    check_integer("k", k, 1)
    check_real("least", least, least=0.0, most=1.0)
    check_real("held_out", held_out, above=0.0, most=0.9)
    texts = training_texts(texts)
    if len(texts) < 2:
        raise ValueError(f"texts has {len(texts)} entry; one to learn from and one to judge by are needed")
    truth = None if labels is None else teacher.encode_labels(labels, unknown="extend")
    if truth is not None and truth.shape[0] != len(texts):
        raise ValueError(f"texts has {len(texts)} entries but labels has {truth.shape[0]}; they go in pairs")
    order = np.random.default_rng(check_integer("random_state", random_state, 0)).permutation(len(texts))
    n_held = min(max(round(held_out * len(texts)), 1), len(texts) - 1)
    held, learned = np.sort(order[:n_held]), np.sort(order[n_held:])

    n_labels = len(teacher.labels_)
    own = [texts[i] for i in learned]
    Y, relevance = _answers(*teacher.predict_topk(own, min(k, n_labels)), least, n_labels)
    features = TextFeatures()
    linear = (XRLinear() if model is None else clone(model)).fit(
        features.fit_transform(own), Y, relevance=relevance
    )
    student = TextRanker.from_fitted(features, linear, teacher.labels_, normalization=teacher.normalization)

    asked = [texts[i] for i in held]
    places = [place for place in _PLACES if place <= n_labels]
    wanted, found = (ranker.predict_topk(asked, places[-1])[0] for ranker in (teacher, student))
    report = {f"same@{place}": _overlap(wanted[:, :place], found[:, :place]) for place in places}
    if truth is not None:
        known = truth[held]
        for name, ids in (("teacher", wanted), ("student", found)):
            report |= {f"{name} P@{place}": float(precision_at_k(known, ids, place)) for place in places}
    return student, report


def _answers(
    ids: NDArray[np.int64], scores: NDArray[np.float32], least: float, n_labels: int
) -> tuple[Csr, Csr]:
    """Return the answers to learn from as an indicator matrix, and their scores as one of the same pattern."""
    kept = (ids >= 0) & (scores > 0) & ((scores >= least) | (np.arange(ids.shape[1]) == 0))
    if (scores[kept] > 1).any():
        raise ValueError(f"the teacher scored {scores[kept].max():g}; scores between 0 and 1 were expected")
    rows = np.nonzero(kept)[0]
    shape = (ids.shape[0], n_labels)
    weighed = sp.csr_array((scores[kept], (rows, ids[kept])), shape)
    weighed.sort_indices()
    ones = sp.csr_array((np.ones_like(weighed.data), weighed.indices, weighed.indptr), shape)
    return as_csr(ones, "answers"), as_csr(weighed, "scores")


def _overlap(wanted: NDArray[np.int64], found: NDArray[np.int64]) -> float:
    """Return the share of the ids of each row that are in the same row of ``found``."""
    there = (wanted[:, :, None] == found[:, None, :]).any(axis=2) & (wanted >= 0)
    return float(there.sum() / max((wanted >= 0).sum(), 1))
