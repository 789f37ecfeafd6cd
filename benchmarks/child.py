"""A side in a process and an environment of its own, asked by JSON lines (see ``runners/side.py``)."""

import argparse
import json
import os
import subprocess
import threading
from pathlib import Path

from environments import HERE, PLACE, RETRIEVAL, SIDES, python


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options about children, the same in every script."""
    parser.add_argument("--environments", type=Path, default=PLACE)
    parser.add_argument("--limit", type=float, default=1200, help="seconds for one answer of a side")


class Child:
    """One running side; a context manager that ends it."""

    def __init__(self, side: str, kind: str, threads: int, given: argparse.Namespace, seed: int = 0):
        environment, module = (RETRIEVAL if kind == "retrieval" else SIDES)[side]
        if kind == "kernel":
            module = kind
        self.side, self.limit, self.log = side, given.limit, given.cache / "logs" / f"{side}.txt"
        count = str(threads)
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("w") as errors:
            self.process = subprocess.Popen(
                [python(environment, given.environments), "-m", f"runners.{module}", kind],
                cwd=HERE,
                env=os.environ
                | dict.fromkeys(names, count)
                | {"BENCHMARK_SIDE": side, "BENCHMARK_SEED": str(seed)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def ask(self, do: str, **arguments) -> dict:
        """Answer to one request; ``final`` is in it when there is no point in asking again."""
        late = threading.Event()

        def end():
            late.set()
            self.process.kill()

        timer = threading.Timer(self.limit, end)
        timer.start()
        try:
            self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            timer.cancel()
        if late.is_set():
            return {"over_limit": self.limit, "final": True}
        if not answer:
            code = self.process.wait()
            return {"failed": f"exit status {code}", "error": self.log.read_text()[-2000:], "final": True}
        return json.loads(answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
