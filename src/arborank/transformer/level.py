"""One level from its first step to its last: records, checkpoints, and when to stop early."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..storage.snapshots import Snapshot, Snapshots
from .reporting import training_bar
from .settings import Settings
from .team import Team
from .trainer import LevelTrainer, strip

__all__ = ["LevelRun"]

_LOG_EVERY = 50  # steps between two records of the loss


@dataclass
class LevelRun:
    """The run of one level.

    Attributes
    ----------
    stage : int
        Its place among the levels that are trained.
    level : int
        Its place in the tree.
    n_steps : int
    settings : Settings
    judge : callable, optional
        Gives P@1, P@3 and P@5 on what is held out.
    store : Snapshots, optional
    team : Team
        Its first process writes the checkpoints.
    checkpoint_every : int
    history : list of dict
        Gains records.
    beam : mapping of str to array
        What checkpoints hold besides the trainer's arrays.
    verbose : bool
    """

    stage: int
    level: int
    n_steps: int
    settings: Settings
    judge: Callable[[], dict[str, float]] | None
    store: Snapshots | None
    team: Team
    checkpoint_every: int
    history: list[dict[str, Any]]
    beam: Mapping[str, NDArray[Any]]
    verbose: bool
    _best: float = -1.0
    _waited: int = 0
    _losses: Any = 0.0  # a number, or one on the device, which is not waited for
    _since: int = 0
    _best_arrays: dict[str, NDArray[Any]] = field(default_factory=dict)

    def run(self, trainer: LevelTrainer, resumed: Snapshot | None) -> None:
        """Train; from where a checkpoint of this level left off, if there is one."""
        start = 0
        if resumed is not None:
            if resumed.notes["done"]:
                return
            start = resumed.notes["step"]
            self._resume(trainer, resumed)
        with training_bar(
            f"training level {self.level}", self.n_steps, start, enabled=self.verbose
        ) as update:
            for step in range(start, self.n_steps):
                self._losses = self._losses + trainer.step(step)
                done = step + 1
                known = self._record(trainer, done)
                if known:
                    self.history.append(known)
                update(done, known)
                if self.settings.patience is not None and self._waited >= self.settings.patience:
                    break
                if done % self.checkpoint_every == 0 and done < self.n_steps:
                    self._save(trainer, done, finished=False)
        if self._best_arrays:
            trainer.set_weights(self._best_arrays)
        self._save(trainer, self.n_steps, finished=True)

    def _record(self, trainer: LevelTrainer, done: int) -> dict[str, Any]:
        """Return what is known after a step: nothing for most."""
        last = done == self.n_steps
        known: dict[str, Any] = {}
        if last or done % _LOG_EVERY == 0:
            known["loss"] = float(self._losses) / (done - self._since)
            self._losses, self._since = 0.0, done
        if self.judge is not None and (last or done % self.settings.evaluate_every == 0):
            precision = self.judge()
            known.update(precision)
            mean = float(np.mean(list(precision.values())))
            self._waited += 1
            if mean > self._best:
                self._best, self._waited = mean, 0
                self._best_arrays = {name: np.array(value) for name, value in trainer.weights().items()}
        return {"level": self.level, "step": done, **known} if known else known

    def _save(self, trainer: LevelTrainer, step: int, *, finished: bool) -> None:
        if self.store is None or not self.team.first:
            return
        notes = {
            "stage": self.stage,
            "step": step,
            "done": finished,
            "history": self.history,
            "best": self._best,
            "waited": self._waited,
            "losses": float(self._losses),
            "since": self._since,
        }
        arrays = {**(trainer.weights() if finished else trainer.arrays()), **self.beam}
        if not finished:
            arrays.update({f"best.{name}": value for name, value in self._best_arrays.items()})
        self.store.save(Snapshot(notes, arrays))

    def _resume(self, trainer: LevelTrainer, resumed: Snapshot) -> None:
        trainer.set_arrays(resumed.arrays)
        notes = resumed.notes
        self._best, self._waited = notes["best"], notes["waited"]
        self._losses, self._since = notes["losses"], notes["since"]
        self._best_arrays = {name: np.array(value) for name, value in strip(resumed.arrays, "best.").items()}
