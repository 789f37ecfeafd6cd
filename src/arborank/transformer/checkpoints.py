"""Where training was when it was interrupted: its last two checkpoints, in a directory of its own.

The name of a file ends with the checksum of its bytes, so that one that was damaged later is known for it, and the one
before it is there to continue from.
"""

import json
import logging
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..storage.disk import make_directory, naming, put_in_place, read_text, write_text
from ..storage.tensorfile import FileRecord, open_tensors, write_tensors

__all__ = ["Checkpoint", "Checkpoints"]

_LOG = logging.getLogger(__name__)
_FORMAT = "arborank-training"
_FILE = re.compile(r"checkpoint-(\d{3})-(\d{9})-([0-9a-f]{64})\.safetensors")
_KEPT = 2
_UNFINISHED = re.compile(r"(checkpoint|training)-[0-9a-f]{8}\.tmp")


@dataclass(frozen=True)
class Checkpoint:
    """What training continues from.

    Attributes
    ----------
    stage : int
        Levels that are done.
    step : int
        Steps that are done of the next one.
    notes : dict
        JSON values.
    arrays : mapping of str to array
    """

    stage: int
    step: int
    notes: dict[str, Any]
    arrays: Mapping[str, NDArray[Any]]


class Checkpoints:
    """A directory that holds the latest checkpoints of one training.

    Parameters
    ----------
    directory : path
        New, empty, or of an earlier run with the same configuration, which is then continued.
    configuration : dict
        JSON values that identify the training: parameters, encoder and data.

    Raises
    ------
    FileExistsError
        If the directory holds something else.
    ValueError
        If it is of another configuration; the message names what differs, and nothing is changed.
    """

    def __init__(self, directory: str | os.PathLike[str], configuration: dict[str, Any]) -> None:
        self.directory = Path(directory)
        own = json.loads(json.dumps(configuration))
        described = self.directory / "training.json"
        if described.exists():
            found = _read(described)
            different = "; ".join(_differences(found, own))
            if different:
                raise ValueError(
                    f"checkpoint_dir {self.directory} is of another training: {different}. Give another directory, or "
                    "remove this one to start anew"
                )
            return
        if self.directory.exists():
            foreign = sorted(name for name in os.listdir(self.directory) if not _UNFINISHED.fullmatch(name))
            if foreign:
                raise FileExistsError(
                    f"checkpoint_dir {self.directory} is not empty and holds no checkpoint (it holds {foreign[0]!r})"
                )
        make_directory(self.directory)
        new = self.directory / f"training-{secrets.token_hex(4)}.tmp"
        write_text(new, json.dumps({"format": _FORMAT, "configuration": own}, indent=1))
        put_in_place(new, described)

    def latest(self) -> Checkpoint | None:
        """Return the last checkpoint that is whole, or None if there is none yet.

        Logs a warning for one that is damaged.

        Raises
        ------
        ValueError
            If there are checkpoints, but all of them are damaged.
        """
        damage = []
        for stage, step, sha256, path in self._files():
            try:
                arrays = open_tensors(path, FileRecord(path.stat().st_size, sha256))
            except ValueError as error:
                damage.append(str(error))
                continue
            for told in damage:
                _LOG.warning("%s; training continues from the checkpoint before it", told)
            notes = json.loads(arrays.pop("notes").tobytes())
            return Checkpoint(stage, step, notes, arrays)
        if damage:
            raise ValueError(
                f"no checkpoint in checkpoint_dir {self.directory} is whole: {'; '.join(damage)}. "
                "Restore one, or remove the directory to start anew"
            )
        return None

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, and only then remove what is older than the one before it."""
        for name in os.listdir(self.directory):
            if _UNFINISHED.fullmatch(name):  # by a process that was killed
                (self.directory / name).unlink(missing_ok=True)
        notes = np.frombuffer(json.dumps(checkpoint.notes).encode(), np.uint8)
        new = self.directory / f"checkpoint-{secrets.token_hex(4)}.tmp"
        try:
            record = write_tensors(new, {**checkpoint.arrays, "notes": notes})
            name = f"checkpoint-{checkpoint.stage:03}-{checkpoint.step:09}-{record.sha256}.safetensors"
            put_in_place(new, self.directory / name)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        for *_, old in self._files()[_KEPT:]:
            old.unlink(missing_ok=True)

    def _files(self) -> list[tuple[int, int, str, Path]]:
        """Return stage, step, checksum and path of every checkpoint, the last one first."""
        matches = (_FILE.fullmatch(name) for name in os.listdir(self.directory))
        found = [(int(m[1]), int(m[2]), m[3], self.directory / m[0]) for m in matches if m]
        return sorted(found, reverse=True)


def _differences(there: dict[str, Any], here: dict[str, Any]) -> Iterator[str]:
    """Tell what differs: of data, which are known by their digests, how much there is of them."""
    for key in sorted({*there, *here}):
        old, new = there.get(key), here.get(key)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            names = [
                name
                for name in sorted({*old, *new} - {"digest", "weights"})
                if old.get(name) != new.get(name)
            ]
            told = ", ".join(f"{name} {old.get(name)} there and {new.get(name)} here" for name in names)
            yield f"{key} differ ({told})" if told else f"{key} differ"
        else:
            yield f"{key} is {old!r} there and {new!r} here"


def _read(path: Path) -> dict[str, Any]:
    try:
        with naming(path):
            document = json.loads(read_text(path))
        if document["format"] == _FORMAT:
            return dict(document["configuration"])
    except (ValueError, KeyError, TypeError):
        pass
    raise FileExistsError(f"{path} is damaged or not Arborank's; remove it, or give another checkpoint_dir")
