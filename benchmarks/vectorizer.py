"""TF-IDF of word 1- and 2-grams: learning it, turning texts into rows, and one text alone."""

import argparse

import child
import data
from measurements import Measurements

SIDES = {"arborank": (2, 1), "scikit-learn": (1,), "libpecos": (2, 1)}  # scikit-learn has one thread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data.add_arguments(parser)
    child.add_arguments(parser)
    parser.add_argument("--sets", nargs="+", default=["yso-en", "eurlex57k"])
    parser.add_argument("--sides", nargs="+", default=list(SIDES), choices=list(SIDES))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--texts", type=int, default=2000, help="texts given one at a time")
    given = parser.parse_args()
    found = Measurements(given.cache)
    for name in given.sets:
        for repeat in range(1, given.repeats + 1):
            for side in given.sides:
                for threads in SIDES[side]:
                    key = {"table": "vectorizer", "set": name, "threads": threads, "side": side}
                    if found.done(repeat, **key):
                        continue
                    with child.Child(side, "text", threads, given) as process:
                        process.ask("read", data=str(given.data.resolve()), name=name)
                        answer = process.ask("fit", threads=threads)
                        if "final" not in answer:
                            answer |= process.ask("one_text", count=given.texts)
                    found.add(answer, **key)


if __name__ == "__main__":
    main()
