"""Losses over candidates, and the score that goes with each."""

import numpy as np
import torch
from numpy.typing import NDArray

from ..encoders.device import Device
from .candidates import NodeBatch

__all__ = ["candidate_loss", "combined"]


def candidate_loss(margins: torch.Tensor, batch: NodeBatch, kind: str, device: Device) -> torch.Tensor:
    """Return the loss of a batch: summed over an instance's candidates, averaged over instances.

    Parameters
    ----------
    margins : tensor of shape (n_instances, n_nodes)
    batch : NodeBatch
    kind : {"squared-hinge", "hinge", "logistic"}
        With ``m`` the margin, negated for wrong nodes: ``max(0, 1 - m)^2``, ``max(0, 1 - m)``, ``log(1 + exp(-m))``.
    """
    signed = torch.where(device.tensor(batch.targets), margins, -margins)
    if kind == "logistic":
        loss = torch.nn.functional.softplus(-signed)
    else:
        loss = torch.relu(1 - signed)
        loss = loss * loss if kind == "squared-hinge" else loss
    if batch.mask is not None:
        loss = loss * device.tensor(batch.mask)
    return loss.sum() / margins.shape[0]


def combined(
    margins: NDArray[np.float32], above: NDArray[np.float32] | None, kind: str
) -> NDArray[np.float32]:
    """Return scores in 0 to 1, joined with those of the parents by multiplication; see `arborank.matching.combine`."""
    if kind == "logistic":
        scores = 1 / (1 + np.exp(-np.clip(margins, -60, 60)))
    else:
        scores = np.exp(-(np.maximum(1 - margins, 0) ** 3))
    return np.asarray(scores if above is None else scores * above, np.float32)
