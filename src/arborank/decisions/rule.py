"""What all rules are: frozen values that are tuned on labelled rows, and choose from short lists."""

from dataclasses import dataclass, fields
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.checks import check_real
from ..core.errors import ArgumentError
from ..core.lazy import sp
from ..core.options import Check, Options
from ..core.sparse import Csr, to_scipy
from ..core.state import State
from ..core.types import MatrixLike, Targets
from .shortlists import ShortLists

__all__ = ["Rule", "Tuning", "check_width", "vector"]


def vector(*, least: float | None = None, most: float | None = None) -> Check:
    """Accept None, and a vector with a number for every label."""

    def check(name: str, value: object) -> None:
        if value is None:
            return
        if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind != "f":
            raise TypeError(f"{name} must be a vector of floats, one per label, found {value!r:.60}")
        for number in (value.min(), value.max()) if value.size else ():
            check_real(name, float(number), least=least, most=most)

    return check


def check_width(name: str, values: NDArray[np.floating], lists: ShortLists) -> None:
    """Raise unless there is a value for every label."""
    if values.size != lists.n_labels:
        raise ArgumentError(
            name, f"has {values.size} entries, but there are {lists.n_labels} labels; tune the rule again"
        )


@dataclass(frozen=True, eq=False)
class Tuning:
    """Rows that a rule is tuned on, and what is known of training.

    Attributes
    ----------
    lists : ShortLists
        With their true labels.
    label_counts : int64 array of shape (n_labels,)
        Training instances of every label; those of the rows where nothing else is known.
    n_instances : int
        Training instances in all.
    """

    lists: ShortLists
    label_counts: NDArray[np.int64]
    n_instances: int


@dataclass(frozen=True)
class Rule(Options):
    """How labels are chosen from the probabilities of each row's candidates.

    Rules are values: `fit` returns another rule, tuned on labelled rows, and `decide` applies one. A model takes a
    rule, or its name, as ``decide``.
    """

    kind: ClassVar[str]
    main: ClassVar[str] = ""
    """The field that the text after "=" sets: ``"top-k=3"``."""
    needs_probabilities: ClassVar[bool] = True
    """Whether scores that are no probabilities are refused."""

    @property
    def name(self) -> str:
        """What models and the command line call the rule."""
        return self.kind

    @property
    def is_tuned(self) -> bool:
        """Whether the rule can decide as it is."""
        return True

    def fit(
        self,
        probabilities: MatrixLike,
        Y: Targets,
        *,
        label_counts: ArrayLike | None = None,
        n_instances: int | None = None,
    ) -> Self:
        """Return the rule with the values that suit labelled rows best; those that are given stay.

        Parameters
        ----------
        probabilities : sparse matrix of shape (n_rows, n_labels)
            Of the candidates of rows that the model has not learned from. Every stored entry is a candidate.
        Y : sparse or dense indicator of shape (n_rows, n_labels), or list of label-id lists
            Labels of the same rows.
        label_counts : int array of shape (n_labels,), optional
            Training instances of every label, for rules that weigh labels; by default those of ``Y``.
        n_instances : int, optional
            Training instances in all; by default the rows of ``Y``.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong kind or shape, a value is no probability, or no row has a label.
        """
        lists = ShortLists.of(probabilities, Y, any_scores=not self.needs_probabilities)
        assert lists.true_counts is not None
        if (label_counts is None) != (n_instances is None):
            raise ValueError("label_counts and n_instances must be given together")
        counts = lists.true_counts if label_counts is None else np.asarray(label_counts)
        if counts.shape != (lists.n_labels,):
            raise ArgumentError(
                "label_counts", f"must have {lists.n_labels} entries, found shape {counts.shape}"
            )
        return self._tuned(Tuning(lists, counts, lists.n_rows if n_instances is None else n_instances))

    def decide(self, probabilities: MatrixLike) -> "sp.csr_array":
        """Return the labels that are chosen for every row, with their probabilities as values.

        Parameters
        ----------
        probabilities : sparse matrix of shape (n_rows, n_labels)
            Every stored entry is a candidate; nothing else is chosen.

        Returns
        -------
        csr_array of shape (n_rows, n_labels)
            Every stored entry is a chosen label.

        Raises
        ------
        TypeError, ValueError
            If ``probabilities`` is no matrix or holds something else, or the rule has to be tuned first.
        """
        lists = ShortLists.of(probabilities, any_scores=not self.needs_probabilities)
        self.check_tuned()
        kept = self._chosen(lists)
        ends = np.concatenate([[0], np.cumsum(kept)])[lists.matrix.indptr]
        chosen = Csr(ends, lists.labels[kept], lists.chances[kept], lists.n_labels)
        return to_scipy(chosen)

    def check_tuned(self) -> None:
        """Raise ``ValueError`` unless the rule can decide as it is."""
        if not self.is_tuned:
            raise ValueError(
                f"the rule {self.name!r} has to be tuned first; call fit(probabilities, Y) on labelled rows"
            )

    def to_state(self) -> State:
        """Take the rule apart for saving."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
        parts = {name: value for name, value in values.items() if isinstance(value, Rule)}
        plain = {name: value for name, value in values.items() if name not in arrays and name not in parts}
        return State(plain, arrays, parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved rule together again.

        Raises
        ------
        TypeError, ValueError
            If a value is out of its range.
        """
        return cls(**state.config, **state.arrays, **state.parts)

    def _tuned(self, tuning: Tuning) -> Self:
        return self

    def _chosen(self, lists: ShortLists) -> NDArray[np.bool_]:
        """Return which entries are chosen."""
        raise NotImplementedError
