"""Why a label is not among the answers: where it left the beam, and what would have kept it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer
from ..core.figures import Shown, html_table
from ..core.sparse import Csr
from ..core.types import MatrixLike
from ..linear import XRLinear
from ..linear.defaults import search_of
from ..matching import BeamSearch
from ..text import TextRanker
from .explain import asked_of

__all__ = ["Standing", "WhyNot", "why_not"]


@dataclass(frozen=True)
class Standing:
    """Where a node that leads to the label stands among those that are scored on its level.

    Attributes
    ----------
    level, node : int
        Level 1 are the children of the root.
    place : int or None
        1 for the best; None if its parent is not in the beam.
    n_scored : int
        Nodes that are compared.
    score : float or None
    needed : float or None
        The score of the last node in the beam.
    """

    level: int
    node: int
    place: int | None
    n_scored: int
    score: float | None
    needed: float | None


@dataclass(frozen=True)
class WhyNot(Shown):
    """How a label fares in a search. ``str(found)`` says it in words.

    Attributes
    ----------
    label : int or str
    k, beam_size : int
        What was asked for.
    standings : list of Standing
        Of the levels above the labels, top first: at each the best of the nodes that lead to the label.
    lost_at : int or None
        The first level where none of these is in the beam; None if the label itself is reached.
    place : int or None
        The label's place among all that are reached; None if it is not.
    enough : int or None
        The smallest beam found that reaches the label; None for a label outside the tree.
    place_then : int or None
        Its place with that beam.
    """

    label: int | str
    k: int
    beam_size: int
    standings: list[Standing]
    lost_at: int | None
    place: int | None
    enough: int | None
    place_then: int | None

    def __str__(self) -> str:
        name = f"{self.label!r}"
        if self.enough is None:
            return f"{name} is in no leaf of the tree: it had no instance in training, or was removed."
        if self.place is not None and self.place <= self.k:
            return f"{name} is answered, at place {self.place} of {self.k}."
        if self.place is not None:
            return f"{name} is reached, but only place {self.place}, beyond the {self.k} that were asked for."
        lost = self.standings[(self.lost_at or 1) - 1]
        told = f"{name} leaves the beam at level {lost.level}: its branch is place {lost.place} of {lost.n_scored}"
        told += f" there, and the beam keeps {self.beam_size}"
        if lost.score is not None and lost.needed is not None:
            told += f" (score {lost.score:.3g}; the last that is kept has {lost.needed:.3g})"
        return f"{told}. beam_size={self.enough} reaches it, at place {self.place_then}."

    def to_html(self) -> str:
        """Return the same in words, with a table of the levels."""
        rows: list[list[object]] = [["level", "node", "place", "of", "score", "last kept"]]
        for one in self.standings:
            cells = (one.place, one.n_scored, one.score, one.needed)
            rows.append([one.level, one.node, *("–" if cell is None else f"{cell:.4g}" for cell in cells)])
        return html_table(rows, str(self))


def why_not(
    model: "XRLinear | TextRanker",
    x: MatrixLike | str,
    label: int | str,
    *,
    k: int = 10,
    beam_size: int | None = None,
) -> WhyNot:
    """Return where a label leaves the beam for one instance, and which beam would have kept it.

    Parameters
    ----------
    model, x, label
        As for `arborank.analysis.explain.explain`.
    k : int, default 10
        Labels that are asked for.
    beam_size : int, optional
        Instead of the model's own.

    Raises
    ------
    TypeError, ValueError
        As `arborank.analysis.explain.explain`.
    """
    ranker, row, number, _ = asked_of(model, x, label)
    check_integer("k", k, 1)
    own_beam, combine = search_of(ranker)
    beam = own_beam if beam_size is None else check_integer("beam_size", beam_size, 1)
    tree = ranker.tree_
    slots = np.flatnonzero(tree.labels == number)
    if not slots.size:
        return WhyNot(label, k, beam, [], None, None, None, None)
    ways = [np.unique(tree.ancestors(level)[slots]) for level in range(1, tree.depth)]
    standings, lost_at = _descend(ranker, row, ways, beam, combine)
    found, enough = standings, beam
    lost = lost_at
    while lost is not None:  # a wider beam may lose it further down, to nodes that a narrower one has not met
        enough = max(found[lost - 1].place or 0, enough + 1)
        found, lost = _descend(ranker, row, ways, enough, combine)
    place_then = _place(ranker, row, number, enough)
    place = place_then if lost_at is None else None
    return WhyNot(label, k, beam, standings, lost_at, place, enough, place_then)


def _descend(
    model: XRLinear, row: Csr, ways: list[NDArray[np.int64]], beam: int, combine: str
) -> tuple[list[Standing], int | None]:
    """Return where the nodes on the way stand, and the first level where all are lost."""
    fitted, standings, lost_at = model.fitted_, [], None
    for level, nodes in enumerate(ways, 1):
        n_nodes = int(fitted.tree.level_sizes[level])
        top = BeamSearch(
            fitted.tree.branches[:level],
            fitted.layers[:level],
            np.arange(n_nodes, dtype=np.int32),
            n_nodes,
            fitted.row_length,
        )
        ids, scores = top.nodes(row, n_nodes, beam_size=beam, combine=combine)
        ranked = ids[0][ids[0] >= 0]
        places = np.flatnonzero(np.isin(ranked, nodes))
        needed = float(scores[0, min(beam, ranked.size) - 1])
        if not places.size:
            standings.append(Standing(level, int(nodes[0]), None, int(ranked.size), None, needed))
        else:
            first = int(places[0])
            told = (int(ranked[first]), first + 1, int(ranked.size), float(scores[0, first]), needed)
            standings.append(Standing(level, *told))
        if lost_at is None and (not places.size or places[0] >= beam):
            lost_at = level
    return standings, lost_at


def _place(model: XRLinear, row: Csr, label: int, beam: int) -> int | None:
    """Return the place of a label among all that a beam reaches."""
    widest = int(np.diff(model.tree_.branches[-1]).max())
    ids, _ = model.predict_topk(row, min(model.n_labels_, beam * widest), beam_size=beam)
    found = np.flatnonzero(ids[0] == label)
    return int(found[0]) + 1 if found.size else None
