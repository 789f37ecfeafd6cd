"""Why a label got its score: every way from the root to it, and what each feature adds on the way."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer
from ..core.estimator import check_fitted
from ..core.figures import Shown, html_table, new_figure
from ..core.lazy import sp
from ..core.lengths import divide_rows
from ..core.sparse import Csr, as_csr, to_scipy
from ..core.types import MatrixLike
from ..features.base import rows_of
from ..linear import XRLinear
from ..linear.centroids import check_rerank, join_scores
from ..linear.defaults import search_of
from ..linear.instances import known_rows
from ..matching import combination
from ..matching.combine import is_logarithmic
from ..text import TextRanker
from ..text.names import label_id
from ..transformer import XRTransformer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Explanation", "Likeness", "Path", "Step", "asked_of", "explain"]


@dataclass(frozen=True)
class Step:
    """One ranker on the way.

    Attributes
    ----------
    node : int
        Number on its level; on the last one, the slot.
    margin : float
        Sum of what all features add, and of ``bias``.
    score : float
        The margin's score, joined to the parent's.
    bias : float
    features : list of (int or str, float)
        The features that add most to the margin or take most from it, and how much: the value times its weight. The
        largest in magnitude first. Features are column numbers; of a TextRanker or a transformer, terms, and
        ``"embedding"`` for all that the embedding adds.
    """

    node: int
    margin: float
    score: float
    bias: float
    features: list[tuple[int | str, float]]


@dataclass(frozen=True)
class Likeness:
    """How alike the instance and a label's centroid are, where the model ranks short lists again.

    Attributes
    ----------
    similarity : float
        The cosine.
    share : float
        How much of the label's score is the centroid's: ``rerank``, less the more instances the label has.
    features : list of (int or str, float)
        Those that the two share, and what each adds to the cosine; as of a `Step`.
    """

    similarity: float
    share: float
    features: list[tuple[int | str, float]]


@dataclass(frozen=True)
class Path:
    """One way from the root to a label; a label of an overlapping tree has one for each of its leaves.

    Attributes
    ----------
    leaf : int
        Node of level ``depth - 1``.
    score : float
        Of the last step, joined with the centroid's if there is one; the label's score if a beam holds all steps. With
        ``merge="max"`` that is the best path's, with several trees the average of all.
    steps : list of Step
        Top first.
    centroid : Likeness or None
        With ``rerank`` above 0.
    """

    leaf: int
    score: float
    steps: list[Step]
    centroid: Likeness | None = None


class Explanation(Shown, list[Path]):
    """Every way to a label, the best first: a list of `Path` that can be drawn.

    Attributes
    ----------
    label : int or str
    """

    def __init__(self, label: int | str, paths: Iterable[Path] = ()) -> None:
        super().__init__(paths)
        self.label = label

    def plot(self) -> "Figure":
        """Draw what each feature adds on the best way, a column a step; ``ImportError`` without matplotlib."""
        steps = self[0].steps if self else []
        rows = max((len(step.features) for step in steps), default=1)
        figure = new_figure(2.8 * max(len(steps), 1), 0.26 * rows + 1.2)
        figure.suptitle(f"{self.label}", parse_math=False)
        places = figure.subplots(1, len(steps), squeeze=False)[0] if steps else ()
        for level, (axes, step) in enumerate(zip(places, steps, strict=True), 1):
            values = [value for _, value in step.features]
            colours = ["#9ecae1" if value > 0 else "#fdae6b" for value in values]
            axes.barh(range(len(values)), values, color=colours)
            axes.set_yticks(
                range(len(values)), [str(name) for name, _ in step.features], fontsize=8, parse_math=False
            )
            axes.invert_yaxis()
            axes.axvline(0, color="grey", linewidth=0.8)
            axes.set_title(f"level {level}, node {step.node}: {step.score:.3g}", fontsize=9)
        return figure

    def to_html(self) -> str:
        """Return a table a way: level, node, score, margin, and the features that add most."""
        tables = []
        for way in self:
            rows: list[list[object]] = [["level", "node", "score", "margin", "bias", "features"]]
            for level, step in enumerate(way.steps, 1):
                told = ", ".join(f"{name} {value:+.3g}" for name, value in step.features)
                rows.append(
                    [level, step.node, *(f"{v:.3g}" for v in (step.score, step.margin, step.bias)), told]
                )
            if way.centroid is not None:
                told = ", ".join(f"{name} {value:+.3g}" for name, value in way.centroid.features)
                rows.append(["centroid", "", f"{way.centroid.similarity:.3g}", "", "", told])
            tables.append(html_table(rows, f"{self.label}: {way.score:.3g}, by leaf {way.leaf}"))
        return "\n".join(tables)


def explain(
    model: XRLinear | XRTransformer | TextRanker,
    x: MatrixLike,
    label: int | str,
    *,
    X: MatrixLike | None = None,
    n_features: int = 8,
    combine: str | None = None,
) -> Explanation:
    """Return every way to a label for one instance, the best first.

    Parameters
    ----------
    model : XRLinear, XRTransformer, XTransformer, or a TextRanker around one of them
        Fitted; any estimator with a tree of linear rankers.
    x : sparse matrix or array of shape (1, n_features), or str for a transformer or a TextRanker
    label : int, or str for a TextRanker
    X : sparse matrix of shape (1, n_sparse_features), optional
        Sparse features of the text, for a transformer that was fitted with some.
    n_features : int, default 8
        Most features a step.
    combine : str, optional
        Instead of the model's own.

    Returns
    -------
    Explanation
        A list of `Path`, with ``plot()``; empty for a label outside the tree.

    Raises
    ------
    TypeError, ValueError
        If the model is not fitted, ``x`` is not one row of its features (one text) or there is no such label.
    """
    ranker, row, number, names = asked_of(model, x, label, X)
    return Explanation(label, _ways(ranker, row, number, n_features, combine, names))


def asked_of(
    model: XRLinear | XRTransformer | TextRanker,
    x: MatrixLike | str,
    label: int | str,
    X: MatrixLike | None = None,
) -> tuple[XRLinear, Csr, int, Callable[[int], int | str] | None]:
    """Return the tree of rankers in a model, the row that it scores, the label's id, and the names of features.

    Parameters and errors are those of `explain`.
    """
    if isinstance(model, TextRanker):
        check_fitted(model, "model_")
        if not isinstance(label, str):
            raise TypeError(f"label must be the name of one, found {label!r}")
        inner, number = model.model_, label_id(model.labels_, label, model.normalization, "label")
        if isinstance(inner, XRTransformer):
            return asked_of(inner, x, number, X)
        if not isinstance(x, str):
            raise TypeError(f"x must be a str, found {type(x).__name__}")
        if X is not None:
            raise ValueError("X was given, but the features of a TextRanker are those of x")
        terms = model.features_.get_feature_names_out()
        return _one_row(_tree_of(inner), rows_of(model.features_, [x]), number, lambda i: str(terms[i]))
    if isinstance(model, XRTransformer):
        if not isinstance(x, str):
            raise TypeError(f"x must be a str, found {type(x).__name__}")
        instance, names = model.explained_row(x, X)
        return _one_row(model.ranker_, as_csr(instance), label, names)
    if X is not None:
        raise ValueError(f"X was given, but {type(model).__name__} has no features beside x")
    return _one_row(_tree_of(model), known_rows(_tree_of(model), x), label, None)


def _one_row(
    model: XRLinear, row: Csr, label: Any, names: Callable[[int], int | str] | None
) -> tuple[XRLinear, Csr, int, Callable[[int], int | str] | None]:
    if row.shape[0] != 1:
        raise ValueError(f"x has {row.shape[0]} rows; one was expected")
    return model, row, check_integer("label", label, 0, model.tree_.n_labels - 1), names


def _tree_of(model: Any) -> XRLinear:
    if not isinstance(model, XRLinear):
        raise TypeError(
            f"model must have one tree of linear rankers, as XRLinear, found {type(model).__name__}"
        )
    return model


def _ways(
    model: XRLinear,
    instance: Csr,
    label: int,
    n_features: int,
    combine: str | None,
    names: Callable[[int], int | str] | None,
) -> list[Path]:
    tree = model.tree_
    check_integer("n_features", n_features, 1)
    how = search_of(model)[1] if combine is None else combine
    join = combination(how)
    slots = np.flatnonzero(tree.labels == label)
    ways = np.stack([tree.ancestors(level + 1)[slots] for level in range(tree.depth)])
    scores = np.full(slots.size, 0.0 if is_logarithmic(how) else 1.0, np.float32)
    steps: list[list[Step]] = [[] for _ in slots]
    row = to_scipy(divide_rows(instance, model.row_length_))
    for layer, nodes in zip(model.layers_, ways, strict=True):
        weights, bias = layer.to_matrix()
        added = (row.multiply(weights[:, nodes].T)).tocsr()
        margins = (np.asarray(added.sum(axis=1)).ravel() + bias[nodes]).astype(np.float32)
        scores = join(margins, scores)
        for number, node in enumerate(nodes.tolist()):
            own = slice(added.indptr[number], added.indptr[number + 1])
            features = _largest(added.indices[own], added.data[own], n_features, names)
            values = (float(margins[number]), float(scores[number]), float(bias[node]))
            steps[number].append(Step(node, *values, features))
    leaves = ways[-2] if tree.depth > 1 else np.zeros(slots.size, np.int64)
    likeness = _likeness(model, row, int(label), how, n_features, names)
    final = [way[-1].score for way in steps]
    if likeness is not None:
        parts = likeness.share, likeness.similarity
        final = [join_scores(score, *parts, logarithm=is_logarithmic(how)) for score in final]
    paths = [
        Path(int(leaf), score, way, likeness)
        for leaf, score, way in zip(leaves.tolist(), final, steps, strict=True)
    ]
    return sorted(paths, key=lambda path: -path.score)


def _likeness(
    model: XRLinear,
    row: "sp.csr_array",
    label: int,
    combine: str,
    n_features: int,
    names: Callable[[int], int | str] | None,
) -> Likeness | None:
    centroids = model.fitted_.centroids
    if not model.rerank or centroids is None:
        return None
    check_rerank(model.rerank, combine)
    similarity, added = centroids.similarity(row, label)
    share = model.rerank * float(centroids.shares[label])
    return Likeness(similarity, share, _largest(added.indices, added.data, n_features, names))


def _largest(
    columns: NDArray[Any], values: NDArray[Any], n: int, names: Callable[[int], int | str] | None
) -> list[tuple[int | str, float]]:
    order = np.argsort(columns)
    columns, values = columns[order], values[order]
    features: list[int | str] = columns.tolist()
    if names is not None:  # columns of one name count as one feature
        named = [names(column) for column in columns.tolist()]
        features = list(dict.fromkeys(named))
        place = {name: i for i, name in enumerate(features)}
        values = np.bincount([place[name] for name in named], weights=values, minlength=len(features))
    best = np.argsort(-np.abs(values), kind="stable")[:n]
    return [(features[i], float(values[i])) for i in best if values[i] != 0]
