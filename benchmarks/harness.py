"""Asks a side in a process and an environment of its own, and keeps what was measured."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

from environments import HERE, SIDES, python

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")


def machine() -> str:
    """Processor, cores and system."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    return f"{models[0]}, {len(models)} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}"


class Side:
    """One running side; a context manager that ends it. It answers requests by JSON lines (see ``sides/base.py``)."""

    def __init__(self, name: str, kind: str, threads: int, given: argparse.Namespace, seed: int = 0):
        environment, module = SIDES[name]
        self.limit, self.log = given.limit, given.cache / "logs" / f"{name}.txt"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        variables = dict.fromkeys(THREADS, str(threads)) | {
            "BENCHMARK_SIDE": name,
            "BENCHMARK_SEED": str(seed),
        }
        kept = {k: v for k, v in os.environ.items() if environment is None or k != "PYTHONPATH"}
        with self.log.open("w") as errors:
            self.process = subprocess.Popen(
                [python(environment, given.environments), "-m", f"sides.{module}", kind],
                cwd=HERE,
                env=kept | variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def ask(self, do: str, **arguments) -> dict:
        """Answer to one request; ``final`` is in it where there is no point in asking again."""
        late = threading.Event()
        timer = threading.Timer(self.limit, lambda: (late.set(), self.process.kill()))
        timer.start()
        try:
            self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            timer.cancel()
        if answer and not late.is_set():
            return json.loads(answer)
        if not late.is_set():
            raise RuntimeError(
                f"{self.log.stem} ended with {self.process.wait()}: {self.log.read_text()[-2000:]}"
            )
        return {"failed": f"over {self.limit:.0f} s", "final": True}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Measurements:
    """The file ``measurements.jsonl`` of a cache: a run is stopped, resumed, and rendered again."""

    def __init__(self, cache: Path):
        self.path = cache / "measurements.jsonl"
        self.all = (
            [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []
        )

    def add(self, values: dict, **key) -> None:
        """Append one measurement of the cell `key`."""
        date = datetime.now(UTC).strftime("%Y-%m-%d")
        self.all.append({"key": key, "values": values, "date": date, "machine": machine()})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(self.all[-1]) + "\n")
        print(
            *key.values(),
            {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()},
            flush=True,
        )

    def forget(self, table: str) -> None:
        """Remove what was measured for a table."""
        self.all = [one for one in self.all if not one["key"]["table"].startswith(table)]
        if self.path.exists():
            self.path.write_text("".join(json.dumps(one) + "\n" for one in self.all))

    def of(self, **key) -> list[dict]:
        """Values of every measurement whose key contains `key`."""
        return [one["values"] for one in self.all if key.items() <= one["key"].items()]

    def done(self, rounds: int, **key) -> bool:
        """Whether a cell has all its rounds, or will never have one."""
        values = self.of(**key)
        return len(values) >= rounds or any("final" in one for one in values)

    def median(self, name: str, **key) -> float | None:
        """Median of one figure of a cell; None where it was not measured."""
        found = [one[name] for one in self.of(**key) if name in one]
        return statistics.median(found) if found else None

    def distinct(self, name: str, **key) -> list:
        """Values a part of the key takes, in the order they were first measured."""
        return list(dict.fromkeys(one["key"][name] for one in self.all if key.items() <= one["key"].items()))
