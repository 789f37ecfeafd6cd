"""A folder with a file for each text and its labels beside it, the corpus format of Annif."""

from collections.abc import Iterator
from pathlib import Path

from .cells import split_labels
from .containers import TextRow
from .lines import fault, read_lines

__all__ = ["holds_documents", "iter_documents"]

_BESIDE = (".tsv", ".key")


def holds_documents(directory: Path) -> bool:
    """Whether labels stand beside a text: ``name.tsv`` or ``name.key`` beside ``name.txt``."""
    return any(text.with_suffix(end).is_file() for text in directory.glob("*.txt") for end in _BESIDE)


def iter_documents(directory: Path, *, labels_required: bool = True) -> Iterator[TextRow]:
    """Yield a row for every ``name.txt``, by name, which is its id.

    Labels are the first column of ``name.tsv`` (URIs, in <> or bare), or else the lines of ``name.key``.

    Raises
    ------
    FileNotFoundError
        If there is no text, or labels are required and a text has no file of them.
    ValueError
        With file and line, if a file is not UTF-8 or a line has no label.
    """
    texts = sorted(directory.glob("*.txt"))
    if not texts:
        raise FileNotFoundError(f"{directory} holds no .txt file, one a text")
    for path in texts:
        beside = next((place for end in _BESIDE if (place := path.with_suffix(end)).is_file()), None)
        if beside is None and labels_required:
            raise FileNotFoundError(
                f"{path} has no labels beside it; {path.stem}.tsv or {path.stem}.key was expected"
            )
        labels = [] if beside is None else list(_labels(beside))
        yield TextRow("\n".join(line for _, line in read_lines(path)), labels, id=path.stem)


def _labels(path: Path) -> Iterator[str]:
    for number, line in read_lines(path):
        if not line.strip():
            continue
        cell = line.split("\t")[0] if path.suffix == ".tsv" else line
        names = split_labels(cell, "")
        if not names:
            raise fault(path, number, f"a label was expected at the beginning of {line[:60]!r}")
        yield names[0]
