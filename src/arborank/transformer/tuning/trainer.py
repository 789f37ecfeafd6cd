"""One level's training: steps of encoder and head together on the candidates of a batch."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from ...core.types import AnyArray
from ..encoders.batches import TrainingBatches
from .candidates import Candidates
from .corpus import Corpus
from .head import LevelHead, scores
from .losses import candidate_loss
from .schedule import share_of_rate
from .settings import TuningSettings
from .team import Gathered

__all__ = ["LevelTrainer", "strip"]


class LevelTrainer:
    """Trains an encoder and the head of one level.

    All that is random is a function of the seed and the number of the step, so that a training that is continued from
    a checkpoint takes the steps that the unbroken one would have taken.

    Parameters
    ----------
    corpus, head, candidates
    rows : int64 array
        The instances to learn from.
    n_steps : int
        Steps of the whole level, for the learning rate's schedule.
    settings : TuningSettings
    seed : tuple of int
    """

    def __init__(
        self,
        corpus: Corpus,
        head: LevelHead,
        candidates: Candidates,
        rows: NDArray[np.int64],
        n_steps: int,
        settings: TuningSettings,
        seed: tuple[int, ...],
    ) -> None:
        self._corpus, self._head, self._candidates, self._settings = corpus, head, candidates, settings
        self._rows, self._n_steps, self._seed = rows, n_steps, seed
        self._encoder, self._device, self._team = corpus.encoder, corpus.device, corpus.team
        self._batches = TrainingBatches(corpus.cache.lengths[rows], settings.batch_size, (*seed, 0))
        module, device = corpus.encoder.module, corpus.device
        module.to(device.place)
        if settings.gradient_checkpointing:
            module.gradient_checkpointing_enable()
        self._weights = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
        weights = list(self._weights.values())
        groups = [
            {"params": [weight for weight in weights if weight.ndim > 1]},
            {"params": [weight for weight in weights if weight.ndim < 2], "weight_decay": 0.0},
        ]
        self._optimizer = torch.optim.AdamW(
            groups, lr=settings.learning_rate, weight_decay=settings.weight_decay, foreach=True
        )
        self._scaler = torch.amp.GradScaler(device.place.type, enabled=device.precision is torch.float16)

    def step(self, number: int) -> torch.Tensor:
        """Take a step, counted from 0; returns the loss, on the device."""
        settings, device = self._settings, self._device
        share = share_of_rate(number, self._n_steps, settings.warmup)
        for group in self._optimizer.param_groups:
            group["lr"] = settings.learning_rate * share
        torch.manual_seed(self._dropout_seed(number))
        if not self._encoder.module.training:  # telling every module costs a few milliseconds
            self._encoder.module.train()
        total = torch.zeros((), device=device.place)
        gathered: Gathered = []
        for part in range(settings.accumulation):
            rows = self._rows[self._batches[number * settings.accumulation + part]]
            own = self._team.share(rows)
            if own.size:
                total += self._learn(own, own.size / rows.size / settings.accumulation, gathered)
        weights = list(self._weights.values())
        self._team.sum_gradients(weights)
        n_nodes = self._head.n_nodes if self._candidates.everything else None
        gathered = self._team.gather(gathered, self._encoder.width + 1, n_nodes, device.place)
        scale = self._scaler.get_scale()
        self._scaler.unscale_(self._optimizer)
        norm = torch.nn.utils.clip_grad_norm_(weights, settings.max_grad_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad()
        if not self._scaler.is_enabled():
            self._head.step(gathered, settings.head_learning_rate * share)
        elif bool(torch.isfinite(norm)):  # a float16 step that overflowed is left out
            unscaled = [(nodes, gradient / scale) for nodes, gradient in gathered]
            self._head.step(unscaled, settings.head_learning_rate * share)
        return self._team.sum(total)

    def _learn(self, rows: NDArray[np.int64], weight: float, gathered: Gathered) -> torch.Tensor:
        """Add the gradients of some instances' loss, times ``weight``; returns that loss."""
        device, settings = self._device, self._settings
        batch = self._candidates.batch(rows)
        ids, mask = (device.tensor(array) for array in self._corpus.cache.batch(rows, self._encoder.pad))
        with device.autocast():
            pooled = self._encoder.pooled(ids, mask)
        pooled = torch.nn.functional.dropout(pooled, settings.dropout)
        vectors = self._head.rows(batch.nodes, device.place)
        loss = weight * candidate_loss(scores(pooled, vectors), batch, settings.loss, device)
        self._scaler.scale(loss).backward()
        gathered.append((batch.nodes, vectors.grad))
        return loss.detach()

    def _dropout_seed(self, number: int) -> int:
        words = np.random.SeedSequence((*self._seed, 1, number, self._team.rank)).generate_state(1, np.uint64)
        return int(words[0] >> 1)

    # ------------------------------------------------------------------ checkpoints

    def weights(self) -> dict[str, AnyArray]:
        """Return the weights of encoder and head by name."""
        arrays = {f"encoder.{name}": value for name, value in self._encoder.weights().items()}
        return {**arrays, "head.vectors": self._head.arrays()["vectors"]}

    def set_weights(self, arrays: Mapping[str, AnyArray]) -> None:
        """Take over what `weights` gave."""
        self._encoder.set_weights(strip(arrays, "encoder."))
        self._head.set_vectors(arrays["head.vectors"])

    def arrays(self) -> dict[str, AnyArray]:
        """Return all that training continues from, by name."""
        arrays = self.weights()
        arrays.update({f"head.{name}": value for name, value in self._head.arrays().items()})
        for name, weight in self._weights.items():
            for moment, value in self._optimizer.state.get(weight, {}).items():
                arrays[f"{moment}.{name}"] = value.detach().cpu().numpy()
        return arrays

    def set_arrays(self, arrays: Mapping[str, AnyArray]) -> None:
        """Take over what `arrays` gave."""
        self._encoder.set_weights(strip(arrays, "encoder."))
        self._head.set_arrays(strip(arrays, "head."))
        for name, weight in self._weights.items():
            for moment in ("step", "exp_avg", "exp_avg_sq"):
                if f"{moment}.{name}" in arrays:
                    value = torch.from_numpy(np.array(arrays[f"{moment}.{name}"]))
                    place = "cpu" if moment == "step" else weight.device
                    self._optimizer.state[weight][moment] = value.to(place)


def strip(arrays: Mapping[str, AnyArray], prefix: str) -> dict[str, AnyArray]:
    """Return the arrays whose names begin with ``prefix``, without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
