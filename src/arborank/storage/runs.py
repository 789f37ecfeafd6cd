"""Resumable work: a directory that keeps what was done, whatever ends the process.

``training.json`` holds the subject of the work (settings, and fingerprints of the data) and its progress. It is
replaced only after the files that it counts are on the disk, so it never counts what is not there.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from ..core.errors import ArgumentError
from ..core.types import AnyArray, Json, JsonMapping
from .disk import make_directory, put_in_place, read_text, write_text
from .lock import exclusive
from .manifest import checksum, plain
from .tensorfile import little_endian_pieces

__all__ = ["Digest", "Run", "fingerprint"]

_STATE = "training.json"
_FORMAT = "arborank-training"
_FORMAT_VERSION = 3
_SHA = "sha256"


class Digest:
    """SHA-256 of arrays and texts, added one by one."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()

    def add(self, value: AnyArray | str) -> None:
        """Add an array with its dtype and shape, or a text with its length."""
        if isinstance(value, str):
            self._sha.update(f"{len(value)} ".encode() + value.encode("utf-8", "surrogatepass"))
            return
        self._sha.update(f"{value.dtype.str}{value.shape}".encode())
        for piece in little_endian_pieces(value):
            self._sha.update(piece)

    def hexdigest(self) -> str:
        """Return the digest of what was added so far."""
        return self._sha.hexdigest()


def fingerprint(*values: AnyArray | str, **told: object) -> Json:
    """Return what data are recognised by in a subject: their digest, and what a message tells of them.

    What is ``told``, such as a shape, counts, and the message about another training names what differs of it.
    """
    digest = Digest()
    for value in values:
        digest.add(value)
    return {**told, _SHA: digest.hexdigest()}


class Run:
    """A directory of resumable work; a context manager that holds it for this process.

    Parameters
    ----------
    directory : path
        Made if missing. What was left there of the same work, however it ended, is taken up: ``progress`` is what
        `commit` wrote last, empty when there is nothing. On entering, ``FileExistsError`` if it holds something else,
        ``BlockingIOError`` if another process holds it, and ``ValueError`` if it holds work on another subject, or is
        damaged. Nothing in it is changed then.
    subject : mapping of str to JSON values
        What the work is: settings, and `fingerprint` of the data.
    argument : str
        What the user calls the directory.
    work : str, default="training"
        What messages call it.
    reads : bool, default=False
        Only read, beside the process that holds it and has begun.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        subject: JsonMapping,
        *,
        argument: str,
        work: str = "training",
        reads: bool = False,
    ) -> None:
        self.directory = Path(directory)
        self.progress: dict[str, Any] = {}
        self._subject = plain(dict(subject), argument)
        self._argument, self._work, self._reads = argument, work, reads
        self._held = ExitStack()

    def __enter__(self) -> Self:
        make_directory(self.directory)
        with ExitStack() as held:
            if not self._reads:
                held.enter_context(exclusive(self.directory))
            if (self.directory / _STATE).exists():
                self.progress = self._read()
            elif not self._reads:
                self._check_empty()
                self.commit({})
            self._held = held.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def commit(self, progress: JsonMapping) -> None:
        """Write how far the work has come, in one step; the files that this counts must be synced before."""
        state = {
            "format": _FORMAT,
            "format_version": _FORMAT_VERSION,
            "subject": self._subject,
            "progress": dict(progress),
        }
        state["checksum"] = checksum(state)
        unfinished = self.directory / f"{_STATE}.tmp"
        unfinished.unlink(missing_ok=True)  # of a process that was killed
        write_text(unfinished, json.dumps(state, indent=1))
        put_in_place(unfinished, self.directory / _STATE)
        self.progress = dict(progress)

    def damaged(self, what: str, error: Exception | str) -> ValueError:
        """Return the error for what cannot be taken up."""
        return ArgumentError(
            self._argument,
            f"{self.directory} is damaged: {what} cannot be taken up ({error}); remove it to begin again",
        )

    def _check_empty(self) -> None:
        foreign = sorted(name for name in os.listdir(self.directory) if not name.startswith(_STATE))
        if foreign:
            raise FileExistsError(
                f"{self._argument} {self.directory} is not empty and holds no {self._work} (it holds {foreign[0]!r})"
            )

    def _read(self) -> dict[str, Any]:
        path = self.directory / _STATE
        try:
            state = json.loads(read_text(path))
            if state["format"] != _FORMAT or state["format_version"] != _FORMAT_VERSION:
                raise ValueError(f"its format is {state['format']!r}, version {state['format_version']!r}")
            if state["checksum"] != checksum(state):
                raise ValueError("its checksum does not fit")
            subject, progress = dict(state["subject"]), dict(state["progress"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise self.damaged(_STATE, f"damaged, or of another version of Arborank: {error!r}") from None
        different = ", ".join(_differences(subject, self._subject))
        if different:
            raise ArgumentError(
                self._argument,
                f"{self.directory} holds another {self._work}; what differs: {different}. "
                "Give another directory, or remove this one to start again",
            )
        return progress


def _differences(there: dict[str, Any], here: dict[str, Any]) -> Iterator[str]:
    """Yield the names that differ, with the values or what the fingerprints say."""
    for name in sorted({*there, *here}):
        old, new = there.get(name), here.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            if _SHA not in old:
                yield from _differences(old, new)
                continue
            keys = [key for key in sorted({*old, *new} - {_SHA}) if old.get(key) != new.get(key)]
            told = "; ".join(f"{key} {old.get(key)} there, {new.get(key)} here" for key in keys)
            yield f"{name} ({told})" if told else name
        elif any(isinstance(value, dict) and _SHA in value for value in (old, new)):
            yield name
        else:
            yield f"{name} ({old!r} there, {new!r} here)"
