"""The standard streams and what they cannot take: other encodings than UTF-8, full disks, readers that leave."""

import codecs
import contextlib
import json
import os
import sys
from typing import IO

import click

from ..core.display import fold, printable_json, printable_lines, terminal_width

__all__ = ["json_text", "prepare", "put", "put_json", "release", "tell"]

# Signs of the command line's own, and what stands for them where they cannot be written.
_PLAIN = {"█": "#", "✓": "*", "→": ">", "↑": "up", "↓": "down", "µ": "u", "…": "..."}
_PLAIN |= {"│": "|", "├": "|", "└": "`", "─": "-", "×": "x", "≥": ">=", "≤": "<="}
_ERRORS = "arborank.plain"


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Replace what an encoding lacks: signs by plainer ones, letters by their escapes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    shown = [_PLAIN.get(char) or char.encode("ascii", "backslashreplace").decode() for char in missing]
    return "".join(shown), error.end


codecs.register_error(_ERRORS, _plainly)


def prepare() -> None:
    """Let the standard output and error show every text, whatever their encoding."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not where it is closed, or replaced
            stream.reconfigure(errors=_ERRORS)


def put(text: str) -> None:
    """Write lines of a result to the standard output: nothing that a terminal would obey, and folded for its width."""
    _write(_folded(printable_lines(text), sys.stdout))


def put_json(record: object, *, indent: int | None = None) -> None:
    """Write JSON to the standard output."""
    _write(json_text(record, sys.stdout, indent=indent))


def _write(text: str) -> None:
    if sys.stdout is None:  # as after >&-
        raise OSError("standard output is closed")
    from ..storage.disk import naming

    with naming("standard output"):
        click.echo(text, file=sys.stdout)  # the default would take ASCII for UTF-8


def tell(text: str) -> None:
    """Write lines to the standard error, as `put` does to the output."""
    with contextlib.suppress(OSError):  # a message that cannot be written is no reason to stop
        if sys.stderr is not None:
            click.echo(_folded(printable_lines(text), sys.stderr), file=sys.stderr)


def _folded(text: str, stream: IO[str] | None) -> str:
    room = terminal_width(stream)
    return text if room is None else fold(text, room)


def json_text(record: object, file: IO[str] | IO[bytes] | None, *, indent: int | None = None) -> str:
    """Return JSON for a file: exact, safe where it is a terminal, and ASCII where that is all it takes.

    Binary files take UTF-8, but for the one beneath the standard output.
    """
    text_file = sys.stdout if file is getattr(sys.stdout, "buffer", None) else file
    ascii_only = codecs.lookup(getattr(text_file, "encoding", None) or "utf-8").name != "utf-8"
    text = json.dumps(record, ensure_ascii=ascii_only, indent=indent)
    return printable_json(text) if file is not None and file.isatty() else text


def release() -> None:
    """Leave aside what the standard streams could not take: the interpreter would report it a second time."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
