"""One level from its first step to its last: records, checkpoints, and when to stop early."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...storage.snapshots import Snapshot, Snapshots
from .reporting import training_bar
from .settings import TuningSettings
from .trainer import LevelTrainer, strip

__all__ = ["LevelRun"]

_LOG_EVERY = 50  # steps between two records of the loss


@dataclass
class _State:
    """What a run remembers from one step to the next."""

    best: float = -1.0
    waited: int = 0  # judgements since the best one
    losses: Any = 0.0  # of the steps since; a number, or one on the device, which is not waited for
    since: int = 0


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
    settings : TuningSettings
    judge : callable, optional
        Gives P@1, P@3 and P@5 on what is held out.
    store : Snapshots, optional
        Where checkpoints are written.
    history : list of dict
        Gains records.
    beam : mapping of str to array
        What checkpoints hold besides the trainer's arrays.
    shown : bool
        Whether progress is shown.
    """

    stage: int
    level: int
    n_steps: int
    settings: TuningSettings
    judge: Callable[[], dict[str, float]] | None
    store: Snapshots | None
    history: list[dict[str, Any]]
    beam: Mapping[str, NDArray[Any]]
    shown: bool
    _state: _State = field(default_factory=_State)
    _best_arrays: dict[str, NDArray[Any]] = field(default_factory=dict)

    def run(self, trainer: LevelTrainer, resumed: Snapshot | None) -> None:
        """Train; from where a checkpoint of this level left off, if there is one."""
        start, state, settings = 0, self._state, self.settings
        if resumed is not None:
            if resumed.notes["done"]:
                return
            start = resumed.notes["step"]
            trainer.set_arrays(resumed.arrays)
            state = self._state = _State(**resumed.notes["state"])
            self._best_arrays = {
                name: np.array(value) for name, value in strip(resumed.arrays, "best.").items()
            }
        title = f"training level {self.level}"
        with training_bar(title, self.n_steps, start, enabled=self.shown) as update:
            for step in range(start, self.n_steps):
                state.losses = state.losses + trainer.step(step)
                done = step + 1
                known = self._record(trainer, done)
                if known:
                    self.history.append(known)
                update(done, known)
                if settings.patience is not None and state.waited >= settings.patience:
                    break
                if done % settings.checkpoint_every == 0 and done < self.n_steps:
                    self._save(trainer, done, finished=False)
        if self._best_arrays:
            trainer.set_weights(self._best_arrays)
        self._save(trainer, self.n_steps, finished=True)

    def _record(self, trainer: LevelTrainer, done: int) -> dict[str, Any]:
        """Return what is known after a step: nothing for most."""
        last, state = done == self.n_steps, self._state
        known: dict[str, Any] = {}
        if last or done % _LOG_EVERY == 0:
            known["loss"] = float(state.losses) / (done - state.since)
            state.losses, state.since = 0.0, done
        if self.judge is not None and (last or done % self.settings.evaluate_every == 0):
            precision = self.judge()
            known.update(precision)
            mean = float(np.mean(list(precision.values())))
            state.waited += 1
            if mean > state.best:
                state.best, state.waited = mean, 0
                self._best_arrays = {name: np.array(value) for name, value in trainer.weights().items()}
        return {"level": self.level, "step": done, **known} if known else known

    def _save(self, trainer: LevelTrainer, step: int, *, finished: bool) -> None:
        if self.store is None:
            return
        self._state.losses = float(self._state.losses)
        notes = {
            "stage": self.stage,
            "step": step,
            "done": finished,
            "history": self.history,
            "state": asdict(self._state),
        }
        arrays = {**(trainer.weights() if finished else trainer.arrays()), **self.beam}
        if not finished:
            arrays.update({f"best.{name}": value for name, value in self._best_arrays.items()})
        self.store.save(Snapshot(notes, arrays))
