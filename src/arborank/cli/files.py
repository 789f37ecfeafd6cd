"""Where results go, which appear whole or not at all."""

import os
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from .options import Copy
from .streams import tell

__all__ = [
    "check_apart",
    "check_destination",
    "check_output",
    "check_suffix",
    "place_of_result",
    "write_table",
    "write_whole",
]


def check_destination(directory: str, force: bool) -> None:
    """Refuse a place for a model that already holds something; a model gives way to ``--force``."""
    if not directory:
        raise click.UsageError("the directory for the model has no name")
    path = Path(directory)
    parent = next((place for place in path.absolute().parents if place.exists()), path)
    if not path.exists() and not (parent.is_dir() and os.access(parent, os.W_OK)):
        raise click.UsageError(
            f"{directory} cannot be made: {parent} is not a directory that can be written to"
        )
    if (path / "config.json").exists():
        if not force:
            raise click.UsageError(f"{directory} holds a model already; --force replaces it")
    elif path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise click.UsageError(f"{directory} exists and is not a saved model; name another directory")


def place_of_result(directory: str | None, model: str, force: bool) -> str:
    """Return where a changed model is saved: a directory that is checked, by default that of the model itself."""
    if directory is not None:
        check_destination(directory, force)
        return directory
    if isinstance(model, Copy):
        raise click.UsageError("a model at a URL stays as it is; name a directory for the result with --out")
    return model


def check_output(option: str, path: str, *inputs: str | None) -> None:
    """Refuse to write a file over an input, or into a model that is one."""
    place = Path(path)
    for given in inputs:
        if given is None or given == "-":
            continue
        source = Path(given)
        if place.exists() and place.samefile(source):
            raise click.UsageError(f"{option} {path} is the input, which would be replaced")
        if source.is_dir() and place.resolve().is_relative_to(source.resolve()):
            raise click.UsageError(f"{option} {path} lies in the model {given}; name a file outside of it")


def check_suffix(option: str, path: str, wanted: str) -> None:
    """Refuse a name that says another format than the one that is written."""
    from ..datasets.lines import suffix

    if suffix(path) != wanted and not (Path(path).exists() and not Path(path).is_file()):
        raise click.UsageError(f"{option} {path} is written as {wanted}; let its name end so")


def check_apart(work_dir: str, directory: str) -> None:
    """Refuse directories that are one, or one in the other: a model is saved to a directory of its own."""
    state, model = Path(work_dir).resolve(), Path(directory).resolve()
    if state.is_relative_to(model) or model.is_relative_to(state):
        raise click.UsageError(
            f"--work-dir {work_dir} and --model {directory} must be two directories, neither in the other"
        )


@contextmanager
def write_whole(path: str, *, keep: bool = False) -> Iterator[IO[bytes]]:
    """Open a file for bytes that takes its name when complete; ``-`` is the standard output.

    ``.gz`` and ``.xz`` are packed. After an error or Ctrl-C the file that was there before is there still; with
    ``keep`` what was written by then is beside it, with "partial-" before its name.
    """
    from ..datasets.lines import open_bytes
    from ..storage.disk import naming, put_in_place, sync

    target = Path(path)
    if path == "-":
        if sys.stdout is None:
            raise OSError("standard output is closed; name a file for the predictions with -o")
        with naming("standard output"):
            yield sys.stdout.buffer
    elif target.exists() and not target.is_file():  # a pipe or a device has no content to keep
        with open_bytes(target, "wb") as file:
            yield file
    else:
        target = target.resolve()
        part = target.with_name(f".{secrets.token_hex(4)}-{target.name}")
        try:
            with open_bytes(part, "wb") as file:
                yield file
            with part.open("rb") as written:
                sync(written)
            put_in_place(part, target)
        except FileNotFoundError:
            if target.parent.is_dir():
                raise
            raise FileNotFoundError(2, "No such directory", str(target.parent)) from None
        except BaseException:
            if keep and part.exists() and part.stat().st_size:
                left = target.with_name(f"partial-{target.name}")
                part.replace(left)
                tell(f"what was written before is in {left}")
            raise
        finally:
            part.unlink(missing_ok=True)


def write_table(path: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows as CSV, with the columns that any of them has."""
    import csv
    import io

    text = io.StringIO()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with write_whole(path) as file:
        file.write(text.getvalue().encode())
