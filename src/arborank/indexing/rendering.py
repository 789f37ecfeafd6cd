"""A label tree as text: its shape level by level and, with names, its branches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..core.display import printable

if TYPE_CHECKING:
    from .tree import LabelTree

__all__ = ["render"]


def render(
    tree: LabelTree,
    names: Sequence[str] | None,
    *,
    max_depth: int,
    examples: int,
    words: Mapping[int, Sequence[Sequence[str]]] | None = None,
) -> str:
    """Draw a tree; see `LabelTree.describe`."""
    lines = list(_shape(tree))
    if names is not None:
        if max_depth < 1 or examples < 1:
            raise ValueError(f"max_depth and examples must be at least 1, found {max_depth} and {examples}")
        lines += ["", f"root ({tree.n_labels:,} labels)"]
        depth = min(max_depth, tree.depth)
        lines += _branches(tree, names, words or {}, depth, examples, level=0, node=0, indent="")
    return "\n".join(lines)


def _shape(tree: LabelTree) -> Iterator[str]:
    slots = f" in {tree.labels.size:,} slots" if tree.overlapping else ""
    yield f"{tree.n_labels:,} labels{slots}, depth {tree.depth}"
    yield f"{'level':>5} {'nodes':>12}   children of a node (min / median / max)"
    for level, branch in enumerate(tree.branches):
        sizes = np.diff(branch)
        spread = f"{sizes.min():,} / {np.median(sizes):,.0f} / {sizes.max():,}"
        yield f"{level:>5} {sizes.size:>12,}   {spread}"
    yield f"{tree.depth:>5} {tree.labels.size:>12,}   labels"


def _branches(
    tree: LabelTree,
    names: Sequence[str],
    words: Mapping[int, Sequence[Sequence[str]]],
    max_depth: int,
    examples: int,
    *,
    level: int,
    node: int,
    indent: str,
) -> Iterator[str]:
    begin, end = int(tree.branches[level][node]), int(tree.branches[level][node + 1])
    slot_bounds = tree.slot_bounds(level + 1)
    for child in range(begin, end):
        stem, more = ("└─ ", "   ") if child == end - 1 else ("├─ ", "│  ")
        first, last = int(slot_bounds[child]), int(slot_bounds[child + 1]) - 1
        if level + 1 == tree.depth:
            yield f"{indent}{stem}{printable(names[tree.labels[first]])}"
            continue
        # Examples from all over the branch say more about it than its first labels.
        shown = np.linspace(first, last, num=min(examples, last - first + 1), dtype=np.int64)
        sample = ", ".join(printable(names[tree.labels[slot]]) for slot in shown)
        dots = ", …" if shown.size < last - first + 1 else ""
        said = printable(", ".join(words[level + 1][child])) if level + 1 in words else ""
        yield f"{indent}{stem}{level + 1}.{child} ({last - first + 1:,} labels{said and f'; {said}'}): {sample}{dots}"
        if level + 1 < max_depth:
            yield from _branches(
                tree, names, words, max_depth, examples, level=level + 1, node=child, indent=indent + more
            )
