"""Lines as fastText reads them: labels among the words, by their prefix."""

import re
from collections.abc import Iterator

from .containers import TextRow
from .lines import Source, fault, read_lines

__all__ = ["PREFIX", "iter_fasttext"]

PREFIX = "__label__"
_LABEL = re.compile(rf"(?:^|(?<=\s)){PREFIX}(\S*)\s*")


def iter_fasttext(path: Source) -> Iterator[TextRow]:
    """Yield the rows of a file such as ``__label__wine __label__red a text`` (UTF-8, packed or not).

    A word that begins with ``__label__`` is a label wherever it stands, as fastText has it; what is left of the line
    is the text.

    Raises
    ------
    ValueError
        With file and line, if a label has no name.
    """
    for number, line in read_lines(path):
        labels = _LABEL.findall(line)
        if "" in labels:
            raise fault(path, number, f"{PREFIX} without a name in {line[:60]!r}")
        yield TextRow(_LABEL.sub("", line).strip(), labels)
