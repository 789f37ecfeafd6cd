"""The directory of a distributed training: files named by what they were made from, and what is known of each task.

A task is a stage and its arguments, all of it JSON; what it reads are names of files that other tasks wrote. Its name
is the SHA-256 of that, so a file is named by everything it was made from. Files are written under another name, synced
and renamed; the record of a task (what its files hold, and facts that the next stages need) is written last, and
when all tasks of a stage have one, the manifest of the stage. So what has a record or a manifest is done, whatever
ended the process that wrote it, and is not run again.
"""

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from .. import __version__
from ..core.types import AnyArray, Json, JsonMapping
from ..storage.disk import make_directory, put_in_place, read_text, sync, write_text
from ..storage.lock import exclusive
from ..storage.tensorfile import FileRecord, open_tensors, write_tensors

__all__ = ["Done", "Task", "Work"]

_FORMAT_VERSION = 1


@dataclass(frozen=True)
class Task:
    """A stage of the training on a part of the data.

    Attributes
    ----------
    stage : str
        A name of `arborank.distributed.stages.STAGES`.
    arguments : mapping of str to JSON values
        What the stage takes; files by their names in the work directory.
    weight : float, default 0.0
        How long it takes, compared with others of its stage: the longest are begun first.
    """

    stage: str
    arguments: JsonMapping
    weight: float = 0.0

    @property
    def name(self) -> str:
        """The stage, and 20 digits that stand for it, the arguments and the version of the package."""
        told: Json = {"stage": self.stage, "arguments": dict(self.arguments)}
        told |= {"version": __version__, "format": _FORMAT_VERSION}
        return f"{self.stage}/{hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:20]}"

    def to_json(self) -> str:
        """Return the task as text, for `arborank stage run`."""
        return json.dumps({"stage": self.stage, "arguments": dict(self.arguments)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            If it is something else.
        """
        try:
            told = json.loads(text)
            return cls(str(told["stage"]), dict(told["arguments"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"a task is a JSON object with stage and arguments ({error!r})") from None


@dataclass(frozen=True)
class Done:
    """What is known of a task that has run: the names of its files, in order, and facts as JSON."""

    name: str
    files: Mapping[str, FileRecord]
    facts: Json = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The name of its only file."""
        (name,) = self.files
        return name

    @property
    def n_bytes(self) -> int:
        """Size of its files."""
        return sum(record.size for record in self.files.values())


class Work:
    """The work directory, on a disk that all processes see.

    Parameters
    ----------
    directory : path
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)

    def path(self, name: str) -> Path:
        """Return where a file is."""
        return self.directory / name

    def arrays(self, name: str, *, record: FileRecord | None = None) -> dict[str, AnyArray]:
        """Map the arrays of a file; with a ``record`` all of it is read and compared.

        Raises
        ------
        FileNotFoundError, ValueError
            If it is missing, truncated or altered; the message names it.
        """
        return open_tensors(self.path(f"{name}.safetensors"), record, verify=record is not None)

    def done(self, task: Task, *, verify: bool = False) -> Done | None:
        """Return what is known of a task, or None if it has not run to its end.

        Raises
        ------
        ValueError
            If its record or, with ``verify``, a file of it is damaged.
        """
        path = self.path(f"{task.name}.json")
        try:
            told = json.loads(read_text(path))
            files = {name: FileRecord(*record) for name, record in told["files"].items()}
            facts = dict(told["facts"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is damaged ({error!r}); remove it to make it again") from None
        for name, record in files.items():
            self._check(name, record, verify)
        return Done(task.name, files, facts)

    def _check(self, name: str, record: FileRecord, verify: bool) -> None:
        path = self.path(f"{name}.safetensors")
        problem = None
        if verify:
            try:
                open_tensors(path, record)
            except (ValueError, FileNotFoundError) as error:
                problem = str(error)
        elif not path.exists() or path.stat().st_size != record.size:
            problem = f"{path} is missing or truncated"
        if problem is not None:
            raise ValueError(f"{problem}; remove the directory {self.directory} to begin again")

    def stage(self, tasks: Sequence[Task]) -> list[Done] | None:
        """Return what is known of the tasks of a stage from its manifest, or None if the stage has not ended.

        All files are read, and compared with their checksums.

        Raises
        ------
        ValueError
            If the manifest or a file is damaged.
        """
        path = self.path(_manifest(tasks))
        try:
            told = json.loads(read_text(path))
            dones = [
                Done(task.name, {name: FileRecord(*record) for name, record in files.items()}, dict(facts))
                for task, (files, facts) in zip(tasks, told, strict=True)
            ]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is damaged ({error!r}); remove it to make it again") from None
        for done in dones:
            for name, record in done.files.items():
                self._check(name, record, True)
        return dones

    def end_stage(self, tasks: Sequence[Task]) -> list[Done]:
        """Write the manifest of a stage, whose tasks have all run; return what is known of them.

        Raises
        ------
        ValueError
            If a task has left no record, or a file of it is missing.
        """
        dones = []
        for task in tasks:
            done = self.done(task)
            if done is None:
                raise ValueError(f"{self.path(task.name)}.json is missing, but the task has ended")
            dones.append(done)
        told = [[{name: list(one) for name, one in done.files.items()}, done.facts] for done in dones]
        self.put_text(_manifest(tasks), json.dumps(told, indent=1))
        return dones

    def keep(
        self, task: Task, parts: Iterable[Mapping[str, AnyArray]], facts: JsonMapping | None = None
    ) -> Done:
        """Write the files of a task, and its record last.

        ``parts`` become a file each, as they come; ``facts`` may be filled while they do.
        """
        make_directory(self.path(task.stage))
        files: dict[str, FileRecord] = {}
        for number, arrays in enumerate(parts):
            name = f"{task.name}-{number}"
            files[name] = self._write(self.path(f"{name}.safetensors"), arrays)
        done = Done(task.name, files, dict(facts or {}))
        told: Json = {"files": {name: list(one) for name, one in files.items()}, "facts": done.facts}
        told |= {"stage": task.stage, "arguments": dict(task.arguments)}
        self.put_text(f"{task.name}.json", json.dumps(told, indent=1))
        return done

    @staticmethod
    def _write(path: Path, arrays: Mapping[str, AnyArray]) -> FileRecord:
        unfinished = path.with_name(f"{path.name}-{secrets.token_hex(4)}.tmp")
        try:
            record = write_tensors(unfinished, arrays)
            put_in_place(unfinished, path)
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise
        return record

    @staticmethod
    def put(unfinished: Path, path: Path) -> None:
        """Give a file that is written its name, for good."""
        with unfinished.open("rb+") as file:
            sync(file)
        put_in_place(unfinished, path)

    def forget(self, task: Task) -> None:
        """Remove the record of a task, so that it runs again."""
        self.path(f"{task.name}.json").unlink(missing_ok=True)

    def put_text(self, name: str, text: str) -> None:
        """Write a small file in one step."""
        path = self.path(name)
        unfinished = path.with_name(f"{path.name}-{secrets.token_hex(4)}.tmp")
        try:
            write_text(unfinished, text)
            put_in_place(unfinished, path)
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Have the directory, which is made, to oneself, without what interrupted tasks have left.

        Raises ``BlockingIOError`` if another process has it.
        """
        make_directory(self.directory)
        with exclusive(self.directory):
            for path in (*self.directory.glob("*.tmp"), *self.directory.glob("*/*.tmp")):
                path.unlink(missing_ok=True)
            yield


def _manifest(tasks: Sequence[Task]) -> str:
    names = json.dumps([task.name for task in tasks])
    return f"{tasks[0].stage}/manifest-{hashlib.sha256(names.encode()).hexdigest()[:20]}.json"
