"""Measures Arborank beside other libraries and writes the tables of ``RESULTS.md`` and the README.

    python benchmarks/environments.py libpecos
    python benchmarks/run.py training vectorizer --data DIR --sides arborank libpecos scikit-learn

Every measurement is kept in the cache as soon as it is taken, and what is kept is not measured again: a run may be
stopped and continued. ``--anew`` forgets what was kept of the chosen tables. ``--rows 2000`` tries everything on the
first rows of each set and prints the tables.
"""

import argparse
import os
import re
from importlib import import_module
from pathlib import Path

from environments import HERE, PLACE, SIDES, missing
from harness import Measurements

# and transformer, when named
TABLES = ("training", "vectorizer", "retrieval", "completion", "serving", "scale", "defaults")
KINDS = {"training": ("train", "load", "batch", "single"), "scale": ("train", "load", "batch", "single")}


def origin(found: Measurements, name: str) -> str:
    """When, where and with which versions a table was measured."""
    kinds = KINDS.get(name, (name,))
    of = [one for one in found.all if one["key"]["table"].startswith(kinds)]
    dates = sorted({one["date"] for one in of})
    versions = sorted({one["values"]["version"] for one in of if "version" in one["values"]})
    when = " to ".join(dict.fromkeys([dates[0], dates[-1]]))
    return f"{when}, {'; '.join(sorted({one['machine'] for one in of}))}{''.join(f'; {one}' for one in versions)}."


def write(texts: dict[str, str], paths: tuple[Path, ...]) -> None:
    """Put every text between its two marks; places that were not measured stay as they are."""
    for path in paths:
        page = path.read_text(encoding="utf-8")
        for name, text in texts.items():
            place = re.compile(f"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
            page = place.sub(lambda marks, text=text: f"{marks[1]}\n{text}\n\n{marks[2]}", page)
        path.write_text(page, encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = os.environ.get("ARBORANK_DATA")
    parser.add_argument(
        "tables", nargs="*", default=TABLES, metavar="table", help=f"of {', '.join(TABLES)}; all by default"
    )
    parser.add_argument(
        "--data", type=Path, default=data, required=not data, help="folder of the sets (or ARBORANK_DATA)"
    )
    parser.add_argument(
        "--cache", type=Path, default=HERE / "cache", help="matrices, models and measurements"
    )
    parser.add_argument(
        "--environments", type=Path, default=PLACE, help="folder of the other libraries' environments"
    )
    parser.add_argument("--sets", nargs="+", help="by default those of each table")
    parser.add_argument("--sides", nargs="+", default=list(SIDES), choices=list(SIDES))
    parser.add_argument(
        "--threads", nargs="+", type=int, default=[2, 1], help="tables with one number take the first"
    )
    parser.add_argument(
        "--labels", nargs="+", type=int, default=[10**5, 3 * 10**5, 10**6], help="of the table scale"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, help="only the first rows of a set; prints the tables")
    parser.add_argument("--singles", type=int, default=2000, help="queries given one at a time")
    parser.add_argument("--patience", type=float, default=60, help="seconds for a pass over the test rows")
    parser.add_argument(
        "--limit", type=float, default=1200, help="seconds for one answer of a side, which then is ended"
    )
    parser.add_argument(
        "--encoder", type=Path, help="folder of the table transformer's; one of 6 layers by default"
    )
    parser.add_argument("--anew", action="store_true", help="forget what was measured of these tables")
    parser.add_argument("--report", action="store_true", help="measure nothing, write the tables")
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md")
    given = parser.parse_args()
    if unknown := set(given.tables) - {*TABLES, "transformer"}:
        parser.error(f"no table {', '.join(unknown)}; there are {', '.join(TABLES)}")
    return given


def main() -> None:
    given = arguments()
    if given.rows:
        given.cache /= f"rows-{given.rows}"
    modules = {name: import_module(f"tables.{name}") for name in given.tables}
    used = {side for module in modules.values() for side in module.SIDES if side in given.sides}
    if absent := sorted(side for side in used if missing(side, given.environments)):
        print(f"no environment, left out: {', '.join(absent)} (python benchmarks/environments.py makes them)")
        given.sides = [side for side in given.sides if side not in absent]
    found = Measurements(given.cache)
    for name, module in modules.items():
        if given.anew:
            for table in KINDS.get(name, (name,)):
                found.forget(table)
        if not given.report:
            module.measure(given, found)
    texts = {}
    for name, module in modules.items():
        texts |= {key: f"{text}\n\n{origin(found, name)}" for key, text in module.render(found).items()}
    if given.rows:
        print("\n\n".join(f"## {name}\n\n{text}" for name, text in texts.items()))
        return
    write(texts, (given.output, HERE.parent / "README.md"))


if __name__ == "__main__":
    main()
