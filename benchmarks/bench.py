"""Measures the headline table of ``RESULTS.md`` again and names what has become slower against libpecos.

    python benchmarks/bench.py [--data DIR] [--minutes 16]

Rounds go on until the time is up, over the synthetic query log, which needs no data, and the sets that `DIR` has.
Every ratio comes with an interval, the least and the most that the figures of the rounds give. Where even its upper end
is below nine tenths of the committed ratio, the ratio is named and the exit status is 1; without libpecos it is 2.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from argparse import Namespace
from pathlib import Path
from typing import NamedTuple

from environments import HERE, PLACE, missing
from harness import Measurements
from tables import training
from tables.markdown import REFERENCE, table

SIDES = ("arborank", "arborank-int8", REFERENCE)
LOSS = 0.1  # of a ratio: a slowdown


class Interval(NamedTuple):
    """A ratio: of the medians, and the least and the most of any round."""

    middle: float
    low: float
    high: float


def committed(page: str) -> dict[tuple[str, int, str], float]:
    """The ratios of the headline table of a page, by figure, number of threads and set."""
    text = re.search(r"<!-- summary -->(.*?)<!-- end -->", page, re.DOTALL)
    if text is None:
        raise ValueError("the page has no table between <!-- summary --> and <!-- end -->")
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text[1].split("\n") if line[:1] == "|"
    ]
    header = rows[0]
    return {
        (row[0], int(row[1]), name): float(cell.rstrip("×"))
        for row in rows
        if len(row) == len(header)
        for name, cell in zip(header[2:], row[2:], strict=True)
        if cell.endswith("×")
    }


def measured(found: Measurements, threads: int) -> dict[tuple[str, int, str], Interval]:
    """The same ratios of what was measured, with intervals."""
    ratios = {}
    for what, side, kind, figure in training.SUMMARY:
        for name in found.distinct("set", table=kind):
            rounds = []
            for of in (REFERENCE, side):
                values = found.of(table=kind, set=name, threads=threads, side=of)
                rounds.append([one[figure] for one in values if one.get(figure)])
            theirs, ours = rounds
            if theirs and ours:
                middle = found.median(figure, table=kind, set=name, threads=threads, side=REFERENCE)
                middle /= found.median(figure, table=kind, set=name, threads=threads, side=side)
                ratios[what, threads, name] = Interval(
                    middle, min(theirs) / max(ours), max(theirs) / min(ours)
                )
    return ratios


def verdict(before: float | None, now: Interval) -> str:
    """What a ratio has become."""
    if before is None:
        return "not committed"
    least = (1 - LOSS) * before
    if now.high < least:
        return "SLOWER"
    return "slower?" if now.middle < least else "faster" if now.low > (1 + LOSS) * before else ""


def report(before: dict, now: dict) -> tuple[str, list[str]]:
    """A table of all ratios, and the slowdowns in words."""
    rows, slower = [], []
    for key, interval in now.items():
        old = before.get(key)
        said = verdict(old, interval)
        span = f"{interval.middle:.1f}× ({interval.low:.1f} to {interval.high:.1f})"
        rows.append([f"{key[0]}, {key[2]}", "–" if old is None else f"{old:.1f}×", span, said])
        if said == "SLOWER":
            slower.append(f"{key[0]} on {key[2]}: {old:.1f}× before, {span} now")
    return table(["libpecos ÷ arborank", "committed", "now", ""], rows), slower


def measure(given: Namespace, found: Measurements) -> None:
    """Round after round of every set, as long as there is time for one like the last of the set."""
    begin, taken = time.monotonic(), {}
    directories = training.directories(given)
    for turn in range(1, given.rounds + 1):
        options = Namespace(**vars(given) | {"rounds": turn})
        for directory in directories:
            start = time.monotonic()
            if start - begin + taken.get(directory, 0.0) < 60 * given.minutes:
                training.measure_set(options, found, directory, given.threads)
                taken[directory] = time.monotonic() - start


def arguments() -> Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    folder = os.environ.get("ARBORANK_DATA")
    parser.add_argument("--data", type=Path, default=folder, help="folder of the sets (or ARBORANK_DATA)")
    parser.add_argument("--cache", type=Path, default=HERE / "cache", help="matrices")
    parser.add_argument("--environments", type=Path, default=PLACE)
    parser.add_argument("--sets", nargs="+", help="of the folder; by default those of the headline table")
    parser.add_argument("--minutes", type=float, default=16, help="no round begins that would end later")
    parser.add_argument("--rounds", type=int, default=5, help="at most")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--singles", type=int, default=2000, help="queries given one at a time")
    parser.add_argument("--patience", type=float, default=10, help="seconds for a pass over the test rows")
    parser.add_argument("--limit", type=float, default=600, help="seconds for one answer of a side")
    parser.add_argument(
        "--page", type=Path, default=HERE / "RESULTS.md", help="that has the committed ratios"
    )
    return parser.parse_args(namespace=Namespace(sides=list(SIDES), rows=None))


def main() -> int:
    given = arguments()
    if missing(REFERENCE, given.environments):
        print("libpecos has no environment: python benchmarks/environments.py libpecos", file=sys.stderr)
        return 2
    before = committed(given.page.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as place:
        found = Measurements(Path(place))
        measure(given, found)
    text, slower = report(before, measured(found, given.threads))
    print(f"\n{text}\n")
    for one in slower:
        print(f"SLOWER: {one}")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
