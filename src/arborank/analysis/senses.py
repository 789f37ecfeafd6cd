"""What the leaves of a label stand for: the words that decide between them, and the labels beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer
from ..core.estimator import check_fitted
from ..linear import XRLinear
from ..ranking.chunks import gather_chunks

__all__ = ["Sense", "draw_senses", "label_senses"]


@dataclass(frozen=True)
class Sense:
    """One leaf of a label.

    Attributes
    ----------
    leaf : int
        Node of level ``depth - 1``.
    companions : list of int
        Labels that share the leaf, those with the most training instances first.
    features : list of (int, float)
        Features of the label that speak for this leaf against its other leaves, the most decisive first, and by how
        much: the difference of the weights on the way down, times the weight that the feature has for the label, if
        there are such features.
    """

    leaf: int
    companions: list[int]
    features: list[tuple[int, float]]


def label_senses(model: XRLinear, label: int, *, n_features: int = 8, n_companions: int = 8) -> list[Sense]:
    """Return what tells the leaves of a label apart.

    An inner node's score is that of a linear ranker times its parent's; here the weights of the nodes on the way from
    the root to a leaf are added up, and compared with the mean over the label's other leaves. A word that parts the
    leaves need not be one of the label's, so the difference is multiplied by the largest weight that the feature has
    for the label in any leaf, unless that leaves nothing: a label has no weight for a word that all texts of its leaves
    share. With one leaf there is nothing to compare: its own way counts.

    Parameters
    ----------
    model : XRLinear
        Fitted.
    label : int
    n_features, n_companions : int, default 8
        Most of each.

    Returns
    -------
    list of Sense, one a leaf; empty for a label outside the tree

    Raises
    ------
    TypeError, ValueError
        If the model is not fitted or there is no such label.
    """
    check_fitted(model, "fitted_")
    tree = model.tree_
    check_integer("label", label, 0, tree.n_labels - 1)
    check_integer("n_features", n_features, 1)
    check_integer("n_companions", n_companions, 1)
    slots = np.flatnonzero(tree.labels == label)
    if not slots.size:
        return []
    ways = np.zeros((slots.size, model.n_features_in_))
    for level, layer in enumerate(model.layers_[:-1]):
        nodes = tree.ancestors(level + 1)[slots]
        weights, _ = layer.to_matrix()
        ways += weights[:, nodes].toarray().T
    others = (ways.sum(axis=0) - ways) / max(slots.size - 1, 1)
    leaves = tree.ancestors(tree.depth - 1)
    own = _own_weights(model, slots, leaves[slots])
    counts: NDArray[Any] = getattr(model, "label_counts_", np.zeros(tree.n_labels, np.int64))
    senses = []
    for slot, against in zip(slots.tolist(), ways - others, strict=True):
        if (against * own > 0).any():
            against = against * own
        near = tree.labels[(leaves == leaves[slot]) & (tree.labels != label)]
        near = near[np.argsort(-counts[near], kind="stable")][:n_companions]
        best = np.argsort(-against, kind="stable")[:n_features]
        decisive = [(int(feature), float(against[feature])) for feature in best if against[feature] > 0]
        senses.append(Sense(int(leaves[slot]), near.tolist(), decisive))
    return senses


def _own_weights(model: XRLinear, slots: NDArray[np.int64], leaves: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the largest weight, at least 0, that each feature has in the slots of a label."""
    bottom = gather_chunks([model.layers_[-1]], np.zeros_like(leaves), leaves)
    places = slots - model.tree_.branches[-1][leaves] + bottom.branches[:-1]
    weights, _ = bottom.to_matrix()
    largest: NDArray[np.float64] = np.maximum(weights[:, places].toarray().max(axis=1), 0)
    return largest


def draw_senses(
    senses: Sequence[Sense], title: str, label_names: Sequence[str], feature_names: Sequence[str]
) -> str:
    """Return an SVG picture of a label's leaves: a column each, deciding words above, companions below.

    Parameters
    ----------
    senses : sequence of Sense
    title : str
        The label's name.
    label_names, feature_names : sequences of str
        Names by id.
    """
    width, line = 260, 22
    rows = max((len(s.features) for s in senses), default=0)
    below = max((len(s.companions) for s in senses), default=0)
    height = 90 + line * (rows + below + 2)
    largest = max((weight for s in senses for _, weight in s.features), default=1.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * max(len(senses), 1)}" height="{height}" '
        'font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="12" y="28" font-size="17" font-weight="bold">{escape(title)}</text>',
    ]
    for number, sense in enumerate(senses):
        left = number * width + 12
        parts.append(f'<text x="{left}" y="56" fill="#555">leaf {sense.leaf}</text>')
        for row, (feature, weight) in enumerate(sense.features):
            y = 80 + row * line
            bar = 200 * weight / largest
            parts.append(f'<rect x="{left}" y="{y - 14}" width="{bar:.1f}" height="18" fill="#9ecae1"/>')
            parts.append(f'<text x="{left + 4}" y="{y}">{escape(feature_names[feature])}</text>')
        y = 80 + (rows + 1) * line
        parts.append(f'<text x="{left}" y="{y - line + 8}" fill="#555">together with</text>')
        for row, label in enumerate(sense.companions):
            parts.append(f'<text x="{left + 4}" y="{y + 8 + row * line}">{escape(label_names[label])}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
