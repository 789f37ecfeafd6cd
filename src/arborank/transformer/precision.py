"""How well a level finds the right nodes of instances that were held out."""

import numpy as np
from numpy.typing import NDArray

from ..core.sparse import Csr, as_csr, to_scipy
from ..metrics import precision_at_k

__all__ = ["level_precision"]


def level_precision(nodes: NDArray[np.int32], positives: Csr, rows: NDArray[np.int64]) -> dict[str, float]:
    """Return P@1, P@3 and P@5 of the nodes found for some instances, as shares.

    Parameters
    ----------
    nodes : int32 array of shape (n_instances, beam_size)
        Best first, padded with -1.
    positives : Csr of shape (n_instances, n_nodes)
    rows : int64 array
        The instances that count.
    """
    truth = as_csr(to_scipy(positives)[rows], "positives")
    found = nodes[rows].astype(np.int64)
    return {f"P@{k}": float(precision_at_k(truth, found, k)) for k in (1, 3, 5) if k <= found.shape[1]}
