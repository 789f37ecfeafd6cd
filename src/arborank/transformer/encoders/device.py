"""Where and how precisely an encoder computes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from ...core.types import AnyArray

__all__ = ["PRECISIONS", "Device", "choose_device", "limited_threads"]

PRECISIONS = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Device:
    """A device and the type that its matrix products are computed in.

    Attributes
    ----------
    place : torch.device
    precision : torch.dtype
        float32, or a narrower type that autocast uses; weights stay float32.
    """

    place: torch.device
    precision: torch.dtype

    def autocast(self) -> torch.autocast:
        """Return the context in which to call the encoder."""
        narrow = self.precision is not torch.float32
        return torch.autocast(
            self.place.type, dtype=self.precision if narrow else torch.bfloat16, enabled=narrow
        )

    def tensor(self, array: AnyArray) -> torch.Tensor:
        """Copy an array to the device."""
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.place, non_blocking=True)


def choose_device(device: str, precision: str) -> Device:
    """Return the device asked for; ``"auto"`` is the first accelerator, and bfloat16 where it is fast.

    Raises
    ------
    ValueError
        If a name is unknown, the device is not there, or it has not that precision.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; expected one of {', '.join(PRECISIONS)}")
    if device == "auto":
        place = _accelerator() or torch.device("cpu")
    else:
        try:
            place = torch.device(device)
            torch.empty(1, device=place)
        except (RuntimeError, AssertionError, TypeError) as error:
            first = str(error).splitlines()[0]
            raise ValueError(f"device is {device!r}, which cannot be used here: {first}") from error
    if precision == "float16" and place.type == "cpu":
        raise ValueError("precision 'float16' needs an accelerator; on a CPU take 'bfloat16' or 'float32'")
    if precision == "auto":
        return Device(place, torch.bfloat16 if _fast_bfloat16(place) else torch.float32)
    return Device(place, getattr(torch, precision))


def _accelerator() -> torch.device | None:
    """Return the accelerator of this process: of several processes on a machine, each takes its own."""
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if found is None or found.type != "cuda":
        return found
    number = int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count()
    torch.cuda.set_device(number)
    return torch.device("cuda", number)


def _fast_bfloat16(place: torch.device) -> bool:
    if place.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if place.type == "cpu":
        told = (
            getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        )
        return any(ask is not None and ask() for ask in told)
    return False


@contextmanager
def limited_threads(n_threads: int) -> Iterator[None]:
    """Limit the threads of PyTorch; 0 leaves its own number."""
    before = torch.get_num_threads()
    if n_threads:
        torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
