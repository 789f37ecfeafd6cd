"""A process that runs the tasks which it reads, a line each, and answers with a line each."""

import json
import os
import sys

from .run import StageError, run_task
from .work import Task, Work

__all__ = ["main"]


def main(directory: str, n_threads: int) -> None:
    """Run tasks until the standard input ends."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)  # whatever else is printed must not pass for an answer
        work = Work(directory)
        for line in sys.stdin:
            problem = None
            try:
                run_task(work, Task.from_json(line), n_threads)
            except StageError as error:
                problem = error.problem
            answers.write(json.dumps({"error": problem}) + "\n")
            answers.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
