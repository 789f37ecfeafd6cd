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

where ``p`` is 1, 2, 3 or 4, as in ``l3-hinge``. Nodes of the first level are not combined with anything. With every
combination but ``noop`` a child never scores above its parent, so a search may stop early without changing its answer.

The names and meanings are those of PECOS [1]_.

References
----------
.. [1] H.-F. Yu, K. Zhong, J. Zhang, W.-C. Chang, I. S. Dhillon, "PECOS: Prediction for Enormous and Correlated Output
   Spaces", JMLR 23, 2022.
"""

from typing import Final

from .._native import Combination

__all__ = ["COMBINATIONS", "combination"]

_IDENTITY, _SIGMOID, _HINGE = range(3)  # enum Transform in native/combine.hpp

_TABLE: Final[dict[str, Combination]] = {
    "noop": Combination(_IDENTITY, 0, False),
    "sigmoid": Combination(_SIGMOID, 0, False),
    "log-sigmoid": Combination(_SIGMOID, 0, True),
    **{f"l{p}-hinge": Combination(_HINGE, p, False) for p in (1, 2, 3, 4)},
    **{f"log-l{p}-hinge": Combination(_HINGE, p, True) for p in (1, 2, 3, 4)},
}

COMBINATIONS: Final[tuple[str, ...]] = tuple(_TABLE)


def combination(name: str) -> Combination:
    """Look up a combination; calling it with margins and parents' scores (float32 arrays) gives scores.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    try:
        return _TABLE[name]
    except (KeyError, TypeError):
        raise ValueError(f"combine is {name!r}; expected one of {', '.join(COMBINATIONS)}") from None
