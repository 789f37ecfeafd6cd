"""Texts as an encoder reads them, and where that is done."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ...core.progress import progress_bar
from ...core.sparse import unit_rows
from ...core.types import AnyArray
from ..encoders.device import Device
from ..encoders.encoder import Encoder
from ..encoders.tokens import TokenCache
from .team import Team

__all__ = ["Corpus"]


@dataclass(frozen=True)
class Corpus:
    """An encoder, the texts that it reads, and the processes that share the work.

    Attributes
    ----------
    encoder : Encoder
    cache : TokenCache
        The texts.
    device : Device
    team : Team
    shown : bool
        Whether this process shows progress.
    """

    encoder: Encoder
    cache: TokenCache
    device: Device
    team: Team
    shown: bool

    def embed(
        self,
        rows: NDArray[np.int64],
        visit: Callable[[NDArray[np.int64], torch.Tensor], None],
        *arrays: AnyArray,
        title: str | None = None,
    ) -> None:
        """Encode some texts, each process its share.

        Parameters
        ----------
        rows : int64 array
            Which texts.
        visit : callable
            Takes the numbers of a batch's texts and their vectors; see `Encoder.embed`.
        *arrays : arrays
            What ``visit`` fills in, one row per text; afterwards they hold what all processes found.
        title : str, optional
            Shows progress under this name.
        """
        own = self.team.share(rows)
        shown = self.shown and title is not None
        with progress_bar(title or "", own.size, enabled=shown, unit="texts") as progress:
            self.encoder.embed(self.cache, self.device, own, visit=visit, progress=progress)
        self.team.exchange(rows, self.device, *arrays)

    def embeddings(self, out: NDArray[np.float32]) -> None:
        """Write the embeddings of all texts, of unit length."""

        def visit(rows: NDArray[np.int64], vectors: torch.Tensor) -> None:
            out[rows] = unit_rows(vectors.cpu().numpy())

        self.embed(np.arange(len(self.cache)), visit, out, title="encoding texts")
