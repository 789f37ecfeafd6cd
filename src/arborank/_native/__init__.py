"""Picks the compiled kernels for this processor.

The same C++ sources are compiled for several instruction-set levels. The best one that the processor runs is
imported; the environment variable ``ARBORANK_LEVEL`` (``v2``, ``v3``, ``v4`` or ``base``) forces a lower one.
"""

import importlib
import os

from . import cpu

_ORDER = ("v4", "v3", "v2", "base")


def _candidates() -> tuple[str, ...]:
    supported = _ORDER[_ORDER.index(cpu.level()) :]
    forced = os.environ.get("ARBORANK_LEVEL")
    if forced is None:
        return supported
    if forced not in supported:
        raise ImportError(f"ARBORANK_LEVEL is {forced!r}; this processor runs {', '.join(supported)}")
    return (forced,)


def _load() -> str:
    for level in _candidates():
        try:
            module = importlib.import_module(f"{__name__}.kernels_{level}")
        except ModuleNotFoundError:
            continue
        globals().update({name: value for name, value in vars(module).items() if not name.startswith("_")})
        return level
    raise ImportError(
        f"no compiled kernels for {', '.join(_candidates())}: reinstall arborank with `pip install .`"
    )


LEVEL = _load()
