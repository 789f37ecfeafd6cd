"""One door for texts: the layout or the extension picks the reader; a folder or a pattern means several files."""

import os
from collections.abc import Callable, Container, Iterator
from itertools import chain
from pathlib import Path

from .containers import TextData, TextRow
from .csvfile import iter_csv
from .documents import holds_documents, iter_documents
from .fasttext import PREFIX, iter_fasttext
from .jsonarray import iter_json
from .jsonl import iter_jsonl
from .layout import Format, Layout, LayoutError
from .lines import Source, Stream, open_bytes, read_lines, suffix
from .parquet import iter_parquet
from .places import files_of, means_several
from .tabbed import iter_tabbed, iter_untyped

__all__ = ["EXTENSIONS", "iter_texts", "read_texts"]

EXTENSIONS: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".txt": "tabbed",
    ".tsv": "tabbed",
    ".csv": "csv",
    ".parquet": "parquet",
}
_BY_NAME: dict[Format, Callable[..., Iterator[TextRow]]] = {
    "jsonl": iter_jsonl,
    "json": iter_json,
    "parquet": iter_parquet,
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
    ``.parquet`` by `read_parquet`; ``.json`` is a list of such objects as JSON lines have; a further ``.gz``, ``.xz``
    or ``.zst`` is unpacked (Parquet excepted). Lines that begin with ``__label__`` are fastText's.

    Parameters
    ----------
    path : path-like
        A file; a pattern such as ``"parts/*.jsonl"``; or a folder: all files in it that have one of these extensions,
        by name, or, if ``name.tsv`` or ``name.key`` with labels stand beside ``name.txt``, a text from each of these,
        as Annif has it.
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
    FileNotFoundError
        If a folder or a pattern has no file.
    ValueError
        For the reasons of the reader.

    Examples
    --------
    >>> data = read_texts("train.jsonl")  # doctest: +SKIP
    >>> data.texts[0], data.labels[0]  # doctest: +SKIP
    ('a curious text', ['curiosities'])
    """
    rows = iter_texts(path, layout, labels_required=labels_required, known=known, unique_labels=unique_labels)
    return TextData.from_rows(rows, path)


def iter_texts(
    path: Source,
    layout: Layout | None = None,
    *,
    labels_required: bool | None = True,
    known: Container[str] | None = None,
    unique_labels: bool = False,
) -> Iterator[TextRow]:
    """Yield the rows of a file, of several, or of a stream, one after the other; see `read_texts`.

    But for a JSON list, little of a file is in memory at a time. Where ``labels_required`` is None, labels are left
    aside: of JSON and Parquet they are not read at all.
    """
    layout = layout or Layout()
    if not isinstance(path, Stream):
        if os.path.isdir(path) and _holds_documents(Path(path), layout, labels_required):
            return iter_documents(Path(path), labels_required=bool(labels_required))
        if means_several(path):
            parts = (
                _iter_file(file, layout, labels_required, known, unique_labels)
                for file in files_of(path, EXTENSIONS)
            )
            return chain.from_iterable(parts)
    return _iter_file(path, layout, labels_required, known, unique_labels)


def _holds_documents(directory: Path, layout: Layout, labels_required: bool | None) -> bool:
    if layout.format is not None:
        return layout.format == "documents"
    if holds_documents(directory):
        return True
    if not labels_required and any(directory.glob("*.txt")):
        raise LayoutError(
            f"{directory} holds .txt files without labels beside them",
            ({"format": "documents"}, "if each is one text"),
            ({"format": "lines"}, "if each of their lines is one"),
        )
    return False


def _iter_file(
    path: Source, layout: Layout, required: bool | None, known: Container[str] | None, unique_labels: bool
) -> Iterator[TextRow]:
    form = _format(path, layout)
    if form in _BY_NAME:
        return _BY_NAME[form](path, layout, labels_required=required)
    labels_required = bool(required)
    if form == "csv":
        return iter_csv(path, layout, labels_required=labels_required)
    if form == "documents":
        raise ValueError(f"{path}: format is 'documents', which is that of a folder")
    if form == "fasttext":
        return iter_fasttext(path)
    if form == "lines":
        if labels_required:
            raise ValueError(f"{path}: format is 'lines', which has no labels")
        return (TextRow(line, []) for _, line in read_lines(path))
    if layout.format is None and not labels_required:
        return iter_untyped(path, layout, known)
    return iter_tabbed(
        path, layout, labels_required=labels_required, known=known, unique_labels=unique_labels
    )


def _format(path: Source, layout: Layout) -> Format:
    """Return the format that is given, or what the extension says; fastText's lines tell themselves."""
    found = layout.format
    if isinstance(path, Stream):
        found = found or "tabbed"
        if found in ("parquet", "documents"):
            raise ValueError(f"{path} cannot be read as {found}; give a file")
        return found
    found = found or EXTENSIONS.get(suffix(path))
    if found is None:
        raise LayoutError(
            f"{path}: unknown extension {suffix(path)!r}; one of {', '.join(EXTENSIONS)} was expected",
            ({"format": "jsonl"}, "for JSON lines"),
            ({"format": "tabbed"}, "for columns with tabs between"),
        )
    if found == "tabbed" and layout == Layout() and _is_fasttext(path):
        return "fasttext"
    return found


def _is_fasttext(path: os.PathLike[str] | str) -> bool:
    with open_bytes(path) as file:
        return file.read(len(PREFIX)) == PREFIX.encode()
