"""What `predict` writes, in the format that the name of the file says."""

import csv
import io
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

import click

from .files import write_whole
from .streams import json_text

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Answer", "Shape", "Write", "answers_format", "join_answers", "open_answers"]

_KNOWN = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")


class Shape(NamedTuple):
    """The format of answers, and which columns they have beside labels and scores."""

    kind: str  # an extension
    names: bool  # whether labels are names, or else numbers
    ids: bool
    texts: bool


class Answer(NamedTuple):
    """The best labels of one row, best first."""

    row: int
    id: str | None
    text: str | None
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
            f"--output {path}: answers are written as {', '.join(_KNOWN)}, all but Parquet also packed: .gz, .xz, .zst"
        )
    if found == ".parquet":
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError as error:
            raise ImportError("writing Parquet needs pyarrow: pip install 'arborank[parquet]'") from error
    return found


@contextmanager
def open_answers(file: IO[bytes], shape: Shape, *, header: bool = True) -> Iterator[Write]:
    """Yield what writes some answers to an open file; a table gets a line of names first, if it has a ``header``."""
    if shape.kind == ".parquet":
        with _parquet(file, shape) as write:
            yield write
    elif shape.kind in (".csv", ".tsv"):
        yield _table(file, shape, header)
    else:
        yield _lines(file)


def join_answers(parts: Sequence[Path], path: str, shape: Shape) -> None:
    """Write the answers of several files, without headers, into one that appears whole or not at all."""
    with write_whole(path) as file:
        if shape.kind == ".parquet":
            import pyarrow.parquet as pq

            with pq.ParquetWriter(file, _schema(shape)) as writer:
                for part in parts:
                    writer.write_table(pq.read_table(part))
            return
        with open_answers(file, shape):  # writes the header
            for part in parts:
                with part.open("rb") as content:
                    shutil.copyfileobj(content, file)


def _beside(answer: Answer, shape: Shape) -> dict[str, str | None]:
    """Return what stands beside labels and scores."""
    found = {"id": answer.id} if shape.ids else {}
    return found | ({"text": answer.text} if shape.texts else {})


def _lines(file: IO[bytes]) -> Write:
    def write(answers: Sequence[Answer]) -> None:
        for answer in answers:
            record: dict[str, object] = {} if answer.id is None else {"id": answer.id}
            record |= {} if answer.text is None else {"text": answer.text}
            record |= {"labels": answer.labels, "scores": answer.scores}
            file.write(json_text(record, file).encode("utf-8", "backslashreplace") + b"\n")
        file.flush()

    return write


def _table(file: IO[bytes], shape: Shape, header: bool) -> Write:
    """One line an answer's label, since names may hold whatever could stand between several in a cell."""

    def put(lines: Sequence[Sequence[object]]) -> None:
        text = io.StringIO(newline="")
        delimiter = "\t" if shape.kind == ".tsv" else ","
        csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(lines)
        file.write(text.getvalue().encode())
        file.flush()

    def write(answers: Sequence[Answer]) -> None:
        lines: list[Sequence[object]] = []
        for answer in answers:
            head = [answer.row, *_beside(answer, shape).values()]
            ranked = zip(answer.labels, answer.scores, strict=True)
            lines += [[*head, rank, label, score] for rank, (label, score) in enumerate(ranked, 1)]
            if not answer.labels:  # the row is there, and has none
                lines.append([*head, "", "", ""])
        put(lines)

    if header:
        beside = ["id"] * shape.ids + ["text"] * shape.texts
        put([["row", *beside, "rank", "label", "score"]])
    return write


def _schema(shape: Shape) -> "pa.Schema":
    import pyarrow as pa

    return pa.schema(
        [
            *[("id", pa.string())] * shape.ids,
            *[("text", pa.string())] * shape.texts,
            ("labels", pa.list_(pa.string() if shape.names else pa.int64())),
            ("scores", pa.list_(pa.float32())),
        ]
    )


@contextmanager
def _parquet(file: IO[bytes], shape: Shape) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(shape)
    with pq.ParquetWriter(file, schema) as writer:

        def write(answers: Sequence[Answer]) -> None:
            columns = {name: [getattr(answer, name) for answer in answers] for name in schema.names}
            writer.write_table(pa.table(columns, schema=schema))

        yield write
