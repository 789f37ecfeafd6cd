"""Training and ranking of linear tree models, every side in an environment of its own, on the same matrices.

``python benchmarks/linear.py`` measures what is still missing; every cell is kept as soon as it is
measured. Training alternates the sides (A B A B), each run in a fresh process; ranking keeps all sides
loaded and alternates them.
"""

import argparse
from contextlib import ExitStack
from pathlib import Path

import child
import data
from environments import RANK_ONLY, SIDES, TRAIN_ONLY
from measurements import Measurements


def model(given: argparse.Namespace, name: str, side: str) -> str:
    """Directory of the last model that a side, or the one whose model it ranks with, trained on a set."""
    path = given.cache / name / "models" / RANK_ONLY.get(side, side)
    path.parent.mkdir(parents=True, exist_ok=True)
    return str(path.resolve())


def train(given: argparse.Namespace, found: Measurements, name: str, threads: int) -> None:
    """All missing training runs of one set at one number of threads."""
    for repeat in range(1, given.repeats + 1):
        for side in given.sides:
            if side in RANK_ONLY:
                continue
            key = {"table": "train", "set": name, "threads": threads, "side": side}
            if found.done(repeat, **key):
                continue
            if side.startswith("omikuji"):
                data.prepare_text(given.cache, name)
            with child.Child(side, "linear", threads, given) as process:
                directory = str((given.cache / name).resolve())
                answer = process.ask(
                    "train", directory=directory, model=model(given, name, side), threads=threads
                )
            found.add(answer, **key)


def rank(given: argparse.Namespace, found: Measurements, name: str, threads: int) -> None:
    """All missing batches and single queries of one set at one number of threads, the sides in turn."""
    cell = {"set": name, "threads": threads}
    sides = [
        side
        for side in given.sides
        if side not in TRAIN_ONLY
        and Path(model(given, name, side)).exists()
        and not all(found.done(given.rounds, table=table, side=side, **cell) for table in ("batch", "single"))
    ]
    with ExitStack() as stack:
        processes = {}
        for side in sides:
            process = stack.enter_context(child.Child(side, "linear", threads, given))
            directory = str((given.cache / name).resolve())
            answer = process.ask("load", directory=directory, model=model(given, name, side), threads=threads)
            found.add(answer, table="load", side=side, **cell)
            if "final" not in answer:
                processes[side] = process
        for turn in range(1, given.rounds + 1):
            for side, process in processes.items():
                rank_once(given, found, process, turn, {"side": side, **cell})


def rank_once(
    given: argparse.Namespace, found: Measurements, process: child.Child, turn: int, cell: dict
) -> None:
    """One pass over the test rows and one run of single queries, unless they were measured."""
    final = {}
    if not found.done(turn, table="batch", **cell):
        first = not found.of(table="batch", **cell)
        answer = process.ask("batch", patience=given.patience, with_quality=first)
        if answer.get("microseconds", 0) * answer.get("rows", 0) > given.patience / 2 * 1e6:
            final = {"final": True}  # so long a pass is not repeated
        found.add(answer | final, table="batch", **cell)
    if not found.done(turn, table="single", **cell):
        found.add(process.ask("single", count=given.singles) | final, table="single", **cell)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data.add_arguments(parser)
    child.add_arguments(parser)
    parser.add_argument("--part", choices=("train", "rank", "all"), default="all")
    parser.add_argument("--sets", nargs="+", default=data.SETS)
    parser.add_argument("--sides", nargs="+", default=list(SIDES), choices=list(SIDES))
    parser.add_argument("--threads", nargs="+", type=int, default=[2, 1])
    parser.add_argument("--repeats", type=int, default=3, help="training runs a cell")
    parser.add_argument("--rounds", type=int, default=5, help="ranking rounds a cell")
    parser.add_argument("--singles", type=int, default=2000, help="single queries a round")
    parser.add_argument("--patience", type=float, default=60, help="seconds for a pass over the test rows")
    given = parser.parse_args()
    found = Measurements(given.cache)
    for name in given.sets:
        data.prepare(given.data, given.cache, name)
        for part in (train, rank):
            for threads in given.threads:
                if given.part in (part.__name__, "all"):
                    part(given, found, name, threads)


if __name__ == "__main__":
    main()
