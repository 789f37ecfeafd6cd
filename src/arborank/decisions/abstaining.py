"""No answer where the model is not sure of any."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..core.options import option, optional, real
from ..core.types import MatrixLike
from .expected_f1 import ExpectedF1
from .rule import Rule, Tuning
from .shortlists import ShortLists
from .thresholds import lowest

__all__ = ["Abstain"]


def _check_rule(name: str, value: object) -> None:
    if not isinstance(value, Rule) or isinstance(value, Abstain):
        raise TypeError(f"{name} must be a rule that does not abstain itself, found {value!r}")


@dataclass(frozen=True)
class Abstain(Rule):
    """Another rule, but no label for rows whose best label is too uncertain; a person may look at these.

    Parameters
    ----------
    least : float, optional
        The probability that the best label of a row must reach. By default `fit` chooses the lowest at which the best
        labels of the rows that are answered have ``precision``.
    precision : float, default=0.8
        Above 0 and at most 1.
    then : Rule, default=ExpectedF1()
        What chooses the labels of the other rows.

    Examples
    --------
    >>> from arborank.decisions import Abstain
    >>> Abstain(0.5).abstains([[0.9, 0.2], [0.4, 0.3]]).tolist()
    [False, True]
    """

    kind: ClassVar[str] = "abstain"
    main: ClassVar[str] = "least"

    least: float | None = option(None, optional(real(least=0.0, most=1.0)))
    precision: float = option(0.8, real(above=0.0, most=1.0))
    then: Rule = option(ExpectedF1(), _check_rule)

    @property
    def is_tuned(self) -> bool:
        """Whether both parts are."""
        return self.least is not None and self.then.is_tuned

    def abstains(self, probabilities: MatrixLike) -> NDArray[np.bool_]:
        """Return which rows get no label; parameters and errors are those of `decide`."""
        self.check_tuned()
        return self._abstains(ShortLists.of(probabilities))

    def _tuned(self, tuning: Tuning) -> Self:
        then, least = self.then._tuned(tuning), self.least
        if least is None:
            best = tuning.lists.places == 0
            least = lowest(tuning.lists.chances[best], tuning.lists.known_hits[best], self.precision)
        return replace(self, least=least, then=then)

    def _abstains(self, lists: ShortLists) -> NDArray[np.bool_]:
        assert self.least is not None
        unsure = np.ones(lists.n_rows, np.bool_)
        best = lists.places == 0
        unsure[lists.rows[best]] = lists.chances[best] < np.float32(self.least)
        return unsure

    def _chosen(self, lists: ShortLists) -> NDArray[np.bool_]:
        chosen: NDArray[np.bool_] = self.then._chosen(lists) & ~self._abstains(lists)[lists.rows]
        return chosen
