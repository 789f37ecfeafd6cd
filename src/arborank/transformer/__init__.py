"""Transformer matchers: an encoder of text learns from the label tree, its embeddings join the sparse features.

X-Transformer (Chang et al., KDD 2020) learns at one resolution of the tree, XR-Transformer (Zhang et al., NeurIPS
2021) at all of them, coarse to fine. They need the extra ``transformers``; PyTorch is imported when one is fitted,
loaded or asked, not before.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .distil import distil
from .embeddings import text_embeddings
from .plain import PlainTexts
from .xrtransformer import XRTransformer
from .xtransformer import XTransformer

if TYPE_CHECKING:
    from .encoders.encoder import Encoder
    from .scratch import scratch_encoder

__all__ = [
    "Encoder",
    "PlainTexts",
    "XRTransformer",
    "XTransformer",
    "distil",
    "scratch_encoder",
    "text_embeddings",
]

_NEED_TORCH = {"Encoder": ".encoders.encoder", "scratch_encoder": ".scratch"}


def __getattr__(name: str) -> Any:
    if name not in _NEED_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .extra import require_torch

    require_torch()
    return getattr(import_module(_NEED_TORCH[name], __name__), name)
