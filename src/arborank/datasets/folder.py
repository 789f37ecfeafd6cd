"""What the layouts that are folders share: names of splits, optional and packed files, one text per line."""

from pathlib import Path

from .containers import MatrixData
from .lines import read_lines

__all__ = ["find", "need", "prefix", "read_column", "together"]

_PREFIXES = {"train": "trn", "test": "tst"}


def prefix(split: str) -> str:
    """Return how file names call a split; ``ValueError`` if it is unknown."""
    if split not in _PREFIXES:
        raise ValueError(f"split is {split!r}; one of {', '.join(map(repr, _PREFIXES))} was expected")
    return _PREFIXES[split]


def find(directory: Path, name: str) -> Path | None:
    """Return the file, plain or packed as ``.gz``, ``.xz`` or ``.zst``, or None; the directory must exist."""
    if not directory.is_dir():
        raise NotADirectoryError(f"{directory} is not a directory")
    return next(
        (path for end in ("", ".gz", ".xz", ".zst") if (path := directory / f"{name}{end}").is_file()), None
    )


def need(directory: Path, *names: str) -> Path:
    """Return the first of the files that exists; ``FileNotFoundError`` naming all of them otherwise."""
    for name in names:
        path = find(directory, name)
        if path is not None:
            return path
    raise FileNotFoundError(f"{directory} has no {' and no '.join(names)}")


def read_column(path: Path, encoding: str) -> list[str]:
    """Read one text per line."""
    return [text for _, text in read_lines(path, encoding)]


def together(directory: Path, **parts: object) -> MatrixData:
    """Build `MatrixData`; if the parts do not fit each other, the error names the folder."""
    try:
        return MatrixData(**parts)  # type: ignore[arg-type]
    except ValueError as error:
        raise ValueError(f"{directory}: {error}") from error
