"""What makes two trainings the same: parameters, encoder, texts, labels and tree."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.sparse import Csr
from ..indexing import LabelTree
from .encoder import Encoder
from .settings import Settings
from .tokens import TokenCache

__all__ = ["fingerprint"]


def fingerprint(
    settings: Settings, encoder: Encoder, cache: TokenCache, Y: Csr, tree: LabelTree, levels: Sequence[int]
) -> dict[str, Any]:
    """Return JSON values that identify a training, for `Checkpoints`."""
    return {
        **settings.fingerprint(),
        "encoder": {
            "kind": type(encoder.module).__name__,
            "pooling": encoder.pooling,
            "max_length": encoder.max_length,
            "weights": _digest(encoder.used_weights().values()),
        },
        "texts": {"number": len(cache), "digest": cache.digest, "tokens": int(cache.offsets[-1])},
        "labels": {"number": Y.shape[1], "digest": _digest([np.asarray(Y.indptr), np.asarray(Y.indices)])},
        "tree": {"levels": list(levels), "digest": _digest([*tree.branches, tree.labels])},
    }


def _digest(arrays: Iterable[NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
