"""What a user waits for: importing the library, and one text to label names through ``TextRanker.rank``."""

import argparse
import statistics
import subprocess
from pathlib import Path

import child
import data
from environments import python
from measurements import Measurements

IMPORTS = {
    "import arborank": "import arborank",
    "XRLinear, TextRanker and load": "from arborank import TextRanker, XRLinear, load",
}
CLOCK = """
import sys
from time import perf_counter
start = perf_counter()
{statement}
print(perf_counter() - start, "torch" in sys.modules)
"""


def import_time(environment: Path, statement: str) -> dict:
    """Seconds of one import statement in a fresh interpreter."""
    command = [environment, "-c", CLOCK.format(statement=statement)]
    taken, torch = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return {"seconds": float(taken), "torch": torch == "True"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data.add_arguments(parser)
    child.add_arguments(parser)
    parser.add_argument("--sets", nargs="+", default=["yso-en"])
    parser.add_argument("--texts", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=11, help="imports")
    given = parser.parse_args()
    found = Measurements(given.cache)
    for what, statement in IMPORTS.items():
        times = [import_time(python("arborank", given.environments), statement) for _ in range(given.repeats)]
        seconds = statistics.median(one["seconds"] for one in times)
        found.add(
            {"seconds": seconds, "torch": any(one["torch"] for one in times)}, table="import", what=what
        )
    for name in given.sets:
        with child.Child("arborank", "ranker", 2, given) as process:
            trained = process.ask("train", data=str(given.data.resolve()), name=name, threads=2)
            found.add(trained, table="text-training", set=name)
            if "final" not in trained:
                found.add(process.ask("single", count=given.texts), table="text-to-names", set=name)


if __name__ == "__main__":
    main()
