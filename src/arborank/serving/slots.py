"""The models of a service: each in a slot, where another takes its place in one step."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..core.estimator import Estimator
from ..core.types import FilePath
from ..storage import Record, Savable, load, read_records, save
from ..storage.lock import exclusive
from .kinds import Kind, MakeKind, kind_of
from .metrics import Metrics
from .problems import Problem, asked_well
from .settings import check_name

__all__ = ["Served", "Slot", "Slots"]

_LOG = logging.getLogger(__name__)
_WARMING = 20  # questions to a model before it is served
_QUICK = 0.001  # seconds: what answers sooner answers at once, without a thread

Signature = tuple[int, int, int]


@dataclass(frozen=True)
class Served:
    """A model that is loaded and warm; never changed, so whoever has taken it may go on with it."""

    name: str
    kind: Kind[Any]
    revision: str
    path: Path | None
    signature: Signature | None
    quick: bool
    seconds: float
    n_bytes: int = 0
    records: list[Record] = field(default_factory=list)
    loaded: float = field(default_factory=time.time)


class Slot:
    """The place of a model: ``served`` is the one that answers now."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.changing = asyncio.Lock()  # held by whoever makes the next model
        self.refused: Signature | None = None  # what could not be loaded, which is not tried again


class Slots:
    """All models of a service, by name.

    Parameters
    ----------
    models : mapping from name to directory or model
        What `save` wrote, or fitted models.
    metrics : Metrics
    verify : bool, default=False
        Whether checksums of all files are compared when a model is loaded.
    make_kind : callable, default=kind_of
        Makes of a model what is asked.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        If a name cannot stand in a path, or a model cannot be loaded or served.
    """

    def __init__(
        self,
        models: Mapping[str, FilePath | Estimator],
        metrics: Metrics,
        *,
        verify: bool = False,
        make_kind: MakeKind = kind_of,
    ) -> None:
        if not models:
            raise ValueError("models is empty; at least one model was expected")
        self._metrics, self._verify, self._make_kind = metrics, verify, make_kind
        self._told: dict[str, tuple[str, str, str]] = {}  # what the metrics say is served
        self._slots = {
            check_name(name): Slot(self._shown(_opened(name, given, verify, make_kind)))
            for name, given in models.items()
        }

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._slots.values())

    def find(self, name: str) -> Slot:
        """Return the slot of a model; status 404 if there is none."""
        found = self._slots.get(name)
        if found is None:
            raise Problem(
                404, f"there is no model of this name; the models are {', '.join(self._slots)}", "model"
            )
        return found

    async def reload(self, slot: Slot) -> Served:
        """Load what the directory of a model holds now; status 409 if that cannot be loaded: the old one goes on."""
        async with slot.changing:
            return await self._load_again(slot)

    async def _load_again(self, slot: Slot) -> Served:
        old = slot.served
        if old.path is None or _signature(old.path) == old.signature:
            return old
        try:
            slot.served = self._shown(await asyncio.to_thread(self._loaded, old.name, old.path))
        except (OSError, ValueError, TypeError) as error:
            self._metrics.reload_failures.labels(old.name).inc()
            slot.refused = _signature(old.path)
            _LOG.error("%s goes on as it was: %s", old.name, error)
            raise Problem(409, f"{old.name} goes on as it was: {error}") from error
        return slot.served

    def _loaded(self, name: str, path: Path) -> Served:
        return _loaded(name, path, self._verify, self._make_kind)

    async def look(self) -> None:
        """Look at the directories, and load what is new there."""
        for slot in self:
            if not slot.changing.locked():
                await self.catch_up(slot)

    async def catch_up(self, slot: Slot) -> None:
        """Load what is new in the directory of a model; what cannot be loaded is tried once."""
        async with slot.changing:
            served = slot.served
            if served.path is None or _signature(served.path) in (served.signature, slot.refused, None):
                return
            with contextlib.suppress(Problem):  # told in the log
                await self._load_again(slot)

    async def change(self, slot: Slot, op: str, changed: Callable[[Kind[Any]], Savable]) -> Served:
        """Put a changed model in the place of the one served, and save it; status 409 while another is being made."""
        if slot.changing.locked():
            raise Problem(409, f"the labels of {slot.served.name} are being changed; ask again")
        async with slot.changing:
            if slot.served.path is None:
                new = await asyncio.to_thread(_in_memory, slot.served, changed)
            else:
                await self._load_again(slot)
                new = await asyncio.to_thread(_on_disk, slot.served, changed, op)
            slot.served = self._shown(new)
        self._metrics.updates.labels(new.name, op).inc()
        return new

    def _shown(self, served: Served) -> Served:
        metrics, name = self._metrics, served.name
        if (former := self._told.get(name)) is not None:
            metrics.info.labels(*former).set(0)
        self._told[name] = name, served.revision, served.kind.name
        metrics.info.labels(*self._told[name]).set(1)
        metrics.n_labels.labels(name).set(served.kind.n_labels)
        metrics.n_bytes.labels(name).set(served.n_bytes)
        metrics.load_seconds.labels(name).set(served.seconds)
        metrics.loaded.labels(name).set(served.loaded)
        return served


def _opened(name: str, given: FilePath | Estimator, verify: bool, make_kind: MakeKind) -> Served:
    """Return what is served of a directory or of a fitted model."""
    if isinstance(given, str | os.PathLike):
        return _loaded(name, Path(given), verify, make_kind)
    kind = make_kind(given)
    started = time.perf_counter()
    quick = _warm(kind)
    return Served(name, kind, "1", None, None, quick, time.perf_counter() - started)


def _loaded(name: str, path: Path, verify: bool = False, make_kind: MakeKind = kind_of) -> Served:
    """Load a model, whose revision is a hash of its manifest, and ask it some questions."""
    started = time.perf_counter()
    while True:
        signature = _signature(path)
        model = load(path, verify=verify)
        records = read_records(path)
        revision = sha256((path / "config.json").read_bytes()).hexdigest()[:12]
        if _signature(path) == signature:  # nothing was saved meanwhile
            break
    kind = make_kind(model)
    quick = _warm(kind)
    seconds = time.perf_counter() - started
    return Served(name, kind, revision, path, signature, quick, seconds, _size(path), records)


def _size(path: Path) -> int:
    """Return the bytes of a model's files; another save may remove some at the same time."""
    n_bytes = 0
    for file in path.glob("*.safetensors"):
        with contextlib.suppress(FileNotFoundError):
            n_bytes += file.stat().st_size
    return n_bytes


def _warm(kind: Kind[Any]) -> bool:
    """Ask a model some questions; return whether it answers quickly, and by itself."""
    if kind.waits:
        return False
    ask, times = kind.warm(), []
    for _ in range(_WARMING):
        started = time.perf_counter()
        ask()
        times.append(time.perf_counter() - started)
    return min(times) < _QUICK


def _signature(path: Path) -> Signature | None:
    """Return what tells one manifest from another; None if there is none."""
    try:
        found = (path / "config.json").stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _in_memory(old: Served, changed: Callable[[Kind[Any]], Savable]) -> Served:
    with asked_well:
        model = changed(old.kind)
    started = time.perf_counter()
    kind = kind_of(model)
    quick = _warm(kind)
    return Served(
        old.name, kind, str(int(old.revision) + 1), None, None, quick, time.perf_counter() - started
    )


def _on_disk(old: Served, changed: Callable[[Kind[Any]], Savable], op: str) -> Served:
    assert old.path is not None
    try:
        with exclusive(old.path / "config.json"):
            if _signature(old.path) != old.signature:
                raise BlockingIOError
            with asked_well:
                model = changed(old.kind)
            record = Record(title="Last update", summary=f"Labels changed over HTTP: {op}.")
            save(model, old.path, records=[record], made_from=old.path)
    except BlockingIOError:
        raise Problem(409, f"the labels of {old.name} are being changed; ask again") from None
    return _loaded(old.name, old.path)
