"""The label cell of a row: from one string to the names in it."""

import json
import re

__all__ = ["is_uris", "label_names", "split_labels"]

# A URI, in <> or, where it cannot be taken for several, bare.
_BRACKETED = r"<[A-Za-z][A-Za-z0-9+.-]*:[^<>\s]*>"
_URIS = re.compile(
    rf"\s*(?:{_BRACKETED}|https?://[^\s<>,;|]+)(?:\s+(?:{_BRACKETED}|https?://[^\s<>,;|]+))*\s*"
)
_ONE_URI = re.compile(_BRACKETED)


def split_labels(cell: str, separator: str | None) -> list[str]:
    """Return the label names in a cell, without white space, quotation marks and <> around them.

    ``separator`` is that of `Layout`; by default a comma, or white space if the cell holds URIs. Raises ``ValueError``
    if a label is empty, a quotation mark is not closed, or the cell is in brackets and no list in JSON.
    """
    plain = cell.strip()
    if not plain:
        return []
    if separator is None:
        if is_uris(cell):
            separator = " "
        elif plain[0] == "[" and plain[-1] == "]":
            return _listed(cell)
        else:
            separator = ","
    if separator == "":
        names = [plain]
    elif '"' in cell:
        names = _quoted(cell, separator)
    elif separator.isspace():
        names = cell.split(separator if separator == "\t" else None)
    else:
        names = [name.strip() for name in cell.split(separator)]
    if "" in names:
        raise ValueError(f"an empty label in {cell[:60]!r}")
    if "<" in cell:
        return [name[1:-1] if _ONE_URI.fullmatch(name) else name for name in names]
    return names


def is_uris(cell: str) -> bool:
    """Whether a cell holds nothing but URIs, in <> as Annif has them or bare."""
    return ":" in cell and _URIS.fullmatch(cell) is not None


def label_names(labels: object) -> list[str] | None:
    """Return the labels as strings, or None unless they are a list of non-empty strings or integers."""
    if not isinstance(labels, list):
        return None
    if not all(type(label) is int or (isinstance(label, str) and label) for label in labels):
        return None
    return [str(label) for label in labels]


def _quoted(cell: str, separator: str) -> list[str]:
    """Split a cell in which a label may stand in quotation marks, doubled within it."""
    parting = re.compile(r"\s+" if separator.isspace() else rf"\s*{re.escape(separator)}\s*")
    end = rf"(?=\Z|{parting.pattern})"
    label = re.compile(rf'"((?:[^"]|"")*)"{end}|(.*?){end}', re.DOTALL)
    names, place, text = [], 0, cell.strip()
    while True:
        found = label.match(text, place)
        assert found is not None  # the end of the text ends a label
        if found[1] is not None:
            names.append(found[1].replace('""', '"'))
        elif found[2].startswith('"') and found[2].count('"') % 2:
            raise ValueError(
                f"a quotation mark without its counterpart in {found[2][:40]!r}; a label that begins with one is "
                'written in two more, as """a"" b"'
            )
        else:
            names.append(found[2])
        after = parting.match(text, found.end())
        if after is None:
            return names
        place = after.end()


def _listed(cell: str) -> list[str]:
    try:
        names = label_names(json.loads(cell))
    except (ValueError, RecursionError):
        names = None
    if names is None:
        raise ValueError(
            f'a list in JSON, such as ["a", "b"], was expected in {cell.strip()[:60]!r}; with a separator given, '
            "brackets are letters"
        )
    return names
