"""What follows from tree, labels and settings before anything is trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...core.errors import ArgumentError
from ...core.sparse import Csr
from ...indexing import LabelTree
from ...ranking.negatives import parse_scheme
from ..encoders.batches import TrainingBatches
from .candidates import Candidates, children_between
from .matching import Beam
from .settings import TuningSettings, per_level

__all__ = ["TuningPlan"]


@dataclass
class TuningPlan:
    """The levels that are trained, and which texts each of them needs.

    Attributes
    ----------
    lengths : int64 array of shape (n_texts,)
        Tokens of every text.
    Y : Csr of shape (n_texts, n_labels)
    tree : LabelTree
    levels : sequence of int
        The levels of the tree to train, top first; a stage is a place among them. The first is trained on all its
        nodes.
    settings : TuningSettings
    n_threads : int
    """

    lengths: NDArray[np.int64]
    Y: Csr
    tree: LabelTree
    levels: Sequence[int]
    settings: TuningSettings
    n_threads: int

    # ------------------------------------------------------------------ texts

    @cached_property
    def held_out(self) -> NDArray[np.int64]:
        """Texts that levels are judged by."""
        known, share = self._labelled, self.settings.validation
        if share and share * known.size < 1:
            raise ArgumentError(
                "validation", f"is {share}, but of {known.size} texts with labels that is less than one"
            )
        rng = np.random.default_rng((self.settings.random_state, 1 << 20))
        return np.sort(rng.permutation(known)[: int(share * known.size)])

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Texts that are learned from."""
        return np.setdiff1d(self._labelled, self.held_out)

    @cached_property
    def _labelled(self) -> NDArray[np.int64]:
        return np.flatnonzero(np.diff(np.asarray(self.positives(0).indptr)) > 0)

    @cached_property
    def n_steps(self) -> list[int]:
        """Steps of every stage."""
        batch, accumulation = self.settings.batch_size, self.settings.accumulation
        if (accumulation - 1) * batch >= self.rows.size:
            raise ArgumentError(
                "accumulation",
                f"is {accumulation}, but there are only {self.rows.size} texts to learn from, fewer than that many "
                f"batches of {batch}",
            )
        size = batch * accumulation
        epochs = per_level(self.settings.epochs, len(self.levels))
        return [int(np.ceil(share * self.rows.size / size)) for share in epochs]

    def needed(self, stage: int) -> NDArray[np.int64]:
        """Return the texts that this stage or a later one sees."""
        settings = self.settings
        seen = [self.held_out]
        for later in range(stage, len(self.levels)):
            seed = (settings.random_state, later, 0)
            batches = TrainingBatches(self.lengths[self.rows], settings.batch_size, seed)
            seen.append(self.rows[batches.visited(self.n_steps[later] * settings.accumulation)])
        return np.unique(np.concatenate(seen))

    # ------------------------------------------------------------------ nodes

    def bounds(self, stage: int) -> NDArray[np.int64]:
        """Return where the nodes of a stage below each node of the one above begin, their number at the end."""
        return children_between(self.tree, self._upper(stage), self.levels[stage])

    def positives(self, stage: int) -> Csr:
        """Return the right nodes of every text."""
        return self._lifted(self.levels[stage])

    def parents(self, stage: int) -> Csr:
        """Return the right nodes of every text one stage above; of the first, the root."""
        return self._lifted(self._upper(stage))

    def followed(self, above: Beam | None) -> NDArray[np.int32] | None:
        """Return the nodes of a beam that are candidates' parents, if the settings take them for that."""
        return above.nodes if above is not None and "man" in parse_scheme(self.settings.negatives) else None

    def candidates(self, stage: int, above: Beam | None) -> Candidates:
        """Return the candidates of a stage below what the one above holds."""
        forced = self.parents(stage) if "tfn" in parse_scheme(self.settings.negatives) else None
        return Candidates(self.bounds(stage), self.positives(stage), forced, self.followed(above))

    def _upper(self, stage: int) -> int:
        return self.levels[stage - 1] if stage else 0

    def _lifted(self, level: int) -> Csr:
        if level not in self._lifts:
            self._lifts[level] = self.tree.lift_csr(self.Y, level, n_threads=self.n_threads)
        return self._lifts[level]

    @cached_property
    def _lifts(self) -> dict[int, Csr]:
        return {}
