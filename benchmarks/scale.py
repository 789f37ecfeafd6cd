"""Catalogues of a hundred thousand to ten million products: training through bounded memory, a kill, loading, ranking.

``python benchmarks/scale.py`` measures what is missing in the cache and writes
SCALE.md. Training keeps its state in a directory (``fit(work_dir=...)``). The kill is a SIGKILL in the middle of the
layers; the same training is then begun again, and its model compared with that of an undisturbed one.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import data
import numpy as np
import product_log
from measurements import Measurements, machine
from tables import number, table

HERE = Path(__file__).resolve().parent
LABELS = (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
KILLED = 300_000  # the size whose training is killed


def start(*command: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "runners.scale", *map(str, command)],
        cwd=HERE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def ask(*command: str) -> dict:
    child = start(*command)
    answer, _ = child.communicate()
    if child.returncode:
        raise RuntimeError(f"{command} ended with {child.returncode}")
    return json.loads(answer)


def train(given, directory: Path, name: str) -> dict:
    """Train anew in a process of its own; the state is removed, the model stays."""
    for kind in ("work", "model"):
        shutil.rmtree(directory / f"{name}-{kind}", ignore_errors=True)
    found = ask("train", directory, directory / f"{name}-work", directory / f"{name}-model", given.threads)
    shutil.rmtree(directory / f"{name}-work")
    return found


def kill(given, directory: Path) -> dict:
    """Kill a training when half of its layers are done, begin it again, compare with the undisturbed one."""
    work, model = directory / "killed-work", directory / "killed-model"
    for place in (work, model):
        shutil.rmtree(place, ignore_errors=True)
    child = start("train", directory, work, model, given.threads)
    while child.poll() is None and layers_begun(work) < 3:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != -signal.SIGKILL:
        raise RuntimeError("the training ended before it was killed")
    kept = layers_begun(work)
    child = start("train", directory, work, model, given.threads)
    child.stdin.close()
    child.stdout.read()
    _, status, again = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    whole = start("train", directory, directory / "whole-work", directory / "whole-model", given.threads)
    whole.stdin.close()
    whole.stdout.read()
    _, _, undisturbed = os.wait4(whole.pid, 0)
    whole.returncode = 0
    found = {
        "layers_kept": kept,
        "before_cpu": used.ru_utime + used.ru_stime,
        "after_cpu": again.ru_utime + again.ru_stime,
        "undisturbed_cpu": undisturbed.ru_utime + undisturbed.ru_stime,
        "same_bytes": digests(model) == digests(directory / "whole-model"),
    }
    for place in (work, model, directory / "whole-work", directory / "whole-model"):
        shutil.rmtree(place)
    return found


def layers_begun(work: Path) -> int:
    try:
        return len(json.loads((work / "training.json").read_text())["layers"])
    except FileNotFoundError:
        return 0


def digests(model: Path) -> list[str]:
    return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in model.glob("*.safetensors"))


def share(directory: Path, model: Path) -> dict:
    """Two processes rank the test queries with one model: how much of it both have in common."""
    children = [start("hold", directory, model) for _ in range(2)]
    for child in children:
        child.stdout.readline()
    found = pages(children[0].pid, model)
    for child in children:
        child.stdin.close()
        child.wait()
        child.stdout.close()
    return found


def pages(process: int, model: Path) -> dict:
    """Resident bytes of a process's maps of a model's files: those it shares, and those that are its own."""
    found = {"shared_bytes": 0, "private_bytes": 0}
    ours = False
    for line in Path(f"/proc/{process}/smaps").read_text().splitlines():
        name, _, value = line.partition(":")
        if "-" in name.split()[0]:  # the head of a map
            ours = str(model.resolve()) in line
        elif ours and name in ("Shared_Clean", "Private_Clean", "Private_Dirty"):
            found["shared_bytes" if name == "Shared_Clean" else "private_bytes"] += (
                int(value.split()[0]) * 1024
            )
    return found


def measure(given, found: Measurements, n_labels: int) -> None:
    directory = given.cache / f"catalogue-{n_labels}"
    product_log.make(n_labels, directory)
    cell = {"labels": n_labels, "threads": given.threads}
    model = directory / "scale-model"
    if not found.done(1, table="scale-train", **cell) or not model.exists():
        found.add(train(given, directory, "scale"), table="scale-train", **cell)
    for name in ("load", "rank", "share"):
        if not found.done(1, table=f"scale-{name}", labels=n_labels):
            answer = {
                "load": lambda: ask("load", model),
                "rank": lambda: ask("rank", directory, model),
                "share": lambda: share(directory, model),
            }[name]()
            found.add(answer, table=f"scale-{name}", labels=n_labels)
    if n_labels == KILLED and not found.done(1, table="scale-kill", **cell):
        found.add(kill(given, directory), table="scale-kill", **cell)


def report(found: Measurements, threads: int) -> str:
    sizes = sorted(found.distinct("labels", table="scale-train", threads=threads))
    rows, ranked = [], []
    for n_labels in sizes:
        cell = {"table": "scale-train", "labels": n_labels, "threads": threads}
        of = {name: found.median(name, **cell) for name in found.of(**cell)[0]}
        rows.append(
            [
                f"{n_labels:,}",
                f"{of['positives']:,.0f}",
                *[
                    number(of[name])
                    for name in ("representation_cpu", "index_cpu", "train_cpu", "cpu_seconds", "seconds")
                ],
                number(of["cpu_seconds"] / of["positives"] * 1e6),
                number(of["peak_bytes"] / 2**20, "{:,.0f}"),
                number(of["loaded_bytes"] / 2**20, "{:,.0f}"),
                number(of["model_bytes"] / 2**20, "{:,.0f}"),
                number(of["save_seconds"]),
            ]
        )
        ask_of = lambda name, table: found.median(name, table=table, labels=n_labels)  # noqa: B023, E731
        ranked.append(
            [
                f"{n_labels:,}",
                number((ask_of("load_again_seconds", "scale-load") or 0) * 1e3),
                *[
                    number(ask_of(name, "scale-rank"))
                    for name in ("p50", "p99", "batch_cpu_microseconds", "P@1", "R@10")
                ],
                number((ask_of("shared_bytes", "scale-share") or 0) / 2**20),
                number((ask_of("private_bytes", "scale-share") or 0) / 2**20),
            ]
        )
    parts = [
        "# Scale",
        "`python benchmarks/scale.py`. Synthetic product search logs (`benchmarks/product_log.py`): as many queries\n"
        f"of about five words as products, two clicks each. {threads} threads; processor seconds are of all threads.\n"
        f"{machine()}; one run each, other work on the machine at lower priority.",
        "## Training",
        table(
            [
                "labels",
                "positives",
                "representation, CPU s",
                "k-means, CPU s",
                "layers, CPU s",
                "all, CPU s",
                "all, wall s",
                "CPU µs a positive",
                "peak RSS MiB",
                "of it data, loaded",
                "model MiB",
                "saving s",
            ],
            rows,
        ),
        "Exponents of CPU time in the number of positives (least squares on the logarithms), up to a million labels:\n"
        f"{exponents(found, [size for size in sizes if size <= 10**6], threads)}; over all: "
        f"{exponents(found, sizes, threads)}. The clusters of the two layers at the top are read in random order from\n"
        "memory that outgrows the caches (32 MB) from a million labels on, and their solvers need more rounds.",
        "## Loading and ranking",
        "One thread ranks; shared and private are a process's resident pages\n"
        "of the model while another process has it open too.",
        table(
            [
                "labels",
                "load ms",
                "one query p50 µs",
                "p99 µs",
                "batch CPU µs",
                "P@1",
                "R@10",
                "shared MiB",
                "private MiB",
            ],
            ranked,
        ),
    ]
    for one in found.of(table="scale-kill", threads=threads)[-1:]:
        lost = one["before_cpu"] + one["after_cpu"] - one["undisturbed_cpu"]
        parts += [
            "## A kill",
            f"{KILLED:,} labels, `kill -9` when {one['layers_kept']} layers had a piece on the disk, then the same\n"
            f"call again: {one['before_cpu']:.1f} + {one['after_cpu']:.1f} CPU seconds against "
            f"{one['undisturbed_cpu']:.1f} undisturbed, {lost:.1f} more (a second start, reading the data, and "
            "what was lost). The models are "
            + ("the same, byte for byte." if one["same_bytes"] else "NOT the same."),
        ]
    return "\n\n".join(parts) + "\n"


def exponents(found: Measurements, sizes: list[int], threads: int) -> str:
    def of(name: str) -> list[float]:
        return [found.median(name, table="scale-train", labels=size, threads=threads) for size in sizes]

    if len(sizes) < 2:
        return "–"
    positives = np.log(of("positives"))
    names = {
        "all": "cpu_seconds",
        "representation": "representation_cpu",
        "k-means": "index_cpu",
        "layers": "train_cpu",
    }
    slopes = {what: np.polyfit(positives, np.log(of(name)), 1)[0] for what, name in names.items()}
    return ", ".join(f"{what} {slope:.2f}" for what, slope in slopes.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data.add_arguments(parser)
    parser.add_argument("--labels", nargs="*", type=int, default=LABELS)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    found = Measurements(given.cache)
    for n_labels in given.labels:
        measure(given, found, n_labels)
    (HERE / "SCALE.md").write_text(report(found, given.threads))


if __name__ == "__main__":
    main()
