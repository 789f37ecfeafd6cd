"""Write the type stub of the native kernels, `src/arborank/_native/__init__.pyi`.

Run it after a change of `native/bindings`, with the package built in place or installed::

    python tools/make_stubs.py
"""

import importlib
import re
from pathlib import Path

from nanobind.stubgen import StubGen

import arborank._native

TARGET = Path(__file__).parents[1] / "src" / "arborank" / "_native" / "__init__.pyi"


def main() -> None:
    """Generate, shorten and write the stub."""
    generator = StubGen(importlib.import_module(f"arborank._native.kernels_{arborank._native.LEVEL}"))
    generator.put(generator.module)
    text = generator.get()
    text = re.sub(r"Annotated\[(NDArray\[[\w.]+\]), dict\([^)]*\)?[^]]*?\)\]", r"\1", text)
    text = re.sub(
        r"(def (?:encode|rows|multiply|transpose|unpack)\(.*\)) -> tuple:",
        r"\1 -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:",
        text,
    )
    text = re.sub(r"-> tuple:", "-> Any:", text)  # arrays to be unpacked
    text = re.sub(r"-> list:", "-> list[Any]:", text)
    text = re.sub(r"-> dict:", "-> dict[str, Any]:", text)
    text = re.sub(r": Callable \|", ": Callable[[int], object] |", text)
    text = text.replace("layers: list,", "layers: list[Layer],")
    text = text.replace("from typing import Annotated", "from typing import Any")
    text = re.sub(r"UNICODE_VERSION: str = .*", "UNICODE_VERSION: str", text)
    text = re.sub(r"\n{3,}", "\n\n", text)
    TARGET.write_text(text + "\nLEVEL: str\n")


if __name__ == "__main__":
    main()
