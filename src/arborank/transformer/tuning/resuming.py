"""The directory that fine-tuning continues from, and what makes two trainings the same."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from ...core.sparse import Csr
from ...core.types import FilePath
from ...indexing import LabelTree
from ...storage.runs import Run, fingerprint
from ...storage.snapshots import Snapshots
from .corpus import Corpus
from .settings import TuningSettings

__all__ = ["snapshots_in"]


@contextmanager
def snapshots_in(
    directory: FilePath | None,
    corpus: Corpus,
    Y: Csr,
    tree: LabelTree,
    levels: Sequence[int],
    settings: TuningSettings,
) -> Iterator[Snapshots | None]:
    """Hold a directory for a training; the team's first process does, the others read. None without a directory."""
    if directory is None:
        yield None
        return
    encoder, cache, team = corpus.encoder, corpus.cache, corpus.team
    told = {"pooling": encoder.pooling, "max_length": encoder.max_length}
    kind = type(encoder.module).__name__
    subject = {
        **settings.decisive(),
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
