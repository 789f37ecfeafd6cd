"""Clocks and memory, the same for every side."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

import numpy as np


def status_bytes(field: str) -> int:
    """A memory figure of this process (``VmRSS`` now, ``VmHWM`` highest)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


class PeakMemory:
    """Highest resident memory since construction, beyond what was resident then."""

    def __init__(self):
        Path("/proc/self/clear_refs").write_text("5")  # forget the highest so far
        self.before = status_bytes("VmRSS")

    def beyond(self) -> int:
        return max(0, status_bytes("VmHWM") - self.before)


def seconds(call: Callable, *arguments) -> tuple[float, object]:
    """Wall time of one call, and its result."""
    start = perf_counter()
    result = call(*arguments)
    return perf_counter() - start, result


def percentiles(call: Callable, inputs: Sequence) -> dict[str, float]:
    """``p50`` and ``p99`` in microseconds of one call an input, after a tenth of them as warm-up."""
    for one in inputs[: len(inputs) // 10]:
        call(one)
    times = np.array([seconds(call, one)[0] for one in inputs]) * 1e6
    return {"p50": float(np.percentile(times, 50)), "p99": float(np.percentile(times, 99))}


def size_on_disk(path: str) -> int:
    """Bytes of all files below a path."""
    return sum(os.path.getsize(Path(root) / name) for root, _, names in os.walk(path) for name in names)
