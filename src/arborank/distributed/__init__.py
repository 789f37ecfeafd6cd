"""Training and scoring beyond one machine's memory, or beyond one machine."""

from .executors import Executor, LocalExecutor, SerialExecutor
from .fitting import fit
from .run import StageError

__all__ = ["Executor", "LocalExecutor", "SerialExecutor", "StageError", "fit"]
