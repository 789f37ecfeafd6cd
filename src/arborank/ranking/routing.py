"""Which copy of a label an instance is an example of: the one in the leaf that suits it and its like.

Were an instance an example of all leaves that hold its label, the matcher would learn to send every instance to every
copy, and the copies could not separate its senses. So at the inner levels it is a positive of one leaf's ancestors;
for the ancestors of the other copies it is neither positive nor negative. At the bottom, where the copies are ranked,
it is a positive of those in leaves that its beam holds as well; the others will not see its like. If asked for, it is
also a negative of all labels of a leaf that the matcher prefers for it although it has none of them: its like will be
there.
A label of few instances has no senses that could be told from them: each is a positive on the way to all its leaves.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import _native
from ..core.lazy import sp
from ..core.sparse import Csr, as_csr, lists_to_csr, normalize_rows, places_of, to_scipy, transpose

__all__ = ["Routes", "keep_routed", "keep_visits", "part_labels", "route"]

_ROUNDS = 10  # of k-means
_PARTED = 30  # instances of a label; with fewer, all are examples of all its leaves


@dataclass(frozen=True)
class Routes:
    """Where the instances of labels with several leaves belong.

    Attributes
    ----------
    examples : Csr of shape (n, n_leaves)
        The leaves that every instance is an example of on the inner levels: one for each of its labels with 30
        instances or more, and all leaves of its other labels.
    visited : Csr of shape (n, n_leaves)
        Those, and the leaves in its beam: where it is a positive of its labels' copies.
    preferred : Csr of shape (n, n_leaves)
        Leaves in its beam where it is a negative of the labels that it has not.
    """

    examples: Csr
    visited: Csr
    preferred: Csr


def part_labels(
    X: Csr,
    Y: Csr,
    membership: Csr,
    beams: NDArray[np.int64],
    scores: NDArray[np.float32],
    *,
    coherence: float = 3.0,
    starts: int = 1,
    n_threads: int = 0,
) -> NDArray[np.int32]:
    """Divide the instances of every label among its leaves.

    Parameters
    ----------
    X, Y : Csr of shapes (n, n_features) and (n, n_labels)
    membership : Csr of shape (n_labels, n_leaves)
        The leaves of every label.
    beams, scores : int and float arrays of shape (n, width)
        The leaves in every instance's beam, -1 where there are fewer, and their scores, at least 0; a leaf outside the
        beam has 0.
    coherence : float, default 3.0
        How much the instances that a leaf has of the label count beside the score; see below.
    starts : int, default 1
        How often k-means is begun: with the scores, then with instances that are drawn; the best end counts.

    Returns
    -------
    int32 array of shape (Y.nnz,)
        For every entry of ``transpose(Y)``, that is label by label, the leaf of the instance; -1 for a label in none.
        Of the label's leaves it is the one with the largest sum of its score and ``coherence`` times the cosine
        similarity to the mean of the label's instances there. This is k-means for each label, begun with the scores
        alone and ended after ten rounds; ties fall to the smaller leaf. Vectors are an instance's features beside its
        other labels, both of unit length, rare labels weighing more.
    """
    marks = transpose(Y)
    rarity = np.log(Y.shape[0] / np.maximum(np.diff(marks.indptr), 1)).astype(np.float32)
    companions = normalize_rows(Csr(Y.indptr, Y.indices, rarity[Y.indices], Y.shape[1]))
    leaves: NDArray[np.int32] = _native.part_instances(
        normalize_rows(X),
        companions,
        marks,
        membership,
        np.ascontiguousarray(beams, np.int32),
        np.ascontiguousarray(scores, np.float32),
        coherence=coherence,
        max_iter=_ROUNDS,
        starts=starts,
        n_threads=n_threads,
    )
    return leaves


def route(
    Y: Csr,
    parted: NDArray[np.int32],
    membership: Csr,
    beams: NDArray[np.int64],
    scores: NDArray[np.float32],
    *,
    beam_negatives: float | None = None,
) -> Routes:
    """Return where instances are examples; ``parted`` is from `part_labels`, whose other parameters are the same.

    Leaves of the beam with a score of ``beam_negatives`` or more are preferred ones; none is by default.
    """
    n_leaves = membership.shape[1]
    marks = transpose(Y)
    n_instances = np.diff(marks.indptr)
    held = (parted >= 0) & np.repeat(n_instances >= _PARTED, n_instances)
    pairs = (np.ones(int(held.sum()), np.float32), (marks.indices[held], parted[held]))
    rare = to_scipy(
        Csr(Y.indptr, Y.indices, (n_instances < _PARTED)[Y.indices].astype(np.float32), Y.shape[1])
    )
    examples = sp.coo_array(pairs, shape=(Y.shape[0], n_leaves)).tocsr() + rare @ to_scipy(membership)
    examples.eliminate_zeros()
    visited = examples + lists_to_csr(beams, n_leaves)
    least = np.inf if beam_negatives is None else beam_negatives
    preferred = lists_to_csr(np.where(scores >= least, beams, -1), n_leaves)
    examples.data[:] = visited.data[:] = 1
    return Routes(as_csr(examples), as_csr(visited), as_csr(preferred))


def keep_routed(costs: Csr, routed: Csr) -> Csr:
    """Give positives that are not routed no cost, which makes them neither positive nor negative.

    The pattern of ``routed``, of shape (n_nodes, n) as ``costs``, is a part of theirs: those that keep their cost.
    """
    kept = np.zeros(costs.nnz, bool)
    kept[np.searchsorted(places_of(costs), places_of(routed))] = True
    values = np.where(kept, costs.data, np.float32(0))
    return Csr(costs.indptr, costs.indices, values, costs.shape[1])


def keep_visits(reached: Csr, visited: Csr, leaves: NDArray[np.int64]) -> Csr:
    """Drop the copies of an instance's labels that are in leaves which it does not visit.

    ``reached`` holds the copies of every instance's labels, (n, n_nodes), ``visited`` is of shape (n, n_leaves), and
    ``leaves`` the leaf of every node.
    """
    rows = np.repeat(np.arange(reached.shape[0], dtype=np.int64), np.diff(reached.indptr))
    places = places_of(visited)
    wanted = rows * visited.shape[1] + leaves[reached.indices]
    at = np.minimum(np.searchsorted(places, wanted), places.size - 1)
    kept = places[at] == wanted if places.size else np.zeros(wanted.size, bool)
    indptr = np.concatenate([[0], np.cumsum(kept)])[reached.indptr]
    return Csr(indptr, reached.indices[kept], reached.data[kept], reached.shape[1])
