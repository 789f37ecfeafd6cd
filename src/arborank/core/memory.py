"""What memory the machine has, and checks of single arrays against it."""

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["available_memory", "check_answers_fit", "check_label_arrays_fit", "check_room", "format_bytes"]

_LABEL_BYTES = 48  # counts, estimates and positions of a label, positives or none
_ANSWER_BYTES = 12  # an id and a score
_LITTLE = 1 << 28


def check_label_arrays_fit(n_labels: int) -> None:
    """Refuse a number of labels for which not even arrays of one number per label can be had.

    Parameters
    ----------
    n_labels : int
        Columns of the label matrix, whether or not they hold anything.

    Raises
    ------
    MemoryError
        If they would need more memory than is available.
    """
    check_room(
        _LABEL_BYTES * n_labels,
        f"Y has {n_labels:,} labels, whose arrays need",
        "is the largest label id meant? Leave out columns without a label",
    )


def check_answers_fit(n_rows: int, k: int) -> None:
    """Refuse answers of ``k`` ids and scores per row that the machine has no memory for.

    Raises
    ------
    MemoryError
        If they would need more memory than is available.
    """
    check_room(
        _ANSWER_BYTES * n_rows * k,
        f"k is {k:,} for {n_rows:,} rows, whose ids and scores need",
        "lower k, or give fewer rows at a time",
    )


def check_room(needed: int, what: str, remedy: str) -> None:
    """Raise ``MemoryError`` if so many bytes, of which ``what`` tells who needs them, are more than there is.

    The system is asked only where they are many.
    """
    if needed <= _LITTLE:
        return
    available = available_memory()
    if available is not None and needed > available:
        raise MemoryError(f"{what} {format_bytes(needed)}, but {format_bytes(available)} are free; {remedy}")


def available_memory() -> int | None:
    """Return the bytes that this process may still take, or None where the system does not tell.

    The least of what the kernel says is available without swapping and what every control group (version 1
    or 2) above this process leaves; where neither is told (macOS), the machine's physical memory.
    """
    known = [*_meminfo(Path("/proc/meminfo")), *_cgroups(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))]
    if known:
        return max(min(known), 0)
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _meminfo(path: Path) -> Iterator[int]:
    for line in _lines(path):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024


def _cgroups(membership: Path, root: Path) -> Iterator[int]:
    """Yield what each control group above the process leaves: its limit less what it holds for good."""
    for line in _lines(membership):
        number, controllers, group = line.split(":", 2)
        if number == "0" and not controllers:
            names, base = ("memory.max", "memory.current", "inactive_file"), root
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            base = root / "memory"
        else:
            continue
        place = base / group.strip("/")
        # A container's own group is the root it sees; the path it is told is not there, and skipped.
        for folder in (place, *place.parents):
            yield from _group(folder, *names)
            if folder == base:
                break


def _group(folder: Path, limit: str, usage: str, reclaimable: str) -> Iterator[int]:
    bounds = [lines[0] for name in (limit, usage) if (lines := _lines(folder / name))]
    if len(bounds) == 2 and bounds[0] != "max":
        stat = (line.split() for line in _lines(folder / "memory.stat"))
        cache = sum(int(value) for name, value in stat if name == reclaimable)
        yield int(bounds[0]) - int(bounds[1]) + cache


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def format_bytes(n_bytes: float) -> str:
    """Write a number of bytes for people, in powers of 1000."""
    value = float(n_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(value) < 999.5:
            return f"{value:.0f} bytes" if unit == "bytes" else f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:,.3g} TB" if value < 999.5 else f"{value:,.0f} TB"
