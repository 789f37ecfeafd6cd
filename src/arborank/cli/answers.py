"""What `predict` writes, in the format that the name of the file says."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import click

from .files import write_whole
from .streams import json_text

__all__ = ["Answer", "answers_format", "open_answers"]

_KNOWN = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")


class Answer(NamedTuple):
    """The best labels of one row, best first."""

    row: int
    id: str | None
    labels: Sequence[str | int]  # names, or numbers of a model of matrices
    scores: list[float]


Write = Callable[[Sequence[Answer]], None]


def answers_format(path: str) -> str:
    """Return the extension by which a file is written, or raise before there is anything to write."""
    from ..datasets.lines import suffix

    place = Path(path)
    if path == "-" or (place.exists() and not place.is_file()):  # a pipe or a device
        return ".jsonl"
    found = suffix(path)
    if found not in _KNOWN or (found == ".parquet" and place.suffix.lower() != ".parquet"):
        raise click.UsageError(
            f"--output {path}: answers are written as {', '.join(_KNOWN)}, all but Parquet also packed: .gz, .xz"
        )
    if found == ".parquet":
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError as error:
            raise ImportError("writing Parquet needs pyarrow: pip install 'arborank[parquet]'") from error
    return found


@contextmanager
def open_answers(path: str, *, names: bool, ids: bool, keep: bool) -> Iterator[Write]:
    """Open a file for answers, as `write_whole` does; yield what writes some.

    Labels are ``names`` or else numbers, and rows may have ``ids``.
    """
    kind = answers_format(path)
    with write_whole(path, keep=keep) as file:
        if kind == ".parquet":
            with _parquet(file, names, ids) as write:
                yield write
        elif kind in (".csv", ".tsv"):
            yield _table(file, "\t" if kind == ".tsv" else ",", ids)
        else:
            yield _lines(file)


def _lines(file: IO[bytes]) -> Write:
    def write(answers: Sequence[Answer]) -> None:
        for answer in answers:
            record: dict[str, object] = {} if answer.id is None else {"id": answer.id}
            record |= {"labels": answer.labels, "scores": answer.scores}
            file.write(json_text(record, file).encode("utf-8", "backslashreplace") + b"\n")
        file.flush()

    return write


def _table(file: IO[bytes], delimiter: str, ids: bool) -> Write:
    """One line an answer's label, since names may hold whatever could stand between several in a cell."""

    def put(lines: Sequence[Sequence[object]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(lines)
        file.write(text.getvalue().encode())
        file.flush()

    def write(answers: Sequence[Answer]) -> None:
        lines: list[Sequence[object]] = []
        for answer in answers:
            head = [answer.row, answer.id] if ids else [answer.row]
            ranked = zip(answer.labels, answer.scores, strict=True)
            lines += [[*head, rank, label, score] for rank, (label, score) in enumerate(ranked, 1)]
            if not answer.labels:  # the row is there, and has none
                lines.append([*head, "", "", ""])
        put(lines)

    put([["row", *(["id"] if ids else []), "rank", "label", "score"]])
    return write


@contextmanager
def _parquet(file: IO[bytes], names: bool, ids: bool) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = [
        *([("id", pa.string())] if ids else []),
        ("labels", pa.list_(pa.string() if names else pa.int64())),
        ("scores", pa.list_(pa.float32())),
    ]
    schema = pa.schema(fields)
    with pq.ParquetWriter(file, schema) as writer:

        def write(answers: Sequence[Answer]) -> None:
            columns = {name: [getattr(answer, name) for answer in answers] for name, _ in fields}
            writer.write_table(pa.table(columns, schema=schema))

        yield write
