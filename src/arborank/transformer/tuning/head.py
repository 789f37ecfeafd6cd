"""The vectors of one level's nodes: scored against texts and trained row by row."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...core.types import AnyArray

__all__ = ["LevelHead", "random_vectors", "scores"]

_BETA1, _BETA2, _EPS = 0.9, 0.999, 1e-8


class LevelHead:
    """A vector and a bias for every node of a level, with Adam's moments.

    Only the rows that a step's candidates name are moved, as with lazy Adam (Kingma and Ba 2015, the moments of
    other rows waiting); so the whole may stay on the host when it is too large for the device.

    Parameters
    ----------
    vectors : float32 array of shape (n_nodes, d + 1)
        The last column is the bias.
    place : torch.device
        Where it is kept.
    """

    def __init__(self, vectors: NDArray[np.float32], place: torch.device) -> None:
        self.vectors = torch.tensor(vectors, dtype=torch.float32, device=place)
        self.mean = torch.zeros_like(self.vectors)
        self.square = torch.zeros_like(self.vectors)
        self.steps = 0

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return int(self.vectors.shape[0])

    def rows(self, nodes: NDArray[np.int64] | None, place: torch.device) -> torch.Tensor:
        """Return a trainable copy of some rows, or of all, on a device."""
        some = self.vectors if nodes is None else self.vectors[self._index(nodes)]
        copied = some.detach().to(place)
        return (copied.clone() if copied.data_ptr() == self.vectors.data_ptr() else copied).requires_grad_()

    def step(self, gathered: Iterable[tuple[NDArray[np.int64] | None, torch.Tensor]], rate: float) -> None:
        """Move rows by one step of Adam.

        Parameters
        ----------
        gathered : iterable of (nodes, gradient)
            Of every part of the batch, the nodes as given to `rows` and the gradient of what it returned.
        rate : float
            Learning rate.
        """
        parts = [(nodes, gradient.to(self.vectors.device)) for nodes, gradient in gathered]
        self.steps += 1
        if any(nodes is None for nodes, _ in parts):
            rows: Any = slice(None)
            gradient = torch.stack([gradient for _, gradient in parts]).sum(dim=0)
        elif len(parts) == 1:
            rows, gradient = self._index(parts[0][0]), parts[0][1]
        else:
            nodes = torch.cat([self._index(nodes) for nodes, _ in parts])
            rows, inverse = torch.unique(nodes, return_inverse=True)
            gradient = torch.zeros(rows.numel(), self.vectors.shape[1], device=self.vectors.device)
            gradient.index_add_(0, inverse, torch.cat([part for _, part in parts]))
        mean = self.mean[rows].mul_(_BETA1).add_(gradient, alpha=1 - _BETA1)
        square = self.square[rows].mul_(_BETA2).addcmul_(gradient, gradient, value=1 - _BETA2)
        self.mean[rows], self.square[rows] = mean, square
        spread = square.div(1 - _BETA2**self.steps).sqrt_().add_(_EPS)
        self.vectors[rows] -= rate / (1 - _BETA1**self.steps) * mean / spread

    def _index(self, nodes: NDArray[np.int64] | None) -> torch.Tensor:
        return torch.from_numpy(np.asarray(nodes)).to(self.vectors.device)

    def arrays(self) -> dict[str, AnyArray]:
        """Return all that training continues from."""
        tensors = {"vectors": self.vectors, "mean": self.mean, "square": self.square}
        arrays = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
        return {**arrays, "steps": np.array([self.steps])}

    def set_vectors(self, vectors: NDArray[np.float32]) -> None:
        """Take over vectors, and leave the moments as they are."""
        self.vectors.copy_(torch.from_numpy(np.array(vectors)))

    def set_arrays(self, arrays: Mapping[str, AnyArray]) -> None:
        """Take over what `arrays` gave."""
        for name in ("vectors", "mean", "square"):
            getattr(self, name).copy_(torch.from_numpy(np.array(arrays[name])))
        self.steps = int(arrays["steps"][0])


def random_vectors(n_nodes: int, width: int, seed: tuple[int, ...]) -> NDArray[np.float32]:
    """Return small vectors for a head to begin with, without biases."""
    vectors = np.random.default_rng(seed).normal(0.0, 0.02, (n_nodes, width + 1)).astype(np.float32)
    vectors[:, -1] = 0.0
    return vectors


def scores(pooled: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Return the margins of texts and nodes: inner product plus bias.

    Parameters
    ----------
    pooled : tensor of shape (n_texts, d)
    rows : tensor of shape (n_nodes, d + 1)

    Returns
    -------
    tensor of shape (n_texts, n_nodes)
    """
    return torch.addmm(rows[:, -1], pooled, rows[:, :-1].T)
