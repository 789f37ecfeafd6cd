"""One door for files of texts: the extension picks the reader."""

from collections.abc import Callable

from .containers import TextData
from .jsonl import read_jsonl
from .lines import StrPath, suffix
from .parquet import read_parquet
from .tabbed import read_tabbed

__all__ = ["read_texts"]

_READERS: dict[str, Callable[..., TextData]] = {
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".txt": read_tabbed,
    ".tsv": read_tabbed,
    ".parquet": read_parquet,
}


def read_texts(path: StrPath, *, labels_required: bool = True) -> TextData:
    """Read texts and label names.

    ``.jsonl`` and ``.ndjson`` are read by `read_jsonl`, ``.txt`` and ``.tsv`` by `read_tabbed`, ``.parquet``
    by `read_parquet`; a further ``.gz`` or ``.xz`` is unpacked (Parquet excepted).

    Parameters
    ----------
    path : path-like
    labels_required : bool, default True
        Whether rows must have a place for labels, as in training; otherwise rows without one have no labels.

    Raises
    ------
    ValueError
        If the extension is another one, or for the reasons of the reader.

    Examples
    --------
    >>> data = read_texts("train.jsonl")  # doctest: +SKIP
    >>> data.texts[0], data.labels[0]  # doctest: +SKIP
    ('a curious text', ['curiosities'])
    """
    reader = _READERS.get(suffix(path))
    if reader is None:
        raise ValueError(
            f"{path}: unknown extension {suffix(path)!r}; one of {', '.join(_READERS)} was expected"
        )
    return reader(path, labels_required=labels_required)
