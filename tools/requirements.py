"""Print what the package needs to run, and what the extras given as arguments need: for ``pip install``."""

import sys
import tomllib
from pathlib import Path


def main() -> None:
    """Read ``pyproject.toml`` and print its requirements, one a line."""
    path = Path(__file__).parents[1] / "pyproject.toml"
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    for requirement in [*project["dependencies"], *(line for name in sys.argv[1:] for line in extras[name])]:
        print(requirement.replace(" ", ""))


if __name__ == "__main__":
    main()
