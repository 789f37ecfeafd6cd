"""Level by level down the tree: begin a head, train it with the encoder, see where instances go, and descend."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..core.progress import progress_bar
from ..core.sparse import Csr, as_csr, to_scipy
from ..indexing import LabelTree
from ..ranking import parse_scheme
from ..storage.snapshots import Snapshot, Snapshots
from .batches import TrainingBatches
from .bootstrap import active_pattern, inherit, solve
from .candidates import Candidates, children_between
from .device import Device
from .encoder import Encoder
from .head import LevelHead
from .level import LevelRun
from .matching import Beam, follow
from .precision import level_precision
from .settings import Settings, per_level
from .team import Team
from .tokens import TokenCache
from .trainer import LevelTrainer, strip

__all__ = ["FineTuning"]

_DEVICE_VALUES = 100_000_000  # a head of more values stays on the host
_SOLVED_VALUES = 50_000_000  # values of the embeddings that a head is begun from
_FIRST_ROWS = 20_000  # instances that the first head is begun from
_JUDGED = 5  # nodes of a held-out instance that are judged


@dataclass
class FineTuning:
    """The fine-tuning of an encoder along a tree.

    Attributes
    ----------
    encoder : Encoder
        Changed in place.
    cache : TokenCache
        The training texts.
    Y : Csr of shape (n_texts, n_labels)
    tree : LabelTree
    levels : sequence of int
        The levels of the tree to train, top first. The first is trained on all its nodes.
    settings : Settings
    device : Device
    store : Snapshots, optional
    checkpoint_every : int
        Steps between two checkpoints.
    vectors : float32 array of shape (n_texts, d)
        Scratch space, may be a memory map.
    n_threads : int
        Of the linear solver.
    verbose : bool
    team : Team
    """

    encoder: Encoder
    cache: TokenCache
    Y: Csr
    tree: LabelTree
    levels: Sequence[int]
    settings: Settings
    device: Device
    store: Snapshots | None
    checkpoint_every: int
    vectors: NDArray[np.float32]
    n_threads: int
    verbose: bool
    team: Team

    def run(self) -> list[dict[str, Any]]:
        """Fine-tune, from the last checkpoint on if there is one.

        Returns
        -------
        list of dict
            Records of ``level``, ``step``, ``loss`` and, where a part is held out, ``P@1``, ``P@3``, ``P@5``.
        """
        resumed = None if self.store is None else self.store.latest()
        self.team.wait()  # before the first process replaces what the others read
        history: list[dict[str, Any]] = []
        first, above = 0, None
        if resumed is not None:
            history, first = resumed.notes["history"], resumed.notes["stage"]
            self.encoder.set_weights(strip(resumed.arrays, "encoder."))
            if first:
                above = Beam(np.array(resumed.arrays["beam.nodes"]), np.array(resumed.arrays["beam.scores"]))
        head: LevelHead | None = None
        forked = [self.device.place] if self.device.place.type == "cuda" else []
        with torch.random.fork_rng(devices=forked):
            for stage in range(first, len(self.levels)):
                if resumed is not None:
                    saved, resumed_here, resumed = resumed.arrays["head.vectors"], resumed, None
                    begun = LevelHead(np.array(saved), self._place(saved.shape))
                else:
                    resumed_here = None
                    if head is not None:
                        above = self._follow(stage - 1, head, above)
                    vectors = self._begin(stage, head, above)
                    begun = LevelHead(vectors, self._place(vectors.shape))
                self._train(stage, begun, above, history, resumed_here)
                head = begun
        return history

    # ------------------------------------------------------------------ one level

    def _train(
        self,
        stage: int,
        head: LevelHead,
        above: Beam | None,
        history: list[dict[str, Any]],
        resumed: Snapshot | None,
    ) -> None:
        candidates = self._candidates(stage, above)
        n_steps = self._n_steps[stage]
        seed = (self.settings.random_state, stage)
        trainer = LevelTrainer(
            self.encoder,
            head,
            self.cache,
            candidates,
            self._rows,
            n_steps,
            self.settings,
            self.device,
            seed,
            self.team,
        )

        def judge() -> dict[str, float]:
            found = follow(
                self.encoder, head, self.cache, self._held, candidates, above, **self._following(_JUDGED)
            )
            return level_precision(found.nodes, self._positives(stage), self._held)

        LevelRun(
            stage=stage,
            level=self.levels[stage],
            n_steps=n_steps,
            settings=self.settings,
            judge=judge if self._held.size else None,
            store=self.store,
            team=self.team,
            checkpoint_every=self.checkpoint_every,
            history=history,
            beam={} if above is None else {"beam.nodes": above.nodes, "beam.scores": above.scores},
            verbose=self.verbose,
        ).run(trainer, resumed)

    def _begin(self, stage: int, parent: LevelHead | None, above: Beam | None) -> NDArray[np.float32]:
        """Return the vectors that a level's head begins with."""
        bounds, settings = self._bounds(stage), self.settings
        inherited = None
        if parent is not None:
            inherited = inherit(parent.vectors.cpu().numpy(), bounds)
        if inherited is not None and settings.bootstrap == "parent":
            return inherited
        if settings.bootstrap != "linear":
            rng = np.random.default_rng((settings.random_state, stage, 2))
            drawn = rng.normal(0.0, 0.02, (int(bounds[-1]), self.encoder.width + 1)).astype(np.float32)
            drawn[:, -1] = 0.0
            return drawn
        most = max(_SOLVED_VALUES // self.encoder.width, 1)
        known = self._rows if parent is None else np.intersect1d(self._rows, self._needed(stage))
        rows = _some(
            known, min(most, _FIRST_ROWS) if parent is None else most, (settings.random_state, stage, 3)
        )
        if parent is None:
            self._embed(rows)
        upper = as_csr(to_scipy(self._lifted(self._upper(stage)))[rows], "positives")
        held = above.nodes[rows] if above is not None and "man" in parse_scheme(settings.negatives) else None
        positives = as_csr(to_scipy(self._positives(stage))[rows], "positives")
        return solve(
            np.asarray(self.vectors[rows]),
            active_pattern(upper, held),
            positives,
            bounds,
            inherited,
            n_threads=self.n_threads,
        )

    def _follow(self, stage: int, head: LevelHead, above: Beam | None) -> Beam:
        """Return where a trained level sends the instances that the next one needs."""
        rows = self._needed(stage + 1)
        own = self.team.share(rows).size
        with progress_bar(
            f"matching level {self.levels[stage]}", own, enabled=self.verbose, unit="texts"
        ) as progress:
            return follow(
                self.encoder,
                head,
                self.cache,
                rows,
                self._candidates(stage, above),
                above,
                vectors=self.vectors if self.settings.bootstrap == "linear" else None,
                progress=progress,
                **self._following(self.settings.beam_size),
            )

    def _following(self, beam_size: int) -> dict[str, Any]:
        return {"beam_size": beam_size, "loss": self.settings.loss, "device": self.device, "team": self.team}

    def _embed(self, rows: NDArray[np.int64]) -> None:
        def visit(batch: NDArray[np.int64], pooled: torch.Tensor) -> None:
            self.vectors[batch] = pooled.cpu().numpy()

        own = self.team.share(rows)
        with progress_bar("first embeddings", own.size, enabled=self.verbose, unit="texts") as progress:
            self.encoder.embed(self.cache, self.device, own, visit=visit, progress=progress)
        self.team.exchange(rows, self.device, self.vectors)

    # ------------------------------------------------------------------ what follows from tree and settings

    @cached_property
    def _held(self) -> NDArray[np.int64]:
        """Instances that levels are judged by."""
        known = self._labelled
        rng = np.random.default_rng((self.settings.random_state, 1 << 20))
        share = self.settings.validation
        if share and share * known.size < 1:
            raise ValueError(
                f"validation is {share}, but of {known.size} texts with labels that is less than one"
            )
        return np.sort(rng.permutation(known)[: int(share * known.size)])

    @cached_property
    def _rows(self) -> NDArray[np.int64]:
        """Instances that are learned from."""
        return np.setdiff1d(self._labelled, self._held)

    @cached_property
    def _labelled(self) -> NDArray[np.int64]:
        return np.flatnonzero(np.diff(np.asarray(self._positives(0).indptr)) > 0)

    @cached_property
    def _n_steps(self) -> list[int]:
        batch, accumulation = self.settings.batch_size, self.settings.accumulation
        if (accumulation - 1) * batch >= self._rows.size:
            raise ValueError(
                f"accumulation is {accumulation}, but the {self._rows.size} texts to learn from are fewer than so "
                f"many batches of {batch}"
            )
        size = batch * accumulation
        epochs = per_level(self.settings.epochs, len(self.levels))
        return [int(np.ceil(share * self._rows.size / size)) for share in epochs]

    def _needed(self, stage: int) -> NDArray[np.int64]:
        """Return the instances that this level or a later one sees."""
        settings = self.settings
        seen = [self._held]
        for later in range(stage, len(self.levels)):
            seed = (settings.random_state, later, 0)
            batches = TrainingBatches(self.cache.lengths[self._rows], settings.batch_size, seed)
            seen.append(self._rows[batches.visited(self._n_steps[later] * settings.accumulation)])
        return np.unique(np.concatenate(seen))

    def _upper(self, stage: int) -> int:
        return self.levels[stage - 1] if stage else 0

    def _bounds(self, stage: int) -> NDArray[np.int64]:
        return children_between(self.tree, self._upper(stage), self.levels[stage])

    def _lifted(self, level: int) -> Csr:
        if level not in self._lifts:
            self._lifts[level] = self.tree.lift_csr(self.Y, level, n_threads=self.n_threads)
        return self._lifts[level]

    @cached_property
    def _lifts(self) -> dict[int, Csr]:
        return {}

    def _positives(self, stage: int) -> Csr:
        return self._lifted(self.levels[stage])

    def _candidates(self, stage: int, above: Beam | None) -> Candidates:
        scheme = parse_scheme(self.settings.negatives)
        upper = self._lifted(self._upper(stage)) if "tfn" in scheme else None
        held = above.nodes if above is not None and "man" in scheme else None
        return Candidates(self._bounds(stage), self._positives(stage), upper, held)

    def _place(self, shape: tuple[int, ...]) -> torch.device:
        return self.device.place if np.prod(shape) <= _DEVICE_VALUES else torch.device("cpu")


def _some(rows: NDArray[np.int64], most: int, seed: tuple[int, ...]) -> NDArray[np.int64]:
    """Return ``most`` of the rows, drawn at random, in their order."""
    if rows.size <= most:
        return rows
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most])
