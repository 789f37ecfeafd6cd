"""How much memory fine-tuning will need, asked before it begins."""

import logging
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch

from ...core.memory import available_memory, format_bytes
from ...indexing import LabelTree
from ..encoders.device import Device
from ..encoders.encoder import Encoder
from .candidates import children_between
from .settings import TuningSettings

__all__ = ["check_tuning_fits", "estimate_tuning"]

_LOG = logging.getLogger(__name__)


def estimate_tuning(
    encoder: Encoder, tree: LabelTree, levels: Sequence[int], settings: TuningSettings
) -> int:
    """Estimate the bytes on the device while encoder and head of the level that needs most are trained.

    Notes
    -----
    A weight of the encoder takes 16 bytes (itself, its gradient, Adam's moments), one of the head 12. A layer keeps
    about 16 values per token and unit of width for the backward pass (of 4 bytes) and two of ``length`` a head and
    token for the attention; the candidates' vectors are there three times, the scores four times.
    """
    width, length = encoder.width, encoder.max_length
    layers = getattr(encoder.config, "num_hidden_layers", 12)
    heads = getattr(encoder.config, "num_attention_heads", 12)
    activations = layers * settings.batch_size * length * 4 * (16 * width + 2 * heads * length)
    needed = 0
    for upper, lower in pairwise((0, *levels)):
        widths = np.diff(children_between(tree, upper, lower))
        n_nodes = int(widths.sum())
        opened = min(2 * settings.beam_size * settings.batch_size, widths.size)
        n_candidates = min(n_nodes, int(opened * widths.max()))
        head = (
            12 * n_nodes * (width + 1) + 12 * n_candidates * width + 16 * settings.batch_size * n_candidates
        )
        needed = max(needed, head)
    return int(16 * encoder.n_parameters + activations + needed)


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
