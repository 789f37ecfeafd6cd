"""The label tree that a completer's parameters name."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ..core.estimator import clone
from ..core.sparse import Csr
from ..core.threads import n_threads
from ..features.base import TextTransformer, rows_of
from ..indexing import (
    LabelTree,
    balanced_kmeans,
    hybrid_tree,
    mustlink_tree,
    pifa,
    pifa_with_features,
    trie_tree,
)
from ..linear import XRLinear
from ..linear.defaults import Resolved
from .options import CompleterOptions

__all__ = ["grow_query_tree", "new_model"]

_DEPTHS = {"hybrid": 4, "trie": 16, "mustlink": 3}


def new_model(options: CompleterOptions) -> XRLinear:
    """Return the rankers of a completer, not fitted.

    Automatic parameters get PECOS' values: the rules are for rows of texts, not for contexts and prefixes. Where a trie
    has told the short prefixes apart, small leaves and a narrow beam find as much as large ones do.
    """
    if options.model is not None:
        model = clone(options.model)
    elif options.index == "hybrid":
        model = XRLinear(threshold=0.05, max_leaf_size=16, beam_size=5)
    else:
        model = XRLinear(threshold=0.05)
    return model.set_params(**asdict(Resolved.of_model(model)))


def grow_query_tree(
    options: CompleterOptions,
    keys: Sequence[str],
    X: Csr,
    Y: Csr,
    prefix_features: TextTransformer,
    model: XRLinear,
) -> LabelTree:
    """Grow the tree with the model's parameters.

    Parameters
    ----------
    options : CompleterOptions
        Of which ``index``, ``depth`` and ``representation`` count.
    keys : sequence of str, length n_labels
        Normal forms of the queries, ascending.
    X, Y : Csr of shapes (n_instances, n_features) and (n_instances, n_labels)
    prefix_features : fitted vectoriser
    model : XRLinear
    """
    index, threads = options.index, n_threads(model.n_jobs)
    levels = _DEPTHS.get(index, 0) if options.depth is None else options.depth
    if index == "trie":
        return trie_tree(keys, depth=levels)
    if options.representation == "pifa":
        vectors = pifa(X, Y, n_threads=threads)
    else:
        vectors = rows_of(prefix_features, keys)
        if options.representation == "pifa-names":
            vectors = pifa_with_features(X, Y, vectors, n_threads=threads)
    shape: dict[str, Any] = {
        "branching": model.branching,
        "max_leaf_size": model.max_leaf_size,
        "spherical": bool(model.spherical),
        "random_state": model.random_state,
    }
    if index == "mustlink":
        return mustlink_tree(keys, vectors, depth=levels, **shape)
    if index == "hybrid":
        return hybrid_tree(keys, vectors, depth=levels, n_threads=threads, **shape)
    return balanced_kmeans(vectors, n_threads=threads, **shape)
