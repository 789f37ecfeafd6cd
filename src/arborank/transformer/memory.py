"""How much memory fine-tuning will need, asked before it begins."""

import logging
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch

from ..core.memory import available_memory, format_bytes
from ..indexing import LabelTree
from .candidates import children_between
from .device import Device
from .encoder import Encoder
from .settings import Settings

__all__ = ["check_tuning_fits", "estimate_for", "estimate_tuning"]

_LOG = logging.getLogger(__name__)


def estimate_tuning(encoder: Encoder, *, batch_size: int, n_nodes: int, n_candidates: int) -> int:
    """Estimate the bytes on the device while encoder and head are trained.

    Parameters
    ----------
    encoder : Encoder
    batch_size : int
    n_nodes : int
        Of the largest level.
    n_candidates : int
        Nodes that a batch is scored against.

    Notes
    -----
    A weight of the encoder takes 16 bytes (itself, its gradient, Adam's moments), one of the head 12. A layer keeps
    about 16 values a token and unit of width for the backward pass (of 4 bytes) and two of ``length`` a head and
    token for the attention; the candidates' vectors are there three times, the scores four times.
    """
    config, length = encoder.config, encoder.max_length
    layers = getattr(config, "num_hidden_layers", 12)
    heads = getattr(config, "num_attention_heads", 12)
    width = encoder.width
    tokens = batch_size * length
    weights = 16 * encoder.n_parameters + 12 * n_nodes * (width + 1)
    activations = layers * tokens * 4 * (16 * width + 2 * heads * length)
    return int(weights + activations + 12 * n_candidates * width + 16 * batch_size * n_candidates)


def estimate_for(encoder: Encoder, tree: LabelTree, levels: Sequence[int], settings: Settings) -> int:
    """Return `estimate_tuning` for the level of a tree that needs most."""
    needed = 0
    for upper, lower in pairwise((0, *levels)):
        widths = np.diff(children_between(tree, upper, lower))
        opened = min(2 * settings.beam_size * settings.batch_size, widths.size)
        needed = max(
            needed,
            estimate_tuning(
                encoder,
                batch_size=settings.batch_size,
                n_nodes=int(widths.sum()),
                n_candidates=min(int(widths.sum()), int(opened * widths.max())),
            ),
        )
    return needed


def check_tuning_fits(needed: int, device: Device) -> None:
    """Log an estimate, and refuse work that the device has no memory for.

    Raises
    ------
    MemoryError
        If more is needed than is free; the message says what can be done.
    """
    free = available_memory()
    if device.place.type == "cuda":
        free = int(torch.cuda.mem_get_info(device.place)[0])
    told = "" if free is None else f"; {format_bytes(free)} free"
    _LOG.info("memory for fine-tuning on %s, about %s%s", device.place, format_bytes(needed), told)
    if free is not None and needed > free:
        raise MemoryError(
            f"fine-tuning needs about {format_bytes(needed)} on {device.place}, but {format_bytes(free)} are free. "
            "Ways out: a smaller batch_size with a larger accumulation, a smaller max_length, gradient_checkpointing, "
            "or a smaller encoder"
        )
