"""What a user waits for: importing the library, opening a model, one text to label names."""

import statistics
import subprocess
from argparse import Namespace

import data
from environments import python
from harness import Measurements, Side

from .markdown import MIB, number, table

SIDES = ("arborank",)
IMPORTS = {
    "import arborank": "import arborank",
    "its TextRanker and load": "from arborank import TextRanker, load",
}
CLOCK = "import sys, time; start = time.perf_counter(); {}; print(time.perf_counter() - start, *sys.modules)"


def import_time(statement: str, given: Namespace) -> dict:
    """Seconds of one import in a new process, and which of the heavy packages came with it."""
    command = [python(None, given.environments), "-c", CLOCK.format(statement)]
    taken, *modules = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return {
        "seconds": float(taken),
        "modules": [name for name in ("sklearn", "scipy", "torch") if name in modules],
    }


def measure(given: Namespace, found: Measurements) -> None:
    if found.of(table="serving-import"):
        return
    for what, statement in IMPORTS.items():
        times = [import_time(statement, given) for _ in range(5 * given.rounds)]
        found.add(
            times[0] | {"seconds": statistics.median(t["seconds"] for t in times)},
            table="serving-import",
            what=what,
        )
    threads = given.threads[0]
    for name in data.chosen(given, ("yso-en",)):
        where = {"data": str(given.data.resolve()), "name": name, "rows": given.rows}
        place = str((given.cache / f"ranker-{name}").resolve())
        with Side("arborank", "ranker", threads, given) as process:
            found.add(
                process.ask("train", **where, threads=threads, model=place), table="serving-train", set=name
            )
        text = data.read_part(given.data, name, "test", 1)[0][0]
        for verify in [False, True] * given.rounds:
            with Side("arborank", "ranker", threads, given) as process:
                answer = process.ask("open", model=place, verify=verify, text=text)
                found.add(answer, table="serving-open", set=name, verify=verify)
                if verify:
                    found.add(
                        process.ask("single", **where, count=given.singles), table="serving-rank", set=name
                    )


def render(found: Measurements) -> dict[str, str]:
    rows = []
    for what in found.distinct("what", table="serving-import"):
        one = found.of(table="serving-import", what=what)[-1]
        loaded = ", ".join(one["modules"]) or "none of the heavy packages"
        rows.append([f"{what} ({loaded})", number(one["seconds"], "{:,.0f} ms", 1000), ""])
    for name in found.distinct("set", table="serving-train"):
        train, open_ = {"table": "serving-train", "set": name}, {"table": "serving-open", "set": name}
        size = number(found.median("model_bytes", **train), "{:,.0f} MiB", 1 / MIB)
        rows.append([f"{name}: fit from texts", number(found.median("seconds", **train), "{:,.1f} s"), ""])
        for verify, how in ((False, "load(model)"), (True, "load(model, verify=True)")):
            taken = found.median("open", verify=verify, **open_)
            rows.append([f"{name}: `{how}`, {size}", number(taken, "{:,.1f} ms", 1000), ""])
        rows.append([f"{name}: first answer", number(found.median("first", **open_), "{:,.2f} ms", 1000), ""])
        p50, p99 = (found.median(p, table="serving-rank", set=name) for p in ("p50", "p99"))
        rows.append([f"{name}: one text to names", number(p50, "{:,.0f} µs"), number(p99, "{:,.0f} µs")])
    return {"serving": table(["what", "p50", "p99"], rows)} if rows else {}
