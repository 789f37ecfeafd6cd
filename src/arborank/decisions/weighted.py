"""Top-k by weighted probabilities: the optimal answers where labels count the same, however rare."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..core.options import integer, one_of, option, optional, real
from .frank_wolfe import learn_weights
from .rule import Rule, Tuning, check_width, vector
from .shortlists import ShortLists
from .trading import largest_weight
from .utilities import PER_LABEL, propensity_slopes, recall_slopes

__all__ = ["WeightedTopK"]


@dataclass(frozen=True, eq=False)
class WeightedTopK(Rule):
    """The ``k`` labels of every row with the largest ``slope * probability + offset``, which each label has its own of.

    These are the best answers for utilities that are means over labels, under the condition that every row gets ``k``
    (Schultheis et al., NeurIPS 2023 and ICLR 2024). Rare labels have larger slopes, so fewer answers are right. A rule
    decides every row for itself; `BatchTopK` does better where many rows are decided together.

    Parameters
    ----------
    utility : {"macro-recall", "propensity", "macro-f1", "coverage"}, default="macro-recall"
        What `fit` finds the weights for. The slopes of the first two are one over a label's frequency and propensity in
        training; those of the others are learned by the Frank-Wolfe algorithm.
    k : int, default=5
    weight : float, optional
        How much the utility counts against precision, from 0, where the most probable labels are chosen, to 1. By
        default as much as ``precision_loss`` allows.
    precision_loss : float, default=1.0
        How much P@k may fall on the rows of `fit`: 0.01 is one point. By default all of it.
    slopes, offsets : float32 arrays of shape (n_labels,), optional
        By default `fit` finds them.

    Examples
    --------
    >>> import numpy as np
    >>> from arborank.decisions import WeightedTopK
    >>> rule = WeightedTopK(k=1, slopes=np.array([1.0, 3.0]), offsets=np.zeros(2))
    >>> rule.decide([[0.5, 0.2]]).indices.tolist()
    [1]
    """

    __eq__, __hash__ = object.__eq__, object.__hash__  # arrays have no equality that is one

    kind: ClassVar[str] = "by-row"
    main: ClassVar[str] = "k"

    utility: str = option("macro-recall", one_of(PER_LABEL))
    k: int = option(5, integer(1))
    weight: float | None = option(None, optional(real(least=0.0, most=1.0)))
    precision_loss: float = option(1.0, real(least=0.0, most=1.0))
    slopes: NDArray[np.floating] | None = option(None, vector(least=0.0))
    offsets: NDArray[np.floating] | None = option(None, vector())

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.slopes is None) != (self.offsets is None):
            raise ValueError("slopes and offsets must be given together")

    @property
    def name(self) -> str:
        """The utility; with "-by-row" where `BatchTopK` has it, too."""
        return self.utility if self.utility in ("macro-recall", "propensity") else f"{self.utility}-by-row"

    @property
    def is_tuned(self) -> bool:
        """Whether the weights are known."""
        return self.slopes is not None

    def _tuned(self, tuning: Tuning) -> "WeightedTopK":
        if self.slopes is not None:
            return self
        lists = tuning.lists
        offsets = np.zeros(lists.n_labels)
        if self.utility == "macro-recall":
            slopes = recall_slopes(tuning.label_counts, tuning.n_instances)
        elif self.utility == "propensity":
            slopes = propensity_slopes(tuning.label_counts, tuning.n_instances)
        else:
            slopes, offsets = learn_weights(tuning, self.utility, self.k)
        scale = float(slopes[lists.labels[lists.places < self.k]].mean()) if lists.labels.size else 1.0
        slopes, offsets = slopes / scale, offsets / scale  # as probabilities are, whose slope is 1

        def mixed(weight: float) -> "WeightedTopK":
            kept = (1.0 - weight + weight * slopes).astype(np.float32)
            return replace(self, weight=weight, slopes=kept, offsets=(weight * offsets).astype(np.float32))

        weight = self.weight
        if weight is None:
            weight = largest_weight(
                lists, self.k, lambda weight: mixed(weight)._chosen(lists), self.precision_loss
            )
        return mixed(weight)

    def _chosen(self, lists: ShortLists) -> NDArray[np.bool_]:
        assert self.slopes is not None
        assert self.offsets is not None
        check_width("slopes", self.slopes, lists)
        labels = lists.labels
        return lists.ranked(lists.chances * self.slopes[labels] + self.offsets[labels]) < self.k
