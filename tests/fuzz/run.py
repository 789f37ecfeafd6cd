"""The fuzzer: mutated models and files, loaded and used in a worker process that may die of it.

    python tests/fuzz/run.py --cases 2000 --seed 0

Cases follow from the seed alone. A find is run again alone, its edits are reduced to those that matter, and it
becomes a line of ``corpus.jsonl``; `test_corpus.py` replays those.
"""

import argparse
import json
import os
import random
import select
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import mutations
import seeds

SECONDS = 20.0  # for one case, which takes some milliseconds
ROOM = (12 if find_spec("torch") else 3) << 30  # bytes of address space, of which PyTorch maps much
CORPUS = Path(__file__).with_name("corpus.jsonl")
SANITIZED = "asan" in os.environ.get("LD_PRELOAD", "")  # a sanitizer maps terabytes


class Worker:
    """A process that runs cases, started anew when it is gone."""

    def __init__(self, seeds_at):
        self.seeds_at = seeds_at
        self.process = None

    def run(self, case):
        """Return what came of a case."""
        if self.process is None:
            command = [sys.executable, str(Path(__file__).with_name("worker.py")), str(self.seeds_at)]
            command.append(str(0 if SANITIZED else ROOM))
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        self.process.stdin.write(json.dumps(case) + "\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], SECONDS * (10 if SANITIZED else 1))[0]:
            self.close()
            return {"find": "no answer in time"}
        answer = self.process.stdout.readline()
        if answer:
            return json.loads(answer)
        error = self.process.stderr.read()
        code = self.process.wait()
        self.close()
        return {"find": f"the process ended with {code}: {error[-600:]}"}

    def close(self):
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def cases(seeds_at, names, n_cases, seed):
    """Yield random cases, the same for the same seed."""
    targets = [(kind, name) for kind in ("models", "models", "files", "folders") for name in names[kind]]
    for number in range(n_cases):
        rng = random.Random(f"{seed}-{number}")
        kind, target = targets[number % len(targets)]
        yield {"kind": kind, "target": target, "edits": mutations.draw(rng, kind, seeds_at / kind / target)}


def fuzz(some_cases, seeds_at):
    """Run cases; return how many ended in which way, and the finds with their cases."""
    ways, finds, before = {}, [], []
    worker = Worker(seeds_at)
    try:
        for case in some_cases:
            before = before if worker.process else []
            result = worker.run(case)
            way = result.get("clean") or ("find" if "find" in result else "answer")
            ways[way] = ways.get(way, 0) + 1
            if "find" in result:
                worker.close()
                finds.append(isolated(case, result, before, seeds_at))
            before = [*before, case][-100:]
    finally:
        worker.close()
    return ways, finds


def isolated(case, result, before, seeds_at):
    """Return the smallest case that ends so in a worker of its own; if none does, what its worker ran before it."""

    def alone(edits):
        worker = Worker(seeds_at)
        try:
            return worker.run({**case, "edits": edits})
        finally:
            worker.close()

    edits = case["edits"]
    if "find" not in alone(edits):
        return {**case, **result, "after": before}
    for edit in list(edits):
        fewer = [other for other in edits if other is not edit]
        if fewer and "find" in alone(fewer):
            edits = fewer
    return {**case, "edits": edits, **result}


def keep(finds):
    """Add finds to the corpus, one of those that were raised at the same place."""
    known = set()
    with CORPUS.open("a", encoding="utf-8") as corpus:
        for found in finds:
            kind = found["find"].partition(":")[0] + found["find"].rpartition("(")[2]
            if kind not in known and "after" not in found:
                known.add(kind)
                case = {name: found[name] for name in ("kind", "target", "edits")}
                corpus.write(json.dumps(case) + "\n")


def main():
    """Run random cases and print the finds; the exit status tells whether there are any."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", help="the only seed to mutate, such as completer or bsr.npz")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seeds_at = Path(folder) / "seeds"
        names = seeds.make(seeds_at)
        if options.target is not None:
            names = {kind: [name for name in some if name == options.target] for kind, some in names.items()}
        start = time.perf_counter()
        ways, finds = fuzz(cases(seeds_at, names, options.cases, options.seed), seeds_at)
    print(f"{options.cases} cases in {time.perf_counter() - start:.0f} s: {ways}")
    for found in finds:
        print(json.dumps(found))
    keep(finds)
    sys.exit(bool(finds))


if __name__ == "__main__":
    main()
