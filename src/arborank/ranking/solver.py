"""How one label's linear ranker is fitted: loss, costs, regularisation, stopping and pruning."""

from dataclasses import dataclass

from .._native import Solver, SolverOptions
from ..core.options import Options, integer, one_of, option, optional, real

__all__ = ["SOLVERS", "SolverParams"]

_NATIVE = {solver.name.replace("_", "-"): solver for solver in Solver}

SOLVERS = tuple(_NATIVE)
"""Names of the solvers."""

_DEFAULT_EPS = {"l2svc-primal": 0.01}
_MOST = 2**31 - 1  # what the native code counts with


@dataclass(frozen=True)
class SolverParams(Options):
    """Parameters of the one-versus-rest problems ``min ||w||^2 / 2 + sum_i C_i loss(y_i w.x_i)``.

    Attributes
    ----------
    solver : {"l2svc-dual", "l1svc-dual", "logistic-dual", "l2svc-primal"}
        Loss ``max(0, 1 - m)^2``, ``max(0, 1 - m)``, ``log(1 + exp(-m))``, and the first one again. The dual ones are
        coordinate descent (Hsieh et al. 2008; Yu, Huang and Lin 2011), the primal one is truncated Newton.
    Cp, Cn : float
        Cost of a positive and of a negative example; above 0. A positive's relevance multiplies its cost.
    bias : float
        Value of the constant feature. Its weight is learned and regularised as any other. 0 or less: none.
    eps : float, optional
        Stopping tolerance. Dual solvers: the range of the projected gradient (logistic: the largest
        derivative of a subproblem), 0.1 by default; ``"l2svc-dual"`` also stops after a pass that improves its
        objective by less than a share of ``0.3 eps ** 2``. Primal: the gradient's norm relative to that at ``w =
        0``, times the share of the rarer class, 0.01 by default.
    max_iter : int
        Most passes over the examples (primal: most Newton steps).
    threshold : float
        Weights of smaller magnitude are dropped, the bias included. 0 keeps all that are not zero. Less is dropped of
        a label whose positive examples are shorter than 1/2 or longer than 2: with lengths ``a``, the mean of
        ``min(1, 2 a, 2 / a)`` times the threshold.
    max_nonzeros : int, optional
        Most weights to keep for a label, the largest in magnitude; the bias is not counted. None: no limit.

    Raises
    ------
    TypeError
        If a value is not a number, or not an integer where one is needed.
    ValueError
        If a value is outside its range, or ``solver`` is unknown.
    """

    solver: str = option("l2svc-dual", one_of(SOLVERS))
    Cp: float = option(1.0, real(above=0.0))
    Cn: float = option(1.0, real(above=0.0))
    bias: float = option(1.0, real())
    eps: float | None = option(None, optional(real(above=0.0)))
    max_iter: int = option(100, integer(1, _MOST))
    threshold: float = option(0.1, real(least=0.0))
    max_nonzeros: int | None = option(None, optional(integer(1, _MOST)))

    @property
    def native(self) -> SolverOptions:
        """These parameters as native kernels take them."""
        return SolverOptions(
            solver=_NATIVE[self.solver],
            Cp=float(self.Cp),
            Cn=float(self.Cn),
            bias=max(float(self.bias), 0.0),
            eps=float(self.tolerance),
            max_iter=int(self.max_iter),
            threshold=float(self.threshold),
            max_nonzeros=None if self.max_nonzeros is None else int(self.max_nonzeros),
        )

    @property
    def tolerance(self) -> float:
        """The stopping tolerance in force: ``eps``, or the solver's default."""
        return self.eps if self.eps is not None else _DEFAULT_EPS.get(self.solver, 0.1)
