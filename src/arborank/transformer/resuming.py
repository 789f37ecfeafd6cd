"""The directory that fine-tuning continues from, and what makes two trainings the same."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from ..core.sparse import Csr
from ..indexing import LabelTree
from ..storage.runs import Run, fingerprint
from ..storage.snapshots import Snapshots
from .encoder import Encoder
from .settings import Settings
from .team import Team
from .tokens import TokenCache

__all__ = ["snapshots_in"]


@contextmanager
def snapshots_in(
    directory: str | os.PathLike[str] | None,
    settings: Settings,
    encoder: Encoder,
    cache: TokenCache,
    Y: Csr,
    tree: LabelTree,
    levels: Sequence[int],
    team: Team,
) -> Iterator[Snapshots | None]:
    """Hold a directory for a training; the team's first process does, the others read. None without a directory."""
    if directory is None:
        yield None
        return
    told = {"pooling": encoder.pooling, "max_length": encoder.max_length}
    kind = type(encoder.module).__name__
    subject = {
        **settings.fingerprint(),
        "encoder": fingerprint(*encoder.used_weights().values(), kind=kind, **told),
        "texts": fingerprint(cache.digest, number=len(cache), tokens=int(cache.offsets[-1])),
        "labels": fingerprint(np.asarray(Y.indptr), np.asarray(Y.indices), number=Y.shape[1]),
        "tree": fingerprint(*tree.branches, tree.labels, levels=list(levels)),
    }
    run = Run(directory, subject, argument="checkpoint_dir", reads=not team.first)
    if not team.first:
        team.wait()
    with run:
        if team.first:
            team.wait()
        yield Snapshots(run)
