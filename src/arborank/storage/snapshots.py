"""Whole states of some work, one after the other: the last two are kept, in case one is damaged later."""

import logging
import os
import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from numpy.typing import NDArray

from .runs import Run
from .tensorfile import FileRecord, open_tensors, write_tensors

__all__ = ["Snapshot", "Snapshots"]

_LOG = logging.getLogger(__name__)
_FILE = re.compile(r"checkpoint-(\d+)\.safetensors")
_KEPT = 2


class Snapshot(NamedTuple):
    """What work continues from: JSON values, and arrays by name."""

    notes: dict[str, Any]
    arrays: Mapping[str, NDArray[Any]]


class Snapshots:
    """The snapshots of a `Run` that was entered, a file each; its progress is the record of them."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._records: list[dict[str, Any]] = run.progress.get("snapshots", [])  # latest first

    def latest(self) -> Snapshot | None:
        """Return the last snapshot that is whole, or None if there is none yet.

        Logs a warning for one that is damaged; ``ValueError`` if all of them are.
        """
        damage: list[str] = []
        for place, record in enumerate(self._records):
            path = self._run.directory / record["file"]
            try:
                arrays = open_tensors(path, FileRecord(record["size"], record["sha256"]))
            except (FileNotFoundError, ValueError) as error:
                damage.append(str(error))
                continue
            for told in damage:
                _LOG.warning("%s; training continues from the checkpoint before it", told)
            self._records = self._records[place:]
            return Snapshot(record["notes"], arrays)
        if damage:
            raise self._run.damaged("what its checkpoints hold", "; ".join(damage))
        return None

    def save(self, snapshot: Snapshot) -> None:
        """Write a snapshot, and only then remove what is older than the one before it."""
        directory, known = self._run.directory, {record["file"] for record in self._records}
        for name in os.listdir(directory):
            if _FILE.fullmatch(name) and name not in known:  # damaged, or of a process that was killed
                (directory / name).unlink(missing_ok=True)
        serials = [int(found[1]) for name in known if (found := _FILE.fullmatch(name))]
        file = f"checkpoint-{max(serials, default=0) + 1:06}.safetensors"
        try:
            size, sha256 = write_tensors(directory / file, snapshot.arrays)
        except BaseException:
            (directory / file).unlink(missing_ok=True)
            raise
        record = {"file": file, "size": size, "sha256": sha256, "notes": deepcopy(snapshot.notes)}
        kept = [record, *self._records[: _KEPT - 1]]
        self._run.commit({"snapshots": kept})
        for old in self._records[_KEPT - 1 :]:
            (directory / old["file"]).unlink(missing_ok=True)
        self._records = kept
