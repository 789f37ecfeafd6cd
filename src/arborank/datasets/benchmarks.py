"""The data sets of the extreme classification repository by name, where the user has the files."""

from dataclasses import dataclass
from pathlib import Path

from ..core.errors import ArgumentError
from .containers import MatrixData
from .folder import find
from .lf import read_lf
from .lines import StrPath
from .xmc import read_xmc

__all__ = ["Benchmark", "load_benchmark"]

_CONSTANTS = {"amazon": (0.6, 2.6), "wiki": (0.5, 0.4)}  # A and B of propensities; (0.55, 1.5) of all others
_STEMS = ("{part}", "{name}_{part}", "{short}_{part}")


@dataclass(frozen=True)
class Benchmark:
    """A data set with its official split.

    Attributes
    ----------
    name : str
    train, test : MatrixData
    A, B : float
        Its constants of propensities: 0.6 and 2.6 for Amazon, 0.5 and 0.4 for Wikipedia, otherwise 0.55 and 1.5.
    """

    name: str
    train: MatrixData
    test: MatrixData
    A: float
    B: float


def load_benchmark(name: str, directory: StrPath = ".") -> Benchmark:
    """Open a data set of the extreme classification repository, such as "Eurlex-4K" or "LF-AmazonTitles-131K".

    Nothing is downloaded: the files must be there as the repository packs them. The layout is found out: that with
    label features (``trn_X_Y.txt`` and its like), or ``train.txt`` and ``test.txt``, also as ``eurlex_train.txt``.
    Files may be packed as ``.gz``, ``.xz`` or ``.zst``.

    Parameters
    ----------
    name : str
        Of the data set, and of its folder: spelt in any case, with or without hyphens.
    directory : path-like, default "."
        Where the folder is, or the folder itself.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no layout that is known; the message names the files that were looked for.
    ValueError
        For the reasons of `read_lf` and `read_xmc`.

    Examples
    --------
    >>> from arborank.datasets import load_benchmark
    >>> data = load_benchmark("Eurlex-4K", "downloads")  # doctest: +SKIP
    >>> data.train.X.shape, data.A, data.B  # doctest: +SKIP
    ((15449, 5000), 0.55, 1.5)
    """
    if not isinstance(name, str) or not _plain(name):
        raise ArgumentError("name", f"must be that of a data set, such as 'Eurlex-4K', found {name!r}")
    folder = _folder(name, Path(directory))
    constants = next((pair for known, pair in _CONSTANTS.items() if known in _plain(name)), (0.55, 1.5))
    if find(folder, "trn_X_Y.txt") is not None:
        return Benchmark(name, read_lf(folder, "train"), read_lf(folder, "test"), *constants)
    short = name.rpartition("-")[0] or name
    names = [
        (stem.format(part="train", name=spelt, short=less), stem.format(part="test", name=spelt, short=less))
        for stem in _STEMS
        for spelt, less in ((name, short), (name.lower(), short.lower()))
    ]
    for pair in names:
        train, test = (find(folder, f"{one}.txt") for one in pair)
        if train is not None and test is not None:
            return Benchmark(name, read_xmc(train), read_xmc(test), *constants)
    looked = ", ".join(dict.fromkeys(f"{train}.txt" for train, _ in names))
    raise FileNotFoundError(
        f"{folder} has neither trn_X_Y.txt nor, with the test file beside it, one of {looked}"
    )


def _folder(name: str, directory: Path) -> Path:
    if not directory.is_dir():
        raise FileNotFoundError(f"{directory} is no directory; the files of {name} were expected there")
    wanted = _plain(name)
    if _plain(directory.name) == wanted:
        return directory
    inside = sorted(path for path in directory.iterdir() if path.is_dir())
    for path in inside:
        if _plain(path.name).removesuffix("bow") == wanted:
            return path
    if find(directory, "trn_X_Y.txt") is not None or find(directory, "train.txt") is not None:
        return directory
    there = ", ".join(path.name for path in inside[:5]) or "none"
    raise FileNotFoundError(f"{directory} has no folder {name}; there are: {there}")


def _plain(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())
