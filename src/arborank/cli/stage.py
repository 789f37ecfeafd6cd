"""`arborank stage`: one task of a distributed training, as a job of Slurm or Kubernetes runs it."""

from pathlib import Path

import click

from .numbers import Whole
from .options import FILE
from .reporting import help_option, quiet_option, say

__all__ = ["stage"]


@click.group(short_help="Run a task of a distributed training.")
def stage() -> None:
    """Run single tasks of a training from many files."""


@stage.command(short_help="Run one task.")
@click.argument("task", type=FILE)
@click.option(
    "--work-dir", required=True, type=click.Path(exists=True, file_okay=False), help="Where its files are."
)
@click.option("-j", "--jobs", type=Whole(1), help="Threads.  [every core]")
def run(task: str, work_dir: str, jobs: int | None) -> None:
    """Run the task that a JSON file describes: {"stage": ..., "arguments": {...}}.

    What it reads must be in the working directory; what it writes is put there. A task that has run is not run again.
    """
    from ..distributed.run import run_task
    from ..distributed.work import Task, Work

    text = Path(task).read_text(encoding="utf-8")
    done = run_task(Work(work_dir), Task.from_json(text), jobs or 0)
    say(f"{done.name}: {len(done.files)} files, {done.n_bytes:,} bytes")


help_option(quiet_option(run))
