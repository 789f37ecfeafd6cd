"""Names for the nodes of a label tree: the words that speak most for each."""

from collections.abc import Sequence

import numpy as np

from ..core.checks import check_integer
from ..core.estimator import check_fitted
from ..linear import XRLinear

__all__ = ["node_names"]


def node_names(model: XRLinear, level: int, features: Sequence[str], *, n_words: int = 3) -> list[list[str]]:
    """Return the strongest words of every node of a level: those of the largest weights of its ranker.

    Parameters
    ----------
    model : XRLinear
        Fitted.
    level : int
        From 1, the children of the root, to the depth of the tree, the slots of its labels.
    features : sequence of str, length n_features
        The name of every feature, as ``get_feature_names_out`` of the vectoriser returns them.
    n_words : int, default 3
        Most for a node; only weights above 0 count.

    Returns
    -------
    list of lists of str, one per node

    Raises
    ------
    TypeError, ValueError
        If the model is not fitted, there is no such level, or a name a feature is missing.

    Examples
    --------
    >>> from arborank import NgramTfidf, XRLinear
    >>> words = NgramTfidf()
    >>> X = words.fit_transform(["sweet apple", "sweet pear", "fast car", "fast van"])
    >>> model = XRLinear(branching=2, max_leaf_size=2, max_iter=100).fit(X, [[0], [1], [2], [3]])
    >>> sorted(node_names(model, 1, words.get_feature_names_out(), n_words=1))
    [['fast'], ['sweet']]
    """
    check_fitted(model, "fitted_")
    check_integer("level", level, 1, model.tree_.depth)
    check_integer("n_words", n_words, 1)
    if len(features) != model.n_features_in_:
        raise ValueError(
            f"features has {len(features)} names, but the model has {model.n_features_in_} features"
        )
    weights = model.layers_[level - 1].to_matrix()[0].tocsc()
    names = []
    for node in range(weights.shape[1]):
        own = slice(weights.indptr[node], weights.indptr[node + 1])
        values, columns = weights.data[own], weights.indices[own]
        best = columns[np.argsort(-values, kind="stable")][: (values > 0).sum()]
        found: dict[str, None] = {}
        for (
            column
        ) in best.tolist():  # one name may have several columns, and a word say all that its parts do
            word = str(features[column])
            if not any(word in one for one in found):
                found[word] = None
            if len(found) == n_words:
                break
        names.append(list(found))
    return names
