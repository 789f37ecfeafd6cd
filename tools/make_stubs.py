"""Write the type stub of the native kernels, `src/arborank/_native/__init__.pyi`.

Run it after a change of `native/bindings`, with the package built in place or installed::

    python tools/make_stubs.py
"""

from pathlib import Path

from nanobind import stubgen

from arborank._native import LEVEL

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Let nanobind write it."""
    target = ROOT / "src" / "arborank" / "_native" / "__init__.pyi"
    patterns = ROOT / "tools" / "stub_patterns.txt"
    module = f"arborank._native.kernels_{LEVEL}"
    stubgen.main(["--module", module, "-p", str(patterns), "--exclude-values", "--quiet", "-o", str(target)])


if __name__ == "__main__":
    main()
