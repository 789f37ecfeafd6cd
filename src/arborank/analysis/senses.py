"""What the leaves of a label stand for: the words that decide between them, and the labels beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer
from ..core.estimator import check_fitted
from ..core.figures import check_drawable, new_figure, save_figure
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
    list of Sense, one per leaf; empty for a label outside the tree

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
    senses: Sequence[Sense],
    title: str,
    label_names: Sequence[str],
    feature_names: Sequence[str],
    path: str | Path,
) -> None:
    """Draw a label's leaves, a column each: the features that decide as bars, the labels beside it below.

    It needs the extra ``plot`` (matplotlib).

    Parameters
    ----------
    senses : sequence of Sense
    title : str
        The label's name.
    label_names, feature_names : sequences of str
        Names by id.
    path : str or Path
        Its ending names the format: ``.svg``, ``.png`` or ``.pdf``.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError, FileNotFoundError
        If the ending is another, or the directory does not exist.
    """
    check_drawable(path)
    rows = max((len(sense.features) for sense in senses), default=0)
    below = max((len(sense.companions) for sense in senses), default=0)
    largest = max((weight for sense in senses for _, weight in sense.features), default=1.0)
    figure = new_figure(2.8 * max(len(senses), 1), 0.24 * (rows + below + 2) + 0.9)
    figure.suptitle(title, parse_math=False)
    places = figure.subplots(1, len(senses), squeeze=False)[0] if senses else ()
    for axes, sense in zip(places, senses, strict=True):
        axes.set(xlim=(0, largest), ylim=(rows + below + 2, -1))
        axes.set_title(f"leaf {sense.leaf}", fontsize=9)
        axes.axis("off")
        axes.barh(range(len(sense.features)), [weight for _, weight in sense.features], color="#9ecae1")
        texts = [(row, feature_names[feature]) for row, (feature, _) in enumerate(sense.features)]
        texts += [(rows + 1, "together with:")] if sense.companions else []
        texts += [(rows + 2 + row, label_names[label]) for row, label in enumerate(sense.companions)]
        for row, text in texts:
            axes.text(0, row, text, va="center", fontsize=9, parse_math=False)
    save_figure(figure, path)
