"""Parquet with a text and a labels column; needs the extra ``parquet``."""

from .containers import TextData
from .jsonl import label_names
from .lines import StrPath

__all__ = ["read_parquet"]


def read_parquet(
    path: StrPath, *, text_column: str = "text", labels_column: str = "labels", labels_required: bool = True
) -> TextData:
    """Read texts and labels from a Parquet file.

    Parameters
    ----------
    path : path-like
    text_column : str
        Column of strings.
    labels_column : str
        Column of lists of strings, or of integers, which become strings.
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
        for column in wanted:
            if column not in names:
                raise ValueError(f"{path}: no column {column!r}; found {names}")
        table = file.read(columns=wanted)
    texts = table.column(text_column).to_pylist()
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"{path}: row {row}: column {text_column!r} must hold strings, found {text!r}")
    if labels_column not in wanted:
        return TextData(texts, [[] for _ in texts])
    lists = table.column(labels_column).to_pylist()
    names_of_rows = []
    for row, labels in enumerate(lists):
        found = label_names(labels)
        if found is None:
            shown = repr(labels)[:60]
            raise ValueError(
                f"{path}: row {row}: column {labels_column!r} must hold lists of names, found {shown}"
            )
        names_of_rows.append(found)
    return TextData(texts, names_of_rows)
