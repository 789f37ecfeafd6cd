"""What was measured, one JSON line a measurement: a table is run in pieces, stopped, resumed and rendered
again.
"""

import json
import platform
import statistics
from datetime import UTC, datetime
from pathlib import Path


def machine() -> str:
    """Processor, cores and system."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    return f"{models[0]}, {len(models)} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}"


class Measurements:
    """The file ``measurements.jsonl`` of a cache directory."""

    def __init__(self, cache: Path):
        self.path = cache / "measurements.jsonl"
        self.all = (
            [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []
        )

    def add(self, values: dict, **key) -> None:
        """Append one measurement of the cell `key`."""
        date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
        self.all.append({"key": key, "values": values, "date": date, "machine": machine()})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(self.all[-1]) + "\n")
        print(
            *key.values(),
            {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()},
            flush=True,
        )

    def of(self, **key) -> list[dict]:
        """Values of every measurement whose key contains `key`."""
        return [one["values"] for one in self.all if key.items() <= one["key"].items()]

    def done(self, repeats: int, **key) -> bool:
        """Whether a cell has all its repeats, or will never have one."""
        values = self.of(**key)
        return len(values) >= repeats or any("final" in one for one in values)

    def median(self, name: str, **key) -> float | None:
        """Median of one figure of a cell; None where it was not measured."""
        found = [one[name] for one in self.of(**key) if name in one]
        return statistics.median(found) if found else None

    def distinct(self, name: str, **key) -> list:
        """Values a part of the key takes, in the order they were first measured."""
        return list(dict.fromkeys(one["key"][name] for one in self.all if key.items() <= one["key"].items()))
