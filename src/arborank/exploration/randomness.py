"""Random numbers that follow from a seed and a counter, so that any of them can be made again."""

__all__ = ["uniform"]

_MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15  # 2**64 divided by the golden ratio, odd


def uniform(seed: int, number: int) -> float:
    """Return the ``number``-th number of a seed, at least 0 and below 1: SplitMix64 (Steele, Lea and Flood, 2014)."""
    return (_mix((_mix(seed & _MASK) + number * _STEP) & _MASK) >> 11) * 2.0**-53


def _mix(z: int) -> int:
    z = (z + _STEP) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)
