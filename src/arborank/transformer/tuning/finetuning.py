"""Level by level down the tree: begin a head, train it with the encoder, see where texts go, and descend."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...core.sparse import Csr, select_rows
from ...core.types import FilePath, Json
from ...indexing import LabelTree
from ...storage.snapshots import Snapshot, Snapshots
from .bootstrap import active_pattern, inherit, solve
from .corpus import Corpus
from .head import LevelHead, random_vectors
from .level import LevelRun
from .matching import Beam, follow
from .memory import check_tuning_fits, estimate_tuning
from .plan import TuningPlan
from .resuming import snapshots_in
from .settings import TuningSettings
from .trainer import LevelTrainer, strip

__all__ = ["fine_tune"]

_DEVICE_VALUES = 100_000_000  # a head of more values stays on the host
_SOLVED_VALUES = 50_000_000  # values of the embeddings that a head is begun from
_FIRST_ROWS = 20_000  # texts that the first head is begun from
_JUDGED = 5  # nodes of a held-out text that are judged


def fine_tune(
    corpus: Corpus,
    Y: Csr,
    tree: LabelTree,
    levels: Callable[[LabelTree], list[int]],
    settings: TuningSettings,
    checkpoint_dir: FilePath | None,
    *,
    vectors: NDArray[np.float32],
    n_threads: int,
) -> list[Json]:
    """Fine-tune an encoder along a tree, from the last checkpoint on if there is one.

    Parameters
    ----------
    corpus : Corpus
        The training texts; its encoder is changed in place.
    Y : Csr of shape (n_texts, n_labels)
    tree : LabelTree
    levels : callable
        Gives the levels of the tree to train, top first.
    settings : TuningSettings
    checkpoint_dir : path, optional
    vectors : float32 array of shape (n_texts, d)
        Scratch space, may be a memory map.
    n_threads : int
        Of the linear solver.

    Returns
    -------
    list of dict
        Records of ``level``, ``step``, ``loss`` and, where a part is held out, ``P@1``, ``P@3``, ``P@5``.
    """
    if settings.idle:
        return []
    plan = TuningPlan(corpus.cache.lengths, Y, tree, levels(tree), settings, n_threads)
    check_tuning_fits(estimate_tuning(corpus.encoder, tree, plan.levels, settings), corpus.device)
    forked = [corpus.device.place] if corpus.device.place.type == "cuda" else []
    with (
        snapshots_in(checkpoint_dir, corpus, Y, tree, plan.levels, settings) as store,
        torch.random.fork_rng(devices=forked),
    ):
        return _Descent(corpus, plan, store, vectors).run()


@dataclass
class _Descent:
    corpus: Corpus
    plan: TuningPlan
    store: Snapshots | None
    vectors: NDArray[np.float32]

    def run(self) -> list[dict[str, Any]]:
        resumed = None if self.store is None else self.store.latest()
        self.corpus.team.wait()  # before the first process replaces what the others read
        history: list[dict[str, Any]] = []
        head: LevelHead | None = None
        above: Beam | None = None
        first = 0
        if resumed is not None:
            history, first = resumed.notes["history"], resumed.notes["stage"]
            self.corpus.encoder.set_weights(strip(resumed.arrays, "encoder."))
            if first:
                above = Beam(np.array(resumed.arrays["beam.nodes"]), np.array(resumed.arrays["beam.scores"]))
        for stage in range(first, len(self.plan.levels)):
            if resumed is not None:
                vectors = np.array(resumed.arrays["head.vectors"])
            else:
                if head is not None:
                    above = self._follow(stage - 1, head, above)
                vectors = self._begin(stage, head, above)
            head = LevelHead(vectors, self._place(vectors.shape))
            self._train(stage, head, above, history, resumed)
            resumed = None
        return history

    def _train(
        self,
        stage: int,
        head: LevelHead,
        above: Beam | None,
        history: list[dict[str, Any]],
        resumed: Snapshot | None,
    ) -> None:
        plan, corpus = self.plan, self.corpus
        candidates = plan.candidates(stage, above)
        trainer = LevelTrainer(
            corpus,
            head,
            candidates,
            plan.rows,
            plan.n_steps[stage],
            plan.settings,
            (plan.settings.random_state, stage),
        )

        def judge() -> dict[str, float]:
            found = follow(
                corpus, head, plan.held_out, candidates, above, beam_size=_JUDGED, loss=plan.settings.loss
            )
            return found.precision(plan.positives(stage), plan.held_out)

        LevelRun(
            stage=stage,
            level=plan.levels[stage],
            n_steps=plan.n_steps[stage],
            settings=plan.settings,
            judge=judge if plan.held_out.size else None,
            store=self.store if corpus.team.first else None,
            history=history,
            beam={} if above is None else {"beam.nodes": above.nodes, "beam.scores": above.scores},
            shown=corpus.shown,
        ).run(trainer, resumed)

    def _begin(self, stage: int, parent: LevelHead | None, above: Beam | None) -> NDArray[np.float32]:
        """Return the vectors that a level's head begins with."""
        plan, settings, width = self.plan, self.plan.settings, self.corpus.encoder.width
        bounds = plan.bounds(stage)
        inherited = None if parent is None else inherit(parent.vectors.cpu().numpy(), bounds)
        if inherited is not None and settings.bootstrap == "parent":
            return inherited
        if settings.bootstrap != "linear":
            return random_vectors(int(bounds[-1]), width, (settings.random_state, stage, 2))
        most = max(_SOLVED_VALUES // width, 1)
        known = plan.rows
        if parent is None:
            most = min(most, _FIRST_ROWS)
        else:
            known = np.intersect1d(known, plan.needed(stage))
        rows = _some(known, most, (settings.random_state, stage, 3))
        if parent is None:
            self._embed(rows)
        held = plan.followed(above)
        return solve(
            np.asarray(self.vectors[rows]),
            active_pattern(select_rows(plan.parents(stage), rows), None if held is None else held[rows]),
            select_rows(plan.positives(stage), rows),
            bounds,
            inherited,
            n_threads=plan.n_threads,
        )

    def _embed(self, rows: NDArray[np.int64]) -> None:
        def visit(batch: NDArray[np.int64], pooled: torch.Tensor) -> None:
            self.vectors[batch] = pooled.cpu().numpy()

        self.corpus.embed(rows, visit, self.vectors, title="first embeddings")

    def _follow(self, stage: int, head: LevelHead, above: Beam | None) -> Beam:
        """Return where a trained level sends the texts that the next one needs."""
        plan = self.plan
        return follow(
            self.corpus,
            head,
            plan.needed(stage + 1),
            plan.candidates(stage, above),
            above,
            beam_size=plan.settings.beam_size,
            loss=plan.settings.loss,
            vectors=self.vectors if plan.settings.bootstrap == "linear" else None,
            title=f"matching level {plan.levels[stage]}",
        )

    def _place(self, shape: tuple[int, ...]) -> torch.device:
        return self.corpus.device.place if np.prod(shape) <= _DEVICE_VALUES else torch.device("cpu")


def _some(rows: NDArray[np.int64], most: int, seed: tuple[int, ...]) -> NDArray[np.int64]:
    """Return ``most`` of the rows, drawn at random, in their order."""
    if rows.size <= most:
        return rows
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most])
