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
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Answers", "Shape", "Write", "answers_format", "join_answers", "open_answers"]

_KNOWN = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")


class Shape(NamedTuple):
    """The format of answers, and which columns they have beside labels and scores."""

    kind: str  # an extension
    names: bool  # whether labels are names, or else numbers
    ids: bool
    texts: bool


class Answers(NamedTuple):
    """The best labels of some rows, best first."""

    first: int  # the number of the first row
    ids: Sequence[str] | None
    texts: Sequence[str] | None
    counts: "NDArray[np.int64]"  # how many labels every row has
    labels: "NDArray[np.int64]"  # their numbers, row after row
    scores: "NDArray[np.float64]"
    names: Callable[
        [Sequence[int]], Sequence[str | int]
    ]  # of labels: names, or numbers of a model of matrices

    def rows(self) -> Iterator[tuple[int, dict[str, str], list[str | int], list[float]]]:
        """Yield the number of every row, what stands beside its answers, labels and scores."""
        import numpy as np

        used = np.unique(self.labels).tolist()
        names = dict(zip(used, self.names(used), strict=True))
        labels, scores, end = self.labels.tolist(), self.scores.tolist(), 0
        for place, count in enumerate(self.counts.tolist()):
            start, end = end, end + count
            beside = {} if self.ids is None else {"id": self.ids[place]}
            if self.texts is not None:
                beside["text"] = self.texts[place]
            yield self.first + place, beside, [names[one] for one in labels[start:end]], scores[start:end]


Write = Callable[[Answers], None]


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


def _lines(file: IO[bytes]) -> Write:
    def write(answers: Answers) -> None:
        for _, beside, labels, scores in answers.rows():
            record: dict[str, object] = {**beside, "labels": labels, "scores": scores}
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

    def write(answers: Answers) -> None:
        lines: list[Sequence[object]] = []
        for row, beside, labels, scores in answers.rows():
            head = [row, *beside.values()]
            ranked = zip(labels, scores, strict=True)
            lines += [[*head, rank, label, score] for rank, (label, score) in enumerate(ranked, 1)]
            if not labels:  # the row is there, and has none
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
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(shape)
    with pq.ParquetWriter(file, schema) as writer:

        def write(answers: Answers) -> None:
            used, places = np.unique(answers.labels, return_inverse=True)
            names = pa.array(answers.names(used.tolist()), pa.string() if shape.names else pa.int64())
            ends = pa.array(np.concatenate([[0], np.cumsum(answers.counts)]), pa.int32())
            beside = {"id": answers.ids, "text": answers.texts}
            columns = {name: column for name, column in beside.items() if column is not None}
            columns["labels"] = pa.ListArray.from_arrays(ends, names.take(pa.array(places)))
            columns["scores"] = pa.ListArray.from_arrays(ends, pa.array(answers.scores, pa.float32()))
            writer.write_table(pa.table(columns, schema=schema))

        yield write
