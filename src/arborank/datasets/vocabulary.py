"""Vocabularies: the names of every subject, by its URI."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from .csvfile import read_cells
from .lines import StrPath, fault, read_lines, suffix
from .skos import SKOS, read_skos

__all__ = ["is_vocabulary", "read_vocabulary"]

_URI = re.compile(r"<?([A-Za-z][A-Za-z0-9+.-]*:[^<>\s]*)>?")
_LABEL = "label_"  # before the code of a language, in the header of a column


def read_vocabulary(path: StrPath, language: str | Sequence[str] | None = None) -> dict[str, list[str]]:
    """Read the names of every subject.

    Give them to `TextRanker` as ``label_texts`` where labels are URIs.

    Parameters
    ----------
    path : path-like
        SKOS, as `read_skos` reads it; lines of a URI and a name with a tab between; or a table (``.csv``, ``.tsv``)
        whose header has ``uri`` and a column of names for each language, ``label_en``, ``label_fi``, .... ``.gz``,
        ``.xz`` and ``.zst`` are unpacked.
    language : str or list of str, optional
        Such as ``"fi"``, or ``["fi", "sv"]``. By default names of all languages.

    Returns
    -------
    dict of str to list of str
        Names by URI, in the order of the languages asked for, or of the columns. Subjects without one are left out.

    Raises
    ------
    ImportError
        If a file in SKOS needs rdflib, which is not installed.
    ValueError
        With file and line, if a row has no URI, or one that another row has; or if no subject has a name in a language.
    """
    if suffix(path) in SKOS:
        return read_skos(path, language)
    rows = _rows(path)
    first = next(rows, None)
    if first is None:
        raise ValueError(f"{path} is empty; a URI and a name in every line were expected")
    languages = _columns(first[1])
    wanted = [language] if isinstance(language, str) else language
    if languages is None:
        if wanted is not None:
            raise ValueError(
                f"{path}:{first[0]}: names have no language; a header such as uri,label_en was expected"
            )
        place, columns = 0, [1]
        rows = chain([first], rows)
    else:
        place, columns = [cell.strip().casefold() for cell in first[1]].index("uri"), list(languages.values())
        if wanted is not None:
            missing = [one for one in wanted if one not in languages]
            if missing:
                raise ValueError(
                    f"{path} has no names in {missing[0]!r}; its languages are {', '.join(sorted(languages))}"
                )
            columns = [languages[one] for one in wanted]
    names: dict[str, list[str]] = {}
    for number, cells in rows:
        uri = _URI.fullmatch(cells[place].strip()) if place < len(cells) else None
        if uri is None:
            raise fault(
                path, number, f"a URI was expected, found {cells[place] if place < len(cells) else ''!r:.60}"
            )
        if uri[1] in names:
            raise fault(path, number, f"the URI {uri[1]} stands in another line, too")
        names[uri[1]] = [cells[at].strip() for at in columns if at < len(cells) and cells[at].strip()]
    found = {uri: list(dict.fromkeys(own)) for uri, own in names.items() if own}
    if not found:
        raise ValueError(f"{path} has no subject with a name")
    return found


def is_vocabulary(path: StrPath) -> bool:
    """Whether a file is in SKOS, or a table whose header says that it has names by URI."""
    if suffix(path) in SKOS:
        return True
    if suffix(path) not in (".csv", ".tsv"):
        return False
    first = next(_rows(path), None)
    return first is not None and _columns(first[1]) is not None


def _columns(cells: list[str]) -> dict[str, int] | None:
    """Return the columns of names by language, if this is a header."""
    titles = [cell.strip().casefold() for cell in cells]
    found = {
        title.removeprefix(_LABEL): place for place, title in enumerate(titles) if title.startswith(_LABEL)
    }
    return found if titles.count("uri") == 1 and found else None


def _rows(path: StrPath) -> Iterator[tuple[int, list[str]]]:
    if suffix(path) == ".csv":
        yield from read_cells(path)
        return
    for number, line in read_lines(path):
        if line.strip():
            yield number, line.split("\t")
