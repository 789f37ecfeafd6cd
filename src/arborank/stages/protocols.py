"""The three stages as protocols: any object that keeps a promise below can stand in for the stage.

`arborank.stages.StagedRanker` composes three such objects; `arborank.stages.testing` checks that one keeps its
promise. The promises are about plain SciPy and NumPy objects, so a stage needs nothing of this package but `LabelTree`.
"""

from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_top_ids
from ..core.lazy import sp
from ..core.sparse import as_csr, to_scipy
from ..core.structure import check_structure
from ..indexing import LabelTree

__all__ = [
    "Indexer",
    "Matcher",
    "Ranker",
    "checked_matches",
    "checked_scores",
    "checked_tree",
    "require_stage",
]


@runtime_checkable
class Indexer(Protocol):
    """Index: groups the labels into a tree.

    Promise
    -------
    ``index(X, Y)`` gets the training instances ``X``, a float32 ``csr_array`` of shape (n, n_features), and their
    labels ``Y``, a float32 ``csr_array`` of ones of shape (n, n_labels). It returns a `LabelTree` with ``n_labels``
    labels and at least two layers; `LabelTree.from_clusters` makes one of a cluster number a label. A label may be in
    several leaves; one without an instance may be in none: then it is never predicted. The same input gives the same
    tree. The input is not changed.
    """

    def index(self, X: "sp.csr_array", Y: "sp.csr_array") -> LabelTree:
        """Return the label tree."""
        ...


@runtime_checkable
class Matcher(Protocol):
    """Match: from an instance to the clusters of labels that suit it.

    Promise
    -------
    ``fit(X, C, tree)`` learns from instances ``X`` (``csr_array``, n x n_features, float32), the clusters ``C`` of
    their labels (``csr_array`` of ones, n x n_clusters) and the tree above the clusters: a `LabelTree` whose labels are
    the clusters, in their order. A matcher may ignore the tree. It returns itself. A second call forgets the first.

    ``match(X, k)`` returns ``(clusters, scores)`` for other instances, 2-D arrays of n rows and at most k columns:
    integer ids in [0, n_clusters), each at most once a row, best first, -1 at the end of a row that has fewer; and
    floating-point scores, descending, finite (in float32, too) where there is an id and -inf where there is none. A
    row's answer does not depend on the other rows. The input is not changed.
    """

    def fit(self, X: "sp.csr_array", C: "sp.csr_array", tree: LabelTree) -> Self:
        """Learn which clusters suit which instances."""
        ...

    def match(self, X: "sp.csr_array", k: int) -> tuple[NDArray[np.integer], NDArray[np.floating]]:
        """Return the k best clusters of every instance and their scores."""
        ...


@runtime_checkable
class Ranker(Protocol):
    """Rank: scores the labels in the clusters that were matched.

    Promise
    -------
    ``fit(X, Y, tree, active)`` learns from instances ``X`` (``csr_array``, n x n_features, float32), their labels
    ``Y`` (``csr_array`` of ones, n x n_labels), the label tree, whose leaves are the clusters, and ``active``
    (``csr_array`` of ones, n x n_clusters): the clusters of which an instance is an example, those of its labels among
    them. It returns itself. A second call forgets the first.

    ``score(X, clusters)`` gets other instances and ``clusters`` (int64, n x k): each row's matched clusters, in any
    order, padded with -1. It returns a sparse matrix or array of shape (n, n_slots), where a *slot* is a place on the
    bottom level of the tree: slot ``s`` holds label ``tree.labels[s]``, and the slots of cluster ``c`` are
    ``tree.branches[-1][c]`` to ``tree.branches[-1][c + 1]``. A row stores one finite value that fits in
    float32, zeros included, for every slot of its clusters, and none for any other. Higher is better; what the values
    mean is up to the score combination. A row's answer does not depend on the other rows. The input is not changed.
    """

    def fit(self, X: "sp.csr_array", Y: "sp.csr_array", tree: LabelTree, active: "sp.csr_array") -> Self:
        """Learn to tell the labels of a cluster apart."""
        ...

    def score(self, X: "sp.csr_array", clusters: NDArray[np.int64]) -> "sp.csr_array":
        """Return the values of the slots in every row's clusters."""
        ...


def require_stage(stage: object, protocol: type[object], name: str) -> None:
    """Raise TypeError, naming the argument, unless an object has a protocol's methods."""
    methods = {Indexer: ("index",), Matcher: ("fit", "match"), Ranker: ("fit", "score")}[protocol]
    missing = [method for method in methods if not callable(getattr(stage, method, None))]
    if missing:
        raise TypeError(
            f"{name} must be {'an' if protocol is Indexer else 'a'} {protocol.__name__}, an object with "
            f"{' and '.join(methods)}; {type(stage).__name__} has no {missing[0]}"
        )


def checked_tree(stage: object, tree: object, n_labels: int) -> LabelTree:
    """Return what an indexer returned, or raise an error that names it and its promise."""
    who = f"{type(stage).__name__}.index returned"
    if not isinstance(tree, LabelTree):
        raise TypeError(f"{who} {type(tree).__name__}; an Indexer promises a LabelTree")
    if tree.n_labels != n_labels:
        raise ValueError(
            f"{who} a tree of {tree.n_labels} labels; an Indexer promises {n_labels}, the columns of Y"
        )
    if tree.depth < 2:
        raise ValueError(
            f"{who} a flat tree; an Indexer promises at least two layers: clusters, and labels in them"
        )
    return tree


def checked_matches(
    stage: object, answer: object, n_rows: int, k: int, n_clusters: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return what a matcher returned as int64 and float32, or raise an error that names it and its promise."""
    who = f"{type(stage).__name__}.match returned"
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise TypeError(f"{who} {type(answer).__name__}; a Matcher promises a tuple (clusters, scores)")
    promised = (
        f"a Matcher promises ids in [0, {n_clusters}), each at most once a row, padded at its end with -1"
    )
    try:
        ids = check_top_ids(f"the clusters that {who}", _array(answer[0], f"{who} clusters"))
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{error}; {promised}") from None
    scores = _array(answer[1], f"{who} scores")
    if scores.dtype.kind != "f":
        raise TypeError(f"{who} scores of dtype {scores.dtype}; a Matcher promises floating-point numbers")
    if ids.shape != scores.shape or ids.shape[0] != n_rows or ids.shape[1] > k:
        raise ValueError(
            f"{who} shapes {ids.shape} and {scores.shape}; a Matcher promises {n_rows} rows and at most {k} columns"
        )
    if ids.size and ids.max() >= n_clusters:
        raise ValueError(f"{who} cluster {ids.max()}; {promised}")
    held = ids >= 0
    narrow = np.full(ids.shape, -np.inf, np.float32)
    narrow[held] = _narrow(scores[held], f"{who} a score", "a Matcher")
    padded = np.where(held, scores, -np.inf)
    if (padded[:, 1:] > padded[:, :-1]).any():
        raise ValueError(f"{who} scores that ascend; a Matcher promises the best cluster first")
    return ids.astype(np.int64, copy=False), narrow


def _narrow(values: NDArray[Any], what: str, who: str) -> NDArray[np.float32]:
    """Return finite values as float32."""
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError(f"{what} that is not finite; {who} promises finite scores")
    if not np.isfinite(narrow).all():
        raise ValueError(f"{what} too large for float32; {who} promises scores that fit")
    return narrow


def _array(values: Any, what: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(f"{what} in rows of different lengths; a Matcher promises 2-D arrays") from None


def checked_scores(
    stage: object, answer: Any, clusters: NDArray[np.int64], tree: LabelTree
) -> "sp.csr_array":
    """Return what a ranker returned as CSR, or raise an error that names it and its promise."""
    who = f"{type(stage).__name__}.score returned"
    if not sp.issparse(answer):
        raise TypeError(
            f"{who} {type(answer).__name__}; a Ranker promises a sparse matrix of the scores of slots"
        )
    expected = (clusters.shape[0], int(tree.labels.size))
    if answer.shape != expected:
        raise ValueError(
            f"{who} shape {answer.shape}; a Ranker promises {expected}, one column per slot of the tree"
        )
    if answer.dtype.kind not in "biuf":
        raise TypeError(f"{who} values of dtype {answer.dtype}; a Ranker promises real numbers")
    try:
        matrix = sp.csr_array(check_structure(answer, "it").tocsr())
    except ValueError as error:
        raise ValueError(
            f"{who} a damaged matrix ({error}); a Ranker promises slots in [0, {expected[1]})"
        ) from None
    values = _narrow(matrix.data, f"{who} a value", "a Ranker")
    matrix = sp.csr_array((values, matrix.indices, matrix.indptr), shape=expected)
    sizes = np.append(np.diff(tree.branches[-1]), 0)  # the last one is for the padding -1
    found, due = np.diff(matrix.indptr), sizes[clusters].sum(axis=1)
    if (found != due).any():
        row = int(np.argmax(found != due))
        raise ValueError(
            f"{who} {found[row]} values for row {row}, whose clusters have {due[row]} slots; a Ranker promises a value "
            "for each of them, zeros included"
        )
    rows = np.repeat(np.arange(clusters.shape[0]), found)
    above = tree.parents(tree.depth)[matrix.indices]
    outside = ~(clusters[rows] == above[:, None]).any(axis=1)
    if outside.any():
        row, slot = int(rows[outside][0]), int(matrix.indices[outside][0])
        raise ValueError(
            f"{who} a value for slot {slot} in row {row}, to which its cluster was not matched; a Ranker promises "
            "values for the slots of matched clusters only"
        )
    keys = np.sort(rows * np.int64(expected[1]) + matrix.indices)
    twice = np.flatnonzero(keys[1:] == keys[:-1])
    if twice.size:
        row, slot = divmod(int(keys[twice[0]]), expected[1])
        raise ValueError(
            f"{who} two values for slot {slot} in row {row}; a Ranker promises one value for each slot"
        )
    return to_scipy(as_csr(matrix, f"what {type(stage).__name__}.score returned"))
