"""Training and scoring beyond one machine's memory, or beyond one machine."""

from .completing import fit_completer
from .evaluating import evaluate
from .executors import Executor, LocalExecutor, SerialExecutor
from .fitting import fit
from .on_ray import RayExecutor
from .plan import Plan, plan
from .run import StageError
from .scoring import score, score_batch

__all__ = [
    "Executor",
    "LocalExecutor",
    "Plan",
    "RayExecutor",
    "SerialExecutor",
    "StageError",
    "evaluate",
    "fit",
    "fit_completer",
    "plan",
    "score",
    "score_batch",
]
