"""From a fitted model and a rule to the labels of its rows."""

from typing import Any, cast
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ..calibration import Calibration
from ..core.lazy import sp
from ..core.sparse import as_csr, lists_to_csr
from ..core.types import LabelModel
from .fixed import FixedK
from .naming import as_rule
from .rule import Rule, Tuning
from .shortlists import ShortLists

__all__ = ["DEPTH", "candidates", "choose", "decide", "depth_of", "listed", "tuned_rule"]

DEPTH = 30
"""Labels of every row that rules choose from."""


_TUNED: WeakKeyDictionary[Calibration, dict[Rule, Rule]] = WeakKeyDictionary()


def decide(model: LabelModel, X: object, rule: Rule | str, **options: object) -> "sp.csr_array":
    """Let a rule choose from the best 30 labels of every row.

    Parameters
    ----------
    model : fitted estimator with `predict_topk`
        With `predict_proba_topk` for rules that need probabilities.
    X : what the model ranks
    rule : Rule or str
        A rule or its name, see `as_rule`. One that is not tuned is, on the rows that the model was calibrated on.
    **options
        Further options of `predict_topk`.

    Returns
    -------
    csr_array of shape (n_rows, n_labels)
        Every stored entry is a chosen label; the values are its probabilities, or scores for `FixedK`.

    Raises
    ------
    TypeError, ValueError
        If there is no such rule, it needs probabilities and the model is not calibrated, or it has to be tuned first.
    """
    tuned, n_labels = tuned_rule(model, rule), _n_labels(model)
    ask = cast(Any, model).predict_proba_topk if tuned.needs_probabilities else model.predict_topk
    most = getattr(model, "member_k", None) or n_labels  # that an ensemble lists
    ids, values = ask(X, min(depth_of(tuned), most, n_labels), **options)
    return choose(tuned, ids, values, n_labels)


def choose(
    rule: Rule, ids: NDArray[np.integer], values: NDArray[np.float32], n_labels: int
) -> "sp.csr_array":
    """Let a tuned rule choose from ranked lists, padded with -1; see `decide`."""
    if isinstance(rule, FixedK):  # in the order of the lists, whatever the values
        return listed(ids[:, : rule.k], values[:, : rule.k], n_labels)
    return rule.decide(listed(ids, values, n_labels))


def candidates(model: LabelModel, X: object, k: int = DEPTH, **options: object) -> "sp.csr_array":
    """Return the probabilities of the best labels of every row, for `Rule.fit` and `Rule.decide`.

    Parameters
    ----------
    model : fitted estimator with `predict_proba_topk`
    X : what the model ranks
    k : int, default=30
    **options
        Further options of `predict_proba_topk`.

    Returns
    -------
    csr_array of shape (n_rows, n_labels)
        Every stored entry is a candidate.
    """
    ids, chances = cast(Any, model).predict_proba_topk(X, k, **options)
    return listed(ids, chances, _n_labels(model))


def depth_of(rule: Rule | None) -> int:
    """Return how many labels of every row a rule chooses from."""
    return max(DEPTH, getattr(rule, "k", None) or 0)


def tuned_rule(model: LabelModel, rule: Rule | str) -> Rule:
    """Return a rule that can decide for a model: as it is, or tuned on the rows that the model was calibrated on.

    Raises
    ------
    TypeError, ValueError
        As `decide`.
    """
    found = as_rule(rule)
    calibration: Calibration | None = getattr(model, "calibration_", None)
    if found.needs_probabilities and calibration is None:
        raise ValueError(
            f"the rule {found.name!r} needs probabilities, which this {type(model).__name__} does not have: fit it "
            "with calibrate=True, or give held-out rows to calibrate(X, Y), which returns a calibrated copy"
        )
    if found.is_tuned:
        return found
    if calibration is None:
        value = f", such as {found.name}=5," if found.main else ""
        raise ValueError(
            f"the rule {found.name!r} has to be tuned: give it a value{value} or calibrate the model first"
        )
    known = _TUNED.setdefault(calibration, {})
    if found not in known:
        known[found] = found._tuned(_tuning(model, calibration))
    return known[found]


def _n_labels(model: LabelModel) -> int:
    return int(cast(Any, model).n_labels_)


def _tuning(model: LabelModel, calibration: Calibration) -> Tuning:
    answers, n_labels = calibration.answers, calibration.n_labels
    matrix = as_csr(listed(answers.ids, answers.chances, n_labels))
    marks = listed(answers.ids, answers.hits.astype(np.float32), n_labels)
    hits = marks.data > 0
    true_counts = np.bincount(marks.indices[hits], minlength=n_labels)
    lists = ShortLists(matrix, hits, true_counts, int(answers.n_relevant.sum()))
    counts = getattr(model, "label_counts_", None)
    if counts is None:
        return Tuning(lists, true_counts, lists.n_rows)
    return Tuning(lists, counts, int(cast(Any, model).n_instances_))


def listed(ids: NDArray[np.integer], values: NDArray[np.float32], n_labels: int) -> "sp.csr_array":
    """Return top lists, padded with -1, as a matrix of shape (n_rows, n_labels)."""
    matrix = lists_to_csr(ids, n_labels, values)
    matrix.sort_indices()
    return matrix
