"""Families of a layer are trained anew, while the others stay as they are."""

import numpy as np
from numpy.typing import NDArray

from ..core.lazy import sp
from ..core.sparse import Csr, select_rows
from .chunks import gather_chunks
from .solver import SolverParams
from .training import train_layer
from .weights import LayerWeights

__all__ = ["renew_families"]


def renew_families(
    layer: LayerWeights,
    X: Csr,
    active: Csr,
    positives: Csr,
    parents: NDArray[np.int64],
    params: SolverParams,
    *,
    n_documents: int = 0,
    weights: NDArray[np.float32] | None = None,
    n_threads: int = 0,
) -> LayerWeights:
    """Return a layer in which the children of some parents are trained anew.

    A child without a positive instance stays as it is, and so does a family of which only one child has any.

    Parameters
    ----------
    layer : LayerWeights
    X : Csr of shape (n_instances, n_features)
    active : Csr of shape (n_parents, n_instances)
    positives : Csr of shape (n_children, n_instances)
        For all parents and children of the layer, as `train_layer` takes them.
    parents : int64 array
        Those to train, in ascending order.
    params, n_documents, weights, n_threads
        As for `train_layer`.
    """
    branches = layer.branches
    sizes = np.diff(branches)
    parent_of = np.repeat(np.arange(sizes.size), sizes)
    learns = np.diff(positives.indptr) > 0
    n_learning = np.bincount(parent_of[learns], minlength=sizes.size)
    # the only child of a family would be taken for certain; see `train_layer`
    parents = parents[(n_learning[parents] > 1) | ((n_learning[parents] == 1) & (sizes[parents] == 1))]
    if not parents.size:
        return layer
    inside = np.isin(parent_of, parents)
    learned = train_layer(
        X,
        select_rows(active, parents),
        select_rows(positives, np.flatnonzero(inside & learns)),
        np.concatenate(([0], np.cumsum(n_learning[parents]))),
        params,
        ranks=layer.ranks,
        n_documents=n_documents,
        weights=weights,
        n_threads=n_threads,
    )
    if not learns[inside].all():
        learned = _beside_old(layer, learned, parents, learns[inside])
    source, place = np.zeros(sizes.size, np.int64), np.arange(sizes.size)
    source[parents], place[parents] = 1, np.arange(parents.size)
    return gather_chunks([layer, learned.astype(layer.precision, n_threads=n_threads)], source, place)


def _beside_old(
    layer: LayerWeights, learned: LayerWeights, parents: NDArray[np.int64], is_new: NDArray[np.bool_]
) -> LayerWeights:
    """Return the families ``parents`` with the children that were learned, and the old ones in the other places."""
    old = gather_chunks([layer], np.zeros_like(parents), parents)
    (W, bias), (new_W, new_bias) = old.to_matrix(), learned.to_matrix()
    place = np.arange(is_new.size)
    place[is_new] = is_new.size + np.arange(new_bias.size)
    rows = sp.csr_array(sp.vstack([W.T, new_W.T], format="csr"))[place]
    bias = np.concatenate([bias, new_bias])[place]
    return LayerWeights.from_matrix(rows.T, bias, old.branches, ranks=layer.ranks)
