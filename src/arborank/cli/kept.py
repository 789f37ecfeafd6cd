"""Answers kept in a working directory, batch by batch, so that an interrupted command goes on where it was."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .answers import Answers, Shape, Write, join_answers, open_answers

__all__ = ["kept_answers", "state_of"]


def state_of(paths: Iterable[str | Path]) -> dict[str, str]:
    """Return what files are recognised by without reading them: size and time of the last change, by name."""
    found = ((path, Path(path).stat()) for path in paths)
    return {str(path): f"{state.st_size} bytes of {state.st_mtime_ns} ns" for path, state in found}


@contextmanager
def kept_answers(
    work_dir: str, output: str, shape: Shape, subject: Mapping[str, object]
) -> Iterator[tuple[int, Write]]:
    """Hold a working directory; yield how many batches are in it already, and what takes the next.

    After the last the batches are joined and take the name of ``output``. ``subject`` says what is predicted; the
    directory of another prediction is refused.
    """
    from ..storage.disk import sync
    from ..storage.runs import Run

    with Run(
        work_dir, {**subject, "shape": shape._asdict()}, argument="--work-dir", work="prediction"
    ) as run:
        done = int(run.progress.get("batches", 0))

        def take(answers: Answers) -> None:
            nonlocal done
            path = _batch(work_dir, done)
            with path.open("wb") as file, open_answers(file, shape, header=False) as write:
                write(answers)
            with path.open("rb") as written:
                sync(written)
            done += 1
            run.commit({"batches": done})

        yield done, take
        join_answers([_batch(work_dir, number) for number in range(done)], output, shape)


def _batch(work_dir: str, number: int) -> Path:
    return Path(work_dir) / f"answers-{number:06}"
