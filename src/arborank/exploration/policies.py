"""How probable it is that a place of an answer explores, and what it shows then."""

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from typing import ClassVar

from .. import _native
from ..core.options import Options, option, real

__all__ = [
    "POLICIES",
    "Boltzmann",
    "EpsilonGreedy",
    "InverseGap",
    "Policy",
    "as_told",
    "native_policy",
    "policy_of",
]


@dataclass(frozen=True)
class InverseGap(Options):
    """Inverse gap weighting: the less an arm promises in comparison with the best, the rarer it is shown.

    Of ``K`` other arms, one whose estimated reward is lower by ``gap`` is shown with the probability
    ``1 / (K + 1 + gamma * gap)``; the best one has the rest. See Sen et al., ICML 2021.

    Attributes
    ----------
    gamma : float, default=1000.0
        The larger, the less is explored, and the more of it among arms that promise nearly as much as the best.
    """

    name: ClassVar[str] = "inverse-gap"
    gamma: float = option(1000.0, real(least=0.0))


@dataclass(frozen=True)
class EpsilonGreedy(Options):
    """A place explores with the probability ``epsilon``, and shows any other arm then.

    Attributes
    ----------
    epsilon : float, default=0.05
    """

    name: ClassVar[str] = "epsilon-greedy"
    epsilon: float = option(0.05, real(least=0.0, most=1.0))


@dataclass(frozen=True)
class Boltzmann(Options):
    """The probability of an arm is in proportion to ``exp(reward / temperature)``.

    Attributes
    ----------
    temperature : float, default=0.05
    """

    name: ClassVar[str] = "boltzmann"
    temperature: float = option(0.05, real(above=0.0))


Policy = InverseGap | EpsilonGreedy | Boltzmann
POLICIES: dict[str, type[Policy]] = {one.name: one for one in (InverseGap, EpsilonGreedy, Boltzmann)}
"""Policies by name."""


def policy_of(told: Mapping[str, str | float]) -> Policy:
    """Return the policy that `as_told` has written; ``ValueError`` if there is none of the name."""
    values = {name: float(value) for name, value in told.items() if name != "name"}
    kind = POLICIES.get(str(told.get("name")))
    if kind is None:
        raise ValueError(f"policy must be one of {', '.join(POLICIES)}, found {told.get('name')!r}")
    return kind(**values)


def as_told(policy: Policy) -> dict[str, str | float]:
    """Return a policy as it stands in a log."""
    return {"name": policy.name, **asdict(policy)}


def native_policy(policy: Policy, newcomers: float, widely: bool) -> _native.ArmPolicy:
    """Return a policy as the kernels read it."""
    (parameter,) = astuple(policy)
    return _native.ArmPolicy(policy.name, parameter, newcomers, widely)
