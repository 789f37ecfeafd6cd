"""How far quality moves with the seed of the tree: every side trained with several seeds.

omikuji takes no seed and differs from run to run; its runs are numbered instead.

Times are not kept, so this may run beside other work.
"""

import argparse

import child
import data
from measurements import Measurements

from linear import model

SIDES = ["arborank", "arborank-l2-l3", "libpecos", "omikuji"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data.add_arguments(parser)
    child.add_arguments(parser)
    parser.add_argument("--sets", nargs="+", default=data.SETS)
    parser.add_argument("--sides", nargs="+", default=SIDES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    given = parser.parse_args()
    found = Measurements(given.cache)
    for name in given.sets:
        data.prepare(given.data, given.cache, name)
        for seed in given.seeds:
            for side in given.sides:
                key = {"table": "seeds", "set": name, "side": side, "seed": seed}
                if found.done(1, **key):
                    continue
                if side.startswith("omikuji"):
                    data.prepare_text(given.cache, name)
                request = {
                    "directory": str((given.cache / name).resolve()),
                    "model": model(given, name, f"{side}-seed"),
                    "threads": 2,
                }
                with child.Child(side, "linear", 2, given, seed) as process:
                    answer = process.ask("train", **request)
                    if "final" not in answer:
                        process.ask("load", **request)
                        answer = process.ask("batch", patience=600, with_quality=True)
                for timing in ("microseconds", "rows", "all_rows"):
                    answer.pop(timing, None)
                found.add(answer, **key)


if __name__ == "__main__":
    main()
