"""Parquet with a text and a labels column; needs the extra ``parquet``."""

from collections.abc import Callable
from typing import Any, TypeVar

from .containers import TextData
from .jsonl import label_names, label_weights
from .lines import StrPath

__all__ = ["read_parquet"]

T = TypeVar("T")


def read_parquet(
    path: StrPath,
    *,
    text_column: str = "text",
    labels_column: str = "labels",
    relevance_column: str | None = "relevance",
    labels_required: bool = True,
) -> TextData:
    """Read texts and labels from a Parquet file.

    Parameters
    ----------
    path : path-like
    text_column : str
        Column of strings.
    labels_column : str
        Column of lists of strings, or of integers, which become strings.
    relevance_column : str or None, default "relevance"
        Column of lists with one number of at least 0 for every label; read if the file has it.
    labels_required : bool, default True
        Whether a file without ``labels_column`` is an error; otherwise its texts have no labels.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    ValueError
        With the file's name, if it is damaged, a column is missing or of another type, or a value is null or
        empty.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ImportError("reading Parquet needs pyarrow: pip install 'arborank[parquet]'") from error
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path}: not a Parquet file: {error}") from error
    with file:
        names = file.schema_arrow.names
        wanted = [text_column]
        if labels_required or labels_column in names:
            wanted.append(labels_column)
        if relevance_column is not None and relevance_column in names and labels_column in wanted:
            wanted.append(relevance_column)
        for column in wanted:
            if column not in names:
                raise ValueError(f"{path}: no column {column!r}; found {names}")
        table = file.read(columns=wanted)
    columns = {name: table.column(name).to_pylist() for name in wanted}
    texts = _checked(
        path, text_column, columns, lambda _, text: text if isinstance(text, str) else None, "strings"
    )
    if labels_column not in wanted:
        return TextData(texts, [[] for _ in texts])
    labels = _checked(path, labels_column, columns, lambda _, names: label_names(names), "lists of names")
    if relevance_column is None or relevance_column not in wanted:
        return TextData(texts, labels)
    numbers = "a list with one finite number of at least 0 for every label"
    relevance = _checked(
        path, relevance_column, columns, lambda row, values: label_weights(values, len(labels[row])), numbers
    )
    return TextData(texts, labels, relevance)


def _checked(
    path: StrPath,
    column: str,
    columns: dict[str, list[Any]],
    convert: Callable[[int, Any], T | None],
    wanted: str,
) -> list[T]:
    """Return the converted values of a column; ``convert`` says None to one that is not as ``wanted``."""
    found = []
    for row, value in enumerate(columns[column]):
        converted = convert(row, value)
        if converted is None:
            shown = repr(value)[:60]
            raise ValueError(f"{path}: row {row}: column {column!r} must hold {wanted}, found {shown}")
        found.append(converted)
    return found
