"""A ranker that explores, and tells how probable it was to show what it shows."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import count
from secrets import randbits
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._native import ArmPolicy
from ..core.checks import check_flag, check_integer, check_real
from ..core.sparse import Csr, as_csr
from ..core.types import MatrixLike
from ..linear import XRLinear
from ..text import TextRanker
from .frontier import Frontier, Limits
from .log import Decision, Label
from .policies import InverseGap, Policy, as_told, native_policy, policy_of
from .randomness import uniform
from .subject import Subject

__all__ = ["ExploringRanker"]

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]

_ALL = Limits()


class ExploringRanker:
    """Shows the best labels of a tree, and in some places others, with known probabilities.

    The arms of a query are the labels that the beam search reaches and the nodes that it turns away from; where a node
    is drawn, a label below it is shown, each as probable as another. Of ``k`` places, all but ``explore`` go to the
    best labels. Each of the others has a label of its own, the next best ones, and shows it, or another arm, as the
    policy says. Every label is shown once at most, and its propensity is the probability that it is among those shown.

    Parameters
    ----------
    model : XRLinear or TextRanker
        Fitted; a text ranker around an `XRLinear`. Not with ``combine="noop"``.
    policy : InverseGap, EpsilonGreedy or Boltzmann, optional
        By default inverse gap weighting with its defaults.
    explore : int, default=1
        Places of an answer that may explore.
    newcomers : float, default=0.0
        The share of decisions in which these places go to the best new labels instead, as far as the search meets any:
        labels that had no row to be learned from, but a name or a text. Their scores are on another scale, so that they
        hardly come up otherwise.
    tried : iterable of labels, default=()
        Labels that are not new any more, such as `DecisionLog.in_vain` has them; those that the model does not know
        count for nothing.
    widely : bool, default=False
        Whether the search opens every leaf of the beam, and not only those that may hold one of the best labels, as it
        always does for newcomers: more labels are arms by themselves, so that logs say more of other models, but a
        decision takes longer.
    seed : int, optional
        Decision ``n`` follows from the seed and ``n`` alone. By default one is drawn: processes that share a seed would
        decide alike.
    first : int, default=0
        The number of the first decision.

    Attributes
    ----------
    revision : str
        Of the model: a hash that other models do not have.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit, or the model is of another kind.

    Examples
    --------
    >>> import numpy as np
    >>> from arborank import XRLinear
    >>> from arborank.exploration import ExploringRanker
    >>> X = np.eye(4, dtype=np.float32)
    >>> model = XRLinear().fit(X, [[0], [1], [2], [3]])
    >>> ranker = ExploringRanker(model, seed=1)
    >>> decision = ranker.rank(X[:1], k=2)
    >>> len(decision.labels), decision.propensities[0]
    (2, 1.0)
    >>> ranker.replay(decision) == decision
    True
    """

    def __init__(
        self,
        model: TextRanker | XRLinear,
        policy: Policy | None = None,
        *,
        explore: int = 1,
        newcomers: float = 0.0,
        tried: Iterable[Label] = (),
        widely: bool = False,
        seed: int | None = None,
        first: int = 0,
    ) -> None:
        self.subject = Subject(model)
        self.policy = InverseGap() if policy is None else policy
        if not isinstance(self.policy, Policy):
            raise TypeError(f"policy must be a policy of arborank.exploration, found {policy!r}")
        self.explore = check_integer("explore", explore, 0)
        self.seed = randbits(53) if seed is None else check_integer("seed", seed, 0, 2**53 - 1)
        self.revision = self.subject.revision
        self._numbers = count(check_integer("first", first, 0))
        self.newcomers = check_real("newcomers", newcomers, least=0.0, most=1.0)
        if self.newcomers and self.subject.fresh is None:
            raise ValueError("newcomers is above 0, but the model does not know which labels had no rows")
        known = np.unique(self.subject.find(tried))
        known = known[known >= 0]
        self._tried = blake2b(known.tobytes(), digest_size=8).hexdigest() if known.size else ""
        self._frontier = Frontier(self.subject, known)
        self.widely = check_flag("widely", widely)
        self._native = native_policy(self.policy, self.newcomers, self.widely)
        self._told = as_told(self.policy)
        if self.newcomers:
            self._told["newcomers"] = self.newcomers
            if self._tried:
                self._told["tried"] = self._tried
        if self.widely:
            self._told["widely"] = True

    def rank(
        self,
        query: str | MatrixLike,
        k: int = 10,
        *,
        candidates: Sequence[Label] | None = None,
        exclude: Sequence[Label] | None = None,
    ) -> Decision:
        """Decide what to show for a query.

        Parameters
        ----------
        query : str, or matrix of shape (1, n_features) for a model over matrices
        k : int, default=10
        candidates, exclude : lists of labels, optional
            Labels that may be, or may not be, shown: names, or ids for a model over matrices.

        Returns
        -------
        Decision
            With fewer than ``k`` labels where there are no more.
        """
        row, told = self._row(query)
        number = next(self._numbers)
        return self._decide(
            row, told, k, candidates, exclude, self._native, self._told, self.explore, self.seed, number
        )

    def replay(self, decision: Decision) -> Decision:
        """Decide again as in a log; the same decision, but for rewards.

        Raises
        ------
        ValueError
            If the decision is of another revision, or other labels had been tried.
        """
        if decision.revision != self.revision:
            raise ValueError(
                f"the decision is of revision {decision.revision!r}, but the model is {self.revision!r}"
            )
        policy = dict(decision.policy)
        if policy.get("newcomers") and policy.get("tried", "") != self._tried:
            raise ValueError("tried holds other labels than those of the ranker that made the decision")
        explore, k = policy.pop("explore"), policy.pop("k")
        own = {name: one for name, one in policy.items() if name not in ("newcomers", "tried", "widely")}
        native = native_policy(policy_of(own), policy.get("newcomers", 0.0), policy.get("widely", False))
        row = self.subject.rows([decision.query])
        return self._decide(
            row,
            decision.query,
            k,
            decision.candidates,
            decision.exclude,
            native,
            policy,
            explore,
            decision.seed,
            decision.number,
        )

    def chances(self, decision: Decision, k: int) -> tuple[Ids, Floats]:
        """Return labels, by id, and how probable it is that each is among ``k`` shown for the query of a decision."""
        row = self.subject.rows([decision.query])
        limits = Limits(self.subject.known(decision.candidates), self.subject.known(decision.exclude))
        slots, chances = self._frontier.arms(row, k, limits, self._native, self.explore).labels()
        shown = chances > 0
        return self.subject.fitted.tree.labels[slots[shown]].astype(np.int64), chances[shown]

    def _row(self, query: Any) -> tuple[Csr, Any]:
        if self.subject.text is not None:
            if not isinstance(query, str):
                raise TypeError(f"query must be a str, found {type(query).__name__}")
            return self.subject.rows([query]), query
        row = query if isinstance(query, Csr) else as_csr(query, "query")
        if row.shape != (1, self.subject.inner.n_features_in_):
            raise ValueError(
                f"query must have shape (1, {self.subject.inner.n_features_in_}), found {row.shape}"
            )
        return row, self.subject.query_of(row)

    def _decide(
        self,
        row: Csr,
        query: Any,
        k: int,
        candidates: Sequence[Label] | None,
        exclude: Sequence[Label] | None,
        policy: ArmPolicy,
        told: Mapping[str, str | float],
        explore: int,
        seed: int,
        number: int,
    ) -> Decision:
        check_integer("k", k, 1, 2**31 - 1)
        limits = _ALL
        if candidates is not None or exclude is not None:
            limits = Limits(
                None if candidates is None else self.subject.ids(candidates, "candidates"),
                None if exclude is None else self.subject.ids(exclude, "exclude"),
            )
        labels, scores, propensities, nodes, marginals = self._frontier.decide(
            row, k, limits, policy, explore, uniform(seed, number)
        )
        return Decision(
            id=f"{self.revision}-{seed}-{number}",
            query=query,
            labels=labels if self.subject.text is None else tuple(map(self.subject.name, labels)),
            propensities=propensities,
            scores=scores,
            nodes=nodes,
            marginals=marginals,
            revision=self.revision,
            policy={**told, "explore": explore, "k": k},
            seed=seed,
            number=number,
            candidates=None if candidates is None else tuple(candidates),
            exclude=None if exclude is None else tuple(exclude),
        )
