"""A label tree as a page to walk through: branches that open, with the words of each node."""

from collections.abc import Iterator, Sequence
from html import escape

from ..core.checks import check_integer
from ..core.estimator import check_fitted
from ..core.figures import html_page
from ..linear import XRLinear
from .naming import node_names

__all__ = ["tree_page"]


def tree_page(
    model: XRLinear,
    labels: Sequence[str],
    features: Sequence[str] | None = None,
    *,
    title: str = "Label tree",
    n_words: int = 4,
    most_labels: int = 200,
) -> str:
    """Return a page of the whole tree that stands alone: no script, nothing that is loaded.

    Parameters
    ----------
    model : XRLinear
        Fitted.
    labels : sequence of str, length n_labels
    features : sequence of str, length n_features, optional
        Names of the features: every node shows its strongest `node_names`.
    title : str, default "Label tree"
    n_words : int, default 4
        Words of a node.
    most_labels : int, default 200
        Labels that a leaf shows; of the others it says how many there are.

    Raises
    ------
    TypeError, ValueError
        If the model is not fitted, or there is not a name for each label and feature.
    """
    check_fitted(model, "fitted_")
    check_integer("most_labels", most_labels, 1)
    tree = model.tree_
    if len(labels) != tree.n_labels:
        raise ValueError(f"labels has {len(labels)} names, but the model has {tree.n_labels} labels")
    words: list[list[list[str]]] = [[[]]]
    for level in range(1, tree.depth):
        n_nodes = int(tree.level_sizes[level])
        words.append(
            [[]] * n_nodes if features is None else node_names(model, level, features, n_words=n_words)
        )
    bounds = [tree.slot_bounds(level).tolist() for level in range(tree.depth)]

    def below(level: int, node: int) -> Iterator[str]:
        first, last = bounds[level][node], bounds[level][node + 1]
        told = f"{last - first:,} label{'s' if last - first > 1 else ''}"
        named = (
            f' <span class="words">{escape(", ".join(words[level][node]))}</span>'
            if words[level][node]
            else ""
        )
        yield f"<details{' open' if level == 0 else ''}><summary>{told}{named}</summary>"
        if level + 1 == tree.depth:
            shown = tree.labels[first : min(last, first + most_labels)].tolist()
            rest = f"<li>… {last - first - most_labels:,} more</li>" if last - first > most_labels else ""
            yield f"<ul>{''.join(f'<li>{escape(labels[label])}</li>' for label in shown)}{rest}</ul>"
        else:
            branch = tree.branches[level]
            for child in range(int(branch[node]), int(branch[node + 1])):
                yield from below(level + 1, child)
        yield "</details>\n"

    return html_page(title, "".join(below(0, 0)))
