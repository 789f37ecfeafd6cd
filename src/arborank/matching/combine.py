"""Score combinations: how a node's margin becomes a score and meets the score of its parent.

With margin ``v = w·x + b`` and ``h = max(0, 1 - v)``:

================  =======================  ===============================
name              transform of the margin  combined with the parent's score
================  =======================  ===============================
``noop``          ``v``                    not at all: the parent is ignored
``sigmoid``       ``1 / (1 + exp(-v))``    multiplied
``log-sigmoid``   ``-log(1 + exp(-v))``    added
``lp-hinge``      ``exp(-h**p)``           multiplied
``log-lp-hinge``  ``-h**p``                added
================  =======================  ===============================

where ``p`` is 1, 2, 3 or 4, as in ``l3-hinge``. Nodes of the first level are not combined with anything.
``l2-l3-hinge`` and ``l3-l4-hinge`` (and with ``log-``) take the first power for the nodes above the labels and
the second one at the labels: clusters that are not quite certain then count for more. That helps where a query's
words say little about the cluster, as in titles, and costs where they say much; validation data tell.

With every combination but ``noop`` a child never scores above its parent, so a search may stop early
without changing its answer.

The names and meanings of those with one power are those of PECOS [1]_.

References
----------
.. [1] H.-F. Yu, K. Zhong, J. Zhang, W.-C. Chang, I. S. Dhillon, "PECOS: Prediction for Enormous and
   Correlated Output Spaces", JMLR 23, 2022.
"""

from collections.abc import Iterator
from typing import Final

from .._native import Combination, Transform
from ..core.checks import check_choice

__all__ = ["COMBINATIONS", "combination", "is_logarithmic"]


def _hinges(logarithm: bool) -> Iterator[tuple[str, Combination, Combination]]:
    """Name, combination above the labels, combination at the labels."""
    of = {power: Combination(Transform.hinge, power=power, logarithm=logarithm) for power in (1, 2, 3, 4)}
    prefix = "log-" if logarithm else ""
    for power, one in of.items():
        yield f"{prefix}l{power}-hinge", one, one
    for above, labels in ((2, 3), (3, 4)):
        yield f"{prefix}l{above}-l{labels}-hinge", of[above], of[labels]


_TABLE: Final[dict[str, tuple[Combination, Combination]]] = {  # above the labels, at the labels
    "noop": (Combination(Transform.identity),) * 2,
    "sigmoid": (Combination(Transform.sigmoid),) * 2,
    "log-sigmoid": (Combination(Transform.sigmoid, logarithm=True),) * 2,
    **{name: (above, labels) for name, above, labels in (*_hinges(False), *_hinges(True))},
}

COMBINATIONS: Final[tuple[str, ...]] = tuple(_TABLE)


def combination(name: str, *, labels: bool = True) -> Combination:
    """Look up a combination; calling it with margins and parents' scores (float32 arrays) gives scores.

    Parameters
    ----------
    name : str
        One of `COMBINATIONS`.
    labels : bool, default True
        That of the labels, else that of the nodes above them.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    try:
        return _TABLE[name][labels]
    except (KeyError, TypeError):
        check_choice("combine", name, COMBINATIONS)
        raise


def is_logarithmic(name: str) -> bool:
    """Whether a combination's scores are logarithms: at most 0, and added to those of the parents."""
    return name.startswith("log-")
