"""One door for files of texts: the layout or the extension picks the reader."""

from collections.abc import Container, Iterator

from .containers import TextData, TextRow
from .csvfile import iter_csv
from .jsonl import iter_jsonl
from .layout import Format, Layout, LayoutError
from .lines import Source, Stream, read_lines, suffix
from .parquet import read_parquet
from .tabbed import iter_tabbed, iter_untyped

__all__ = ["iter_texts", "read_texts"]

_FORMATS: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".txt": "tabbed",
    ".tsv": "tabbed",
    ".csv": "csv",
    ".parquet": "parquet",
}


def read_texts(
    path: Source,
    layout: Layout | None = None,
    *,
    labels_required: bool = True,
    known: Container[str] | None = None,
    unique_labels: bool = False,
) -> TextData:
    """Read texts and label names.

    ``.jsonl`` and ``.ndjson`` are read by `read_jsonl`, ``.txt`` and ``.tsv`` by `read_tabbed`, ``.csv`` by `read_csv`,
    ``.parquet`` by `read_parquet`; a further ``.gz`` or ``.xz`` is unpacked (Parquet excepted).

    Parameters
    ----------
    path : path-like
    layout : Layout, optional
        The format, if it is not what the extension says, and which columns or keys hold what.
    labels_required : bool, default True
        Whether rows must have a place for labels, as in training; otherwise rows without one have no labels, and a line
        of a ``.txt`` file may also be a JSON object.
    known : container of str, optional
        The labels of the model that the texts are for, such as ``ranker.labels_``. Where nothing but their order tells
        columns apart, fewer than a tenth of rows with such a label are refused as another layout.
    unique_labels : bool, default False
        Whether each label may well have one text, as in files of label texts. Otherwise, where nothing but their order
        tells columns apart, numbers and codes that never repeat are refused as ids.

    Raises
    ------
    LayoutError
        If the extension is another one, or the layout is not clear or seems to be another; the error says what to set.
    ValueError
        For the reasons of the reader.

    Examples
    --------
    >>> data = read_texts("train.jsonl")  # doctest: +SKIP
    >>> data.texts[0], data.labels[0]  # doctest: +SKIP
    ('a curious text', ['curiosities'])
    """
    layout = layout or Layout()
    if _format(path, layout) == "parquet":
        if isinstance(path, Stream):
            raise ValueError(f"{path} cannot be read as Parquet; give a file")
        return read_parquet(path, layout, labels_required=labels_required)
    rows = iter_texts(path, layout, labels_required=labels_required, known=known, unique_labels=unique_labels)
    return TextData.from_rows(rows, path)


def iter_texts(
    path: Source,
    layout: Layout,
    *,
    labels_required: bool = True,
    known: Container[str] | None = None,
    unique_labels: bool = False,
) -> Iterator[TextRow]:
    """Yield the rows of a file or stream that is not Parquet; see `read_texts`."""
    match _format(path, layout):
        case "jsonl":
            return iter_jsonl(path, layout, labels_required=labels_required)
        case "csv":
            return iter_csv(path, layout, labels_required=labels_required)
        case "lines":
            if labels_required:
                raise ValueError(f"{path}: format is 'lines', which has no labels")
            return (TextRow(line, []) for _, line in read_lines(path))
    if layout.format is None and not labels_required:
        return iter_untyped(path, layout, known)
    return iter_tabbed(
        path, layout, labels_required=labels_required, known=known, unique_labels=unique_labels
    )


def _format(path: Source, layout: Layout) -> Format:
    if layout.format is not None:
        return layout.format
    if isinstance(path, Stream):
        return "tabbed"
    found = _FORMATS.get(suffix(path))
    if found is None:
        raise LayoutError(
            f"{path}: unknown extension {suffix(path)!r}; one of {', '.join(_FORMATS)} was expected",
            ({"format": "jsonl"}, "for JSON lines"),
            ({"format": "tabbed"}, "for columns with tabs between"),
        )
    return found
