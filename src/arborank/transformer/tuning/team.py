"""Several processes that fine-tune one encoder together, one per device."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray

from ...core.types import AnyArray
from ..encoders.device import Device

__all__ = ["Gathered", "Team", "gathered_team"]

_ROWS = 65_536  # rows sent at once

Gathered = list[tuple[NDArray[np.int64] | None, torch.Tensor]]


class Team:
    """The processes of a training; alone by default.

    All run the same program on the same data. A batch and a pass over the texts are divided among them, and what they
    find is shared, so that every process holds the same encoder and heads.

    Parameters
    ----------
    rank, size : int, default 0 and 1
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and shows progress."""
        return self.rank == 0

    def share(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return what of some work is this process' own."""
        return rows[self.rank :: self.size]

    def sum_gradients(self, weights: Sequence[torch.Tensor]) -> None:
        """Add up the gradients of all processes, in place."""
        if self.size == 1:
            return
        for weight in weights:
            if weight.grad is None:  # nothing to do here, but maybe elsewhere
                weight.grad = torch.zeros_like(weight)
        flat = torch.cat([weight.grad.flatten() for weight in weights])
        dist.all_reduce(flat)
        for weight, part in zip(weights, flat.split([weight.numel() for weight in weights]), strict=True):
            weight.grad.copy_(part.view_as(weight))

    def gather(self, parts: Gathered, width: int, n_nodes: int | None, place: torch.device) -> Gathered:
        """Return the gradient of a head that all processes have together.

        Parameters
        ----------
        parts : list of (nodes, gradient)
            This process' own; may be empty.
        width : int
            Columns of the gradients.
        n_nodes : int or None
            Rows of the head when every part is about all of them, else None.
        place : torch.device
            Where the gradients are.
        """
        if self.size == 1:
            return parts
        if n_nodes is not None:
            total = torch.zeros(n_nodes, width, device=place)
            for _, gradient in parts:
                total += gradient
            dist.all_reduce(total)
            return [(None, total)]
        own = [torch.from_numpy(np.asarray(nodes)).to(place) for nodes, _ in parts]
        nodes = torch.cat([torch.zeros(0, dtype=torch.int64, device=place), *own])
        gradients = torch.cat([torch.zeros(0, width, device=place), *(gradient for _, gradient in parts)])
        counts = [torch.zeros(1, dtype=torch.int64, device=place) for _ in range(self.size)]
        dist.all_gather(counts, torch.tensor([nodes.numel()], device=place))
        sizes = [int(count) for count in counts]
        all_nodes, all_gradients = (self._all(tensor, max(sizes)) for tensor in (nodes, gradients))
        return [
            (some[:size].cpu().numpy(), rows[:size])
            for some, rows, size in zip(all_nodes, all_gradients, sizes, strict=True)
            if size
        ]

    def _all(self, own: torch.Tensor, longest: int) -> list[torch.Tensor]:
        """Return a tensor of every process, padded to ``longest`` rows."""
        padded = torch.zeros(longest, *own.shape[1:], dtype=own.dtype, device=own.device)
        padded[: own.shape[0]] = own
        every = [torch.empty_like(padded) for _ in range(self.size)]
        dist.all_gather(every, padded)
        return every

    def sum(self, value: torch.Tensor) -> torch.Tensor:
        """Return the sum of a number over all processes."""
        if self.size > 1:
            dist.all_reduce(value)
        return value

    def exchange(self, rows: NDArray[np.int64], device: Device, *arrays: AnyArray) -> None:
        """Fill in the rows that other processes worked on, as `share` divided them."""
        for rank in range(self.size if self.size > 1 else 0):
            part = rows[rank :: self.size]
            for start in range(0, part.size, _ROWS):
                some = part[start : start + _ROWS]
                for array in arrays:
                    sent = device.tensor(array[some])
                    dist.broadcast(sent, src=rank)
                    if rank != self.rank:
                        array[some] = sent.cpu().numpy()

    def wait(self) -> None:
        """Wait for the others."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def gathered_team(device: Device) -> Iterator[Team]:
    """Join the processes that ``torchrun`` or ``accelerate launch`` started, or give a team of one.

    They are described by the variables ``RANK``, ``WORLD_SIZE``, ``MASTER_ADDR`` and ``MASTER_PORT``. A process group
    that the program has made already is used as it is.
    """
    if dist.is_available() and dist.is_initialized():
        yield Team(dist.get_rank(), dist.get_world_size())
        return
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Team()
        return
    dist.init_process_group("nccl" if device.place.type == "cuda" else "gloo")
    try:
        yield Team(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
